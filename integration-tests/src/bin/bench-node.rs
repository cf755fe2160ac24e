//! `make bench-node`: the first figures of a node, as a table in Markdown.
//!
//! usage: bench-node PROGRAM    the program `oxbeam`, built with `--release`
#![allow(clippy::print_stdout, reason = "the table is the result")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use oxbeam_integration_tests::bench::{Client, Load, Measured, definition, signed};
use oxbeam_integration_tests::program::Program;
use oxbeam_protocol::codec::HttpMessage;
use oxbeam_protocol::{Message, Wallet};

/// Requests of each row that reads.
const READS: usize = 2000;
/// Processes that are spawned.
const SPAWNS: usize = 200;
/// Messages that are scheduled in each row.
const MESSAGES: usize = 1000;
/// Slots that are computed in one go.
const SLOTS: usize = 1000;

fn main() -> Result<()> {
    let program = PathBuf::from(std::env::args().nth(1).context("which program?")?);
    let data = tempfile::tempdir()?;
    let node = Program::start(&program, data.path(), &[])?;
    println!("Start to ready, empty store: {} ms\n", node.started.as_millis());
    println!("| Work | clients | a second | p50 ms | p99 ms | processor ms each |");
    println!("|---|---|---|---|---|---|");
    let bench = Bench { node, wallet: Wallet::generate_rsa()? };
    bench.reads()?;
    bench.writes()?;
    let resident = bench.node.resident()? / (1 << 20);
    println!("\nMemory of the node after all this: {resident} MiB");
    Ok(())
}

struct Bench {
    node: Program,
    wallet: Wallet,
}

impl Bench {
    fn reads(&self) -> Result<()> {
        let get = |target: &str| vec![(target.to_owned(), HttpMessage::default()); READS];
        self.row("`GET /~message@1.0/a?a=1`", 16, "GET", get("/~message@1.0/a?a=1"))?;
        self.row("`GET /~meta@1.0/info/address`", 16, "GET", get("/~meta@1.0/info/address"))
    }

    fn writes(&self) -> Result<()> {
        let address = self.address()?;
        let definitions: Vec<_> = (0..SPAWNS + 1)
            .map(|number| signed(&definition(&address, number), &self.wallet))
            .collect::<Result<_>>()?;
        let mut spawns: Vec<_> =
            definitions.into_iter().map(|message| ("/push".to_owned(), message)).collect();
        let (target, last) = spawns.pop().context("no process")?;
        self.row("spawn by `POST /push`", 16, "POST", spawns)?;
        let reply = Client::connect(self.node.host)?.send("POST", &target, &last)?;
        let process = reply.header("process").context("the spawn names no process")?.to_owned();
        for clients in [1, 16, 64] {
            let what = "`POST schedule` to one process";
            let messages = (0..MESSAGES).map(|number| {
                let message = Message::from([("type", "Message"), ("target", process.as_str())])
                    .with("number", i64::try_from(number)?)
                    .with("clients", clients as i64);
                Ok((format!("/{process}/schedule"), signed(&message, &self.wallet)?))
            });
            self.row(what, clients, "POST", messages.collect::<Result<_>>()?)?;
        }
        self.compute(&process)
    }

    /// Computes slots that nobody has computed yet, then reads the last one again.
    fn compute(&self, process: &str) -> Result<()> {
        let bundle =
            HttpMessage { headers: [("accept-bundle".into(), "true".into())].into(), body: None };
        let last = vec![(format!("/{process}/compute&slot={SLOTS}/at-slot"), bundle.clone())];
        let cold = self.measure(1, "GET", last)?;
        println!(
            "| compute of {SLOTS} slots of a native process, in one request | 1 | {:.0} slots | {} | | |",
            SLOTS as f64 / cold.took.as_secs_f64(),
            millis(cold.took)
        );
        let warm = vec![(format!("/{process}/compute&slot={SLOTS}/at-slot"), bundle); READS / 10];
        self.row("the same slot again", 1, "GET", warm)
    }

    fn row(
        &self,
        what: &str,
        clients: usize,
        method: &'static str,
        requests: Vec<(String, HttpMessage)>,
    ) -> Result<()> {
        let number = u32::try_from(requests.len())?;
        let before = self.node.processor_time()?;
        let measured = self.measure(clients, method, requests)?;
        let each = (self.node.processor_time()? - before) / number;
        println!(
            "| {what} | {clients} | {:.0} | {} | {} | {} |",
            measured.rate(),
            millis(measured.within(0.5)),
            millis(measured.within(0.99)),
            millis(each)
        );
        Ok(())
    }

    fn measure(
        &self,
        clients: usize,
        method: &'static str,
        requests: Vec<(String, HttpMessage)>,
    ) -> Result<Measured> {
        Load { clients, method, requests: Arc::new(requests) }.run(self.node.host)
    }

    fn address(&self) -> Result<String> {
        let target = "/~meta@1.0/info/address";
        let reply =
            Client::connect(self.node.host)?.send("GET", target, &HttpMessage::default())?;
        ensure!(reply.status == 200, "the node does not say its address");
        Ok(String::from_utf8_lossy(&reply.body).into_owned())
    }
}

fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1000.0)
}
