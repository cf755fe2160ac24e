//! This test binary as a program of its own, for tests that kill it.

use std::process::{Command, Stdio};

/// Says where the child keeps its store.
pub(crate) const FOLDER: &str = "OXBEAM_STORE_TEST_FOLDER";

/// A command that runs one ignored test of this binary with its output on a pipe.
pub(crate) fn command(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Tells the parent something, at once.
pub(crate) fn tell(line: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // The harness may have left its own line unfinished.
    out.write_all(format!("\n> {line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What a child told in a line of its output.
pub(crate) fn told(line: &str) -> Option<&str> {
    line.strip_prefix("> ")
}
