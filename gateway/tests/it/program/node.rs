//! A node in a process and a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use oxbeam_protocol::Wallet;

/// A program that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    out: BufReader<ChildStdout>,
    /// Its address, as it said.
    pub(crate) address: String,
    /// Where it answers, as it said.
    pub(crate) url: String,
}

/// `oxbeam` with these arguments, without the variables of whoever runs the tests.
pub(crate) fn oxbeam(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxbeam"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("OXBEAM_") {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).args(arguments).stdin(Stdio::null());
    command
}

/// What a command says that ends by itself.
pub(crate) fn output(folder: &Path, arguments: &[&str]) -> Output {
    oxbeam(folder, arguments).output().unwrap()
}

/// A wallet that takes no time to make.
pub(crate) fn put_wallet(folder: &Path) {
    let text = Wallet::generate_secp256k1().unwrap().to_text().unwrap();
    fs::create_dir_all(folder.join("data")).unwrap();
    fs::write(folder.join("data/wallet.json"), text.as_bytes()).unwrap();
}

impl Program {
    /// Starts a node on a free port, and waits until it says that it is ready.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_on(folder, "0")
    }

    /// The same on this port.
    pub(crate) fn start_on(folder: &Path, port: &str) -> Self {
        Self::start_as(folder, &["--port", port], Stdio::null())
    }

    /// The same on a free port with these arguments.
    pub(crate) fn start_with(folder: &Path, arguments: &[&str]) -> Self {
        Self::start_as(folder, &[&["--port", "0"], arguments].concat(), Stdio::null())
    }

    /// The same on a free port, with its log going here.
    pub(crate) fn logging(folder: &Path, log: Stdio) -> Self {
        Self::start_as(folder, &["--port", "0"], log)
    }

    fn start_as(folder: &Path, arguments: &[&str], log: Stdio) -> Self {
        let mut command = oxbeam(folder, &[&["start", "--bind", "127.0.0.1"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = |name: &str| {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            line.strip_prefix(name).expect("the node says it").trim().to_owned()
        };
        let (address, url) = (said("address"), said("url"));
        said("data");
        Self { child, out, address, url }
    }

    /// Sends a signal and waits for the exit code.
    pub(crate) fn signal(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let mut rest = Vec::new();
        std::io::Read::read_to_end(&mut self.out, &mut rest).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
