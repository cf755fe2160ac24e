//! The program `oxbeam` as a child: started on a free port, and ended when it is dropped.

mod find;

use std::io::{BufRead, BufReader, Lines};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

pub use find::find;

/// How long a node may take to start.
const START: Duration = Duration::from_secs(30);
/// Variables that begin so are options of a node.
const OPTIONS: &str = "OXBEAM_";

/// A node that runs.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Where it listens.
    pub host: SocketAddr,
    /// From its start until it was ready.
    pub started: Duration,
}

impl Program {
    /// Starts the program with its data in a folder, and waits until it says that it is ready. The
    /// options of whoever runs this are not those of the node.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(program: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        let begun = Instant::now();
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with(OPTIONS) {
                command.env_remove(name);
            }
        }
        command.args(["start", "--bind", "127.0.0.1", "--port", "0", "--data"]).arg(data);
        // A configuration that lies where this runs is not the node's either.
        command.args(arguments).current_dir(data).stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn();
        let child = child.with_context(|| format!("failed to start {}", program.display()))?;
        // From here on it is ended whatever happens.
        let mut node = Self { child, host: ([127, 0, 0, 1], 0).into(), started: Duration::ZERO };
        node.host = node.listens()?;
        node.started = begun.elapsed();
        Ok(node)
    }

    /// The address in the line that says that the node is ready.
    fn listens(&mut self) -> Result<SocketAddr> {
        let output = self.child.stdout.take().context("the program has no output")?;
        let (ready, listening) = mpsc::channel();
        thread::spawn(move || read(BufReader::new(output).lines(), &ready));
        match listening.recv_timeout(START) {
            Ok(host) => Ok(host),
            Err(RecvTimeoutError::Timeout) => bail!("the node did not start within {START:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the node ended: {}", self.child.wait()?),
        }
    }

    /// Processor time that the node has had.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn processor_time(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit(") ").next().context("a malformed stat")?;
        let ticks: u64 =
            fields.split(' ').skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
        // Linux counts in hundredths for programs, whatever its own clock does.
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Bytes of memory that the node takes.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn resident(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 = line
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .context("no VmRSS")?;
        Ok(kib * 1024)
    }

    /// Files, sockets included, that the node has open.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn files(&self) -> Result<usize> {
        self.listed("fd")
    }

    /// Threads of the node.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn threads(&self) -> Result<usize> {
        self.listed("task")
    }

    fn listed(&self, folder: &str) -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/{folder}", self.child.id()))?.count())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells when the node is ready. What it says besides is nobody's concern, but must be read.
fn read(lines: Lines<BufReader<ChildStdout>>, ready: &mpsc::Sender<SocketAddr>) {
    for line in lines.map_while(Result::ok) {
        if let Some(host) = url(&line) {
            // Whoever waits for it may have given up.
            let _ = ready.send(host);
        }
    }
}

/// The address in the line `url      http://ADDRESS`.
fn url(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("url")?.trim().strip_prefix("http://")?.parse().ok()
}
