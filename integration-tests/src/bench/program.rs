//! The program `oxbeam` as a child: started on a free port, and ended when it is dropped.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a node may take to start.
const START: Duration = Duration::from_secs(30);

/// A node that runs.
#[derive(Debug)]
pub struct Program {
    child: Child,
    /// Where it listens.
    pub host: SocketAddr,
    /// From its start until it answered.
    pub started: Duration,
}

impl Program {
    /// Starts the program with its data in a folder, and waits until it is ready.
    ///
    /// # Errors
    /// It does not start.
    pub fn start(program: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(["start", "--bind", "127.0.0.1", "--port", "0", "--data"])
            .arg(data)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("failed to start {}", program.display()))?;
        let output = child.stdout.take().context("the program has no output")?;
        let mut lines = BufReader::new(output).lines();
        while begun.elapsed() < START {
            let Some(line) = lines.next() else { bail!("the node ended: {:?}", child.wait()?) };
            if let Some(host) = listening(&line?) {
                // What it still says is nobody's concern, but must be read.
                std::thread::spawn(move || lines.for_each(drop));
                return Ok(Self { child, host, started: begun.elapsed() });
            }
        }
        child.kill()?;
        bail!("the node did not start within {START:?}")
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

    /// Ends it as a power cut would end a program: at once.
    ///
    /// # Errors
    /// It has ended already.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the line that says that the node is ready.
fn listening(line: &str) -> Option<SocketAddr> {
    let at = line.find("http://")?;
    line.get(at + 7..)?.split(|c: char| c.is_whitespace() || c == '/').next()?.parse().ok()
}
