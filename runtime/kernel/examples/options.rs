//! Writes the table of options into `docs/configuration.md`. `make docs` runs it.
#![allow(clippy::print_stdout, reason = "it says what it did")]

use std::{error::Error, fs, path::Path};

use oxbeam_kernel::configuration::{OPTIONS_BEGIN, OPTIONS_END, document};

fn main() -> Result<(), Box<dyn Error>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = fs::read_to_string(&file)?;
    let (before, rest) = text.split_once(OPTIONS_BEGIN).ok_or("the table has no beginning")?;
    let (_, after) = rest.split_once(OPTIONS_END).ok_or("the table has no end")?;
    fs::write(&file, format!("{before}{OPTIONS_BEGIN}\n{}\n{OPTIONS_END}{after}", document()))?;
    println!("docs/configuration.md has the options of the code");
    Ok(())
}
