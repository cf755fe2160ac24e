//! The node under test, and the rows of the table.

use std::net::SocketAddr;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use oxbeam_integration_tests::bench::{Client, Load, Measured, Reply, signed, wire};
use oxbeam_integration_tests::program::Program;
use oxbeam_protocol::codec::HttpMessage;
use oxbeam_protocol::{Message, Wallet};
use tempfile::TempDir;

/// A request: its target and the message.
pub(crate) type Request = (String, HttpMessage);

/// Sends so many requests at the same time, and what the reference node comes to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) what: &'a str,
    pub(crate) clients: usize,
    /// The best published figure, a second.
    pub(crate) reference: Option<f64>,
}

/// A node with an empty store, and somebody who uses it.
pub(crate) struct Node {
    // Ended before its folder is deleted.
    program: Program,
    data: TempDir,
    pub(crate) wallet: Wallet,
    pub(crate) address: String,
}

pub(crate) fn head() {
    println!(
        "| Work | clients | a second | p50 ms | p99 ms | processor ms each | reference, a second | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|");
}

impl Node {
    pub(crate) fn start(program: &Path, arguments: &[&str]) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let program = Program::start(program, data.path(), arguments)?;
        let wallet = Wallet::generate_rsa()?;
        let mut node = Self { program, data, wallet, address: String::new() };
        node.address = node.get("/~meta@1.0/info/address")?;
        Ok(node)
    }

    fn host(&self) -> SocketAddr {
        self.program.host
    }

    pub(crate) fn started(&self) -> Duration {
        self.program.started
    }

    pub(crate) fn resident(&self) -> Result<u64> {
        self.program.resident()
    }

    /// Bytes that its folder takes of the disk.
    pub(crate) fn disk(&self) -> Result<u64> {
        size(self.data.path())
    }

    /// What is answered to a GET, as text.
    pub(crate) fn get(&self, target: &str) -> Result<String> {
        let reply = self.send("GET", target, &HttpMessage::default())?;
        Ok(String::from_utf8_lossy(&reply.body).into_owned())
    }

    /// What is answered to a message.
    pub(crate) fn post(&self, target: &str, message: &Message) -> Result<Reply> {
        self.send("POST", target, &wire(message)?)
    }

    /// One request that is not measured.
    pub(crate) fn send(&self, method: &str, target: &str, message: &HttpMessage) -> Result<Reply> {
        let reply = Client::connect(self.host())?.send(method, target, message)?;
        let text = String::from_utf8_lossy(&reply.body);
        ensure!(reply.status == 200, "{target} answers {}: {text}", reply.status);
        Ok(reply)
    }

    /// Starts a process; answers with its id.
    pub(crate) fn spawn(&self, definition: Message) -> Result<String> {
        let definition = definition
            .with("device", "process@1.0")
            .with("type", "Process")
            .with("scheduler", self.address.as_str())
            .with("authority", self.address.as_str())
            .with("scheduler-device", "scheduler@1.0")
            .with("push-device", "push@1.0");
        let reply = self.post("/push", &signed(&definition, &self.wallet)?)?;
        Ok(reply.header("process").context("the spawn names no process")?.to_owned())
    }

    /// Messages to a process, made and signed before they are counted.
    pub(crate) fn messages(
        &self,
        process: &str,
        numbers: Range<u32>,
        message: impl Fn(u32) -> Message,
    ) -> Result<Vec<HttpMessage>> {
        numbers
            .map(|number| {
                let message = message(number).with("type", "Message").with("target", process);
                wire(&signed(&message.with("number", i64::from(number)), &self.wallet)?)
            })
            .collect()
    }

    /// Sends requests, and prints what that came to.
    pub(crate) fn row(&self, row: Row<'_>, method: &'static str, all: Vec<Request>) -> Result<()> {
        let number = u32::try_from(all.len())?;
        let before = self.program.processor_time()?;
        let measured = self.measure(row.clients, method, all)?;
        let each = (self.program.processor_time()? - before) / number;
        let (p50, p99) = (millis(measured.within(0.5)), millis(measured.within(0.99)));
        println!(
            "| {} | {} | {:.0} | {p50} | {p99} | {} | {} |",
            row.what,
            row.clients,
            measured.rate(),
            millis(each),
            beside(measured.rate(), row.reference)
        );
        Ok(())
    }

    /// Asks for a slot behind so many others that nobody has computed, and prints how fast they were.
    pub(crate) fn computed(
        &self,
        row: Row<'_>,
        process: &str,
        slots: u32,
        last: u32,
    ) -> Result<()> {
        let before = self.program.processor_time()?;
        let target = format!("/{process}/compute&slot={last}/at-slot");
        let measured = self.measure(row.clients, "GET", vec![(target, HttpMessage::default())])?;
        let each = (self.program.processor_time()? - before) / slots;
        let rate = f64::from(slots) / measured.took.as_secs_f64();
        println!(
            "| {slots} {}, in one request | {} | {rate:.0} slots | {} in all | | {} | {} |",
            row.what,
            row.clients,
            millis(measured.took),
            millis(each),
            beside(rate, row.reference)
        );
        Ok(())
    }

    fn measure(
        &self,
        clients: usize,
        method: &'static str,
        requests: Vec<Request>,
    ) -> Result<Measured> {
        Load { clients, method, requests: Arc::new(requests) }.run(self.host())
    }
}

/// The reference's figure, and how many times as many this is.
fn beside(rate: f64, reference: Option<f64>) -> String {
    reference.map_or("| ".to_owned(), |reference| format!("{reference} | {:.0}", rate / reference))
}

fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}

fn size(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        // Blocks of 512 bytes, whatever the file system's are.
        bytes += if about.is_dir() { size(&entry.path())? } else { about.blocks() * 512 };
    }
    Ok(bytes)
}
