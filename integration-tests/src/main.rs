//! `vectors FOLDER`: checks every known category of a folder and prints one line for each.

use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use oxbeam_integration_tests::run;

fn main() -> anyhow::Result<ExitCode> {
    let folder = std::env::args_os().nth(1).context("usage: vectors FOLDER")?;
    let mut failed = 0;
    for report in run(&PathBuf::from(folder))? {
        failed += report.failures.len();
        writeln!(stdout(), "{report}")?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
