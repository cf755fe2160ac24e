//! `oxbeam new`: a folder for an agent, with code that runs and a test.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde_json::json;

use super::arguments::agent::{Language, New};
use super::failure::Failure;
use super::say_line;

/// A file of a template: where it goes, and what is in it.
type File = (&'static str, &'static str);

/// What stands in a template for the agent's name.
const NAME: &str = "{{name}}";

const LUA: &[File] = &[
    ("agent.toml", include_str!("new/templates/lua/agent.toml")),
    ("agent.lua", include_str!("new/templates/lua/agent.lua")),
    ("tests/agent.jsonl", include_str!("new/templates/lua/tests/agent.jsonl")),
    ("README.md", include_str!("new/templates/lua/README.md")),
];
const WAT: &[File] = &[
    ("agent.toml", include_str!("new/templates/wat/agent.toml")),
    ("agent.wat", include_str!("new/templates/wat/agent.wat")),
    ("tests/agent.jsonl", include_str!("new/templates/wat/tests/agent.jsonl")),
    ("README.md", include_str!("new/templates/wat/README.md")),
];
const C: &[File] = &[
    ("agent.toml", include_str!("new/templates/c/agent.toml")),
    ("agent.c", include_str!("new/templates/c/agent.c")),
    ("tests/agent.jsonl", include_str!("new/templates/c/tests/agent.jsonl")),
    ("README.md", include_str!("new/templates/c/README.md")),
    (".gitignore", "agent.wasm\n"),
];
const RUST: &[File] = &[
    ("agent.toml", include_str!("new/templates/rust/agent.toml")),
    // Under another name here: cargo takes a folder with this file for a package.
    ("Cargo.toml", include_str!("new/templates/rust/Cargo.toml.in")),
    ("src/lib.rs", include_str!("new/templates/rust/src/lib.rs")),
    ("tests/agent.jsonl", include_str!("new/templates/rust/tests/agent.jsonl")),
    ("README.md", include_str!("new/templates/rust/README.md")),
    (".gitignore", "target\n"),
];

/// Makes the folder.
pub(super) fn run(arguments: &New) -> Result<(), Failure> {
    let folder = &arguments.name;
    let name = name(folder)?;
    fs::create_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::Exists(folder.clone()),
        _ => Failure::io(folder, error),
    })?;
    let files = template(arguments.lang);
    for (path, text) in files {
        write(&folder.join(path), &text.replace(NAME, &name))?;
    }
    let paths: Vec<_> = files.iter().map(|(path, _)| *path).collect();
    say_line(&match arguments.json {
        true => json!({ "folder": folder, "name": name, "files": paths }).to_string(),
        false => format!(
            "made {}: {}\n\nnext:\n  cd {0}\n  oxbeam run --messages tests/agent.jsonl\n  \
             oxbeam deploy",
            folder.display(),
            paths.join(", ")
        ),
    });
    Ok(())
}

fn template(language: Language) -> &'static [File] {
    match language {
        Language::Lua => LUA,
        Language::Wat => WAT,
        Language::C => C,
        Language::Rust => RUST,
    }
}

/// The name of the folder, if it can be the name of a package.
fn name(folder: &Path) -> Result<String, Failure> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    match name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.chars().all(fits) {
        true => Ok(name.to_owned()),
        false => {
            let reason = "it begins with a letter and has letters, digits, - and _".to_owned();
            Err(Failure::Argument { what: "the name of the agent", reason })
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::io(folder, error))?;
    }
    fs::write(path, text).map_err(|error| Failure::io(path, error))
}
