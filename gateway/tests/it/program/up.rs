//! The launcher: what dies is started again, what cannot live is not.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use super::folder;
use super::node::{output, oxbeam};

/// A launcher that runs until it is dropped.
struct Launcher {
    child: Child,
    out: BufReader<ChildStdout>,
    errors: BufReader<ChildStderr>,
}

impl Launcher {
    fn start(folder: &Path, more: &[&str]) -> Self {
        let arguments = ["up", "--pause", "10", "--port", "0", "--bind", "127.0.0.1"];
        let mut command = oxbeam(folder, &[&arguments, more].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let errors = BufReader::new(child.stderr.take().unwrap());
        Self { child, out, errors }
    }

    /// Waits for the next life, and answers with its process and where it answers.
    fn life(&mut self) -> (String, String) {
        let process = line(&mut self.errors, "oxbeam up: started the node, process ");
        let url = line(&mut self.out, "url ");
        (process, url)
    }

    fn code(&mut self) -> Option<i32> {
        let mut rest = Vec::new();
        self.out.read_to_end(&mut rest).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        let _ = signal("-TERM", &self.child.id().to_string());
        let _ = self.child.wait();
    }
}

/// The rest of the next line that begins so.
fn line(from: &mut impl BufRead, begins: &str) -> String {
    loop {
        let mut line = String::new();
        assert!(from.read_line(&mut line).unwrap() > 0, "{begins} never came");
        if let Some(rest) = line.strip_prefix(begins) {
            return rest.trim().to_owned();
        }
    }
}

fn signal(signal: &str, process: &str) -> bool {
    Command::new("kill").args([signal, process]).status().unwrap().success()
}

fn healthy(url: &str) -> bool {
    let url = format!("{}/healthz", url.trim_end_matches('/'));
    ureq::get(url).call().is_ok_and(|answer| answer.status() == 200)
}

#[test]
fn a_node_that_is_killed_is_started_again_and_ends_with_its_launcher() {
    let folder = folder();
    let mut launcher = Launcher::start(folder.path(), &[]);
    let (first, url) = launcher.life();
    assert!(healthy(&url));
    assert!(signal("-KILL", &first));
    let (second, url) = launcher.life();
    assert_ne!(first, second);
    assert!(healthy(&url));
    assert!(signal("-TERM", &launcher.child.id().to_string()));
    assert_eq!(launcher.code(), Some(0), "the node was told, and ended in order");
    assert!(!healthy(&url));
    let reports = folder.path().join("data/crashes");
    let report = std::fs::read_dir(reports).unwrap().next().unwrap().unwrap().path();
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.starts_with("the node was killed by signal 9"), "{report}");
}

#[test]
fn a_node_that_dies_again_and_again_is_left_with_the_last_crash_on_the_screen() {
    let folder = folder();
    let mut launcher = Launcher::start(folder.path(), &["--max-crashes", "2"]);
    for _ in 0..2 {
        let (process, _) = launcher.life();
        assert!(signal("-KILL", &process));
    }
    let mut said = String::new();
    launcher.errors.read_to_string(&mut said).unwrap();
    assert!(said.contains("crashed 2 times in a row, not starting it again"), "{said}");
    assert!(said.contains("was killed by signal 9"), "{said}");
    assert!(said.contains("store opened"), "its last words are shown: {said}");
    assert_eq!(launcher.code(), Some(128 + 9));
}

#[test]
fn a_node_that_cannot_start_is_not_started_again() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let failed = output(folder.path(), &["up", "--port", &port, "--bind", "127.0.0.1"]);
    let said = String::from_utf8(failed.stderr).unwrap();
    assert_eq!(failed.status.code(), Some(69), "{said}");
    assert!(said.contains("is in use by another program"), "{said}");
    assert_eq!(said.matches("started the node").count(), 1, "{said}");
    let failed = output(folder.path(), &["up", "--set", "max_dept=1"]);
    assert_eq!(failed.status.code(), Some(78));
}
