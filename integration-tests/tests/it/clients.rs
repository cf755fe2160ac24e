//! Clients of the network, as npm has them, against the program itself. What they do is in
//! `clients/*.mjs`, a line for each step. Source: spec 30.

use std::path::{Path, PathBuf};
use std::process::Command;

use oxbeam_integration_tests::program::{self, Program};
use tempfile::TempDir;

/// What the script ends with where there is no npm, or no way to its registry.
const UNREACHABLE: i32 = 3;

/// The folder in which the clients are, if there is a way to get them.
fn clients() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/clients");
    match Command::new(script).arg(&folder).status().unwrap().code() {
        Some(0) => Some(folder),
        Some(UNREACHABLE) => {
            println!("skipped: the clients of npm were not tested");
            None
        }
        code => panic!("scripts/clients ended with {code:?}"),
    }
}

/// Node 18, which Debian 12 has, shows the clients its `crypto` only if it is told to.
fn javascript() -> Command {
    let version = Command::new("node").arg("--version").output().unwrap().stdout;
    let mut program = Command::new("node");
    if version.starts_with(b"v18.") {
        program.arg("--experimental-global-webcrypto");
    }
    program
}

/// Takes the steps of these scripts one after another, each against a node of its own.
#[test]
fn clients_of_the_network_work_unmodified() {
    let Some(folder) = clients() else { return };
    let mut failed = Vec::new();
    for script in ["aoconnect", "aoconnect-older", "items", "rfc9421", "wao"] {
        let data = TempDir::new().unwrap();
        let node = Program::start(&program::find().unwrap(), data.path(), &[]).unwrap();
        let mut command = javascript();
        command.arg("--no-warnings").arg(format!("{script}.mjs")).current_dir(&folder);
        command.env("NODE_URL", format!("http://{}", node.host));
        if let Some(aos) = crate::aos::path() {
            command.env("AOS", aos);
        }
        let output = command.output().unwrap();
        println!("{script}\n{}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            failed.push((script, String::from_utf8_lossy(&output.stderr).into_owned()));
        }
    }
    assert!(failed.is_empty(), "{failed:?}");
}
