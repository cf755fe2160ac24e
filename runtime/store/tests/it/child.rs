//! This test binary as a program of its own, for tests that kill it.

use std::io::{BufRead, BufReader};
use std::path::Path;
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

/// Runs an ignored test of this binary under another program. Answers what it told, or nothing if
/// the program is missing or may not do its work here.
pub(crate) fn run_under(
    program: &str,
    arguments: &[&str],
    test: &str,
    folder: &Path,
) -> Option<Vec<String>> {
    let mut child = Command::new(program)
        .args(arguments)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let output = BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<String> = output
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| told(&line).map(str::to_owned))
        .collect();
    let status = child.wait().unwrap();
    if lines.is_empty() {
        println!("skipped: {program} does not work here ({status})");
        return None;
    }
    assert!(status.success(), "{status}: {lines:?}");
    Some(lines)
}
