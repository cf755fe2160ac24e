//! Commands that the documentation shows, and the demonstration that README names.

use std::path::{Path, PathBuf};
use std::process::Command;

use oxbeam_integration_tests::program::{self, Program};
use tempfile::TempDir;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts").join(name)
}

/// Runs it with the program that was built. What it says is seen if it fails.
fn run(command: &mut Command, program: &Path) {
    let output = command.env("OXBEAM", program).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    println!("{said}");
}

#[test]
fn every_command_of_the_documentation_does_what_it_says() {
    let program = program::find().unwrap();
    let data = TempDir::new().unwrap();
    let node = Program::start(&program, data.path(), &[]).unwrap();
    run(Command::new(script("check-docs")).arg(format!("http://{}", node.host)), &program);
}

#[test]
fn the_demonstration_loses_and_doubles_nothing() {
    let program = program::find().unwrap();
    // As many as show it: `make demo` sends a thousand.
    run(Command::new(script("demo")).env("MESSAGES", "60"), &program);
}
