//! `make bench-start`: how long a node with long logs takes to start, and one with many processes.
//!
//! usage: `bench-start PROGRAM [PROCESSES [SLOTS [MANY]]]`: the program `oxbeam`; 1000 processes of 1000
//! slots each; then a million processes more, of one slot each
#![allow(clippy::print_stdout, reason = "the figures are the result")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use oxbeam_integration_tests::bench::{Client, definition, fill, multiply, signed, wire};
use oxbeam_integration_tests::program::Program;
use oxbeam_protocol::codec::HttpMessage;
use oxbeam_protocol::{Id, Wallet};

/// How often the node is started.
const STARTS: usize = 5;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let program = PathBuf::from(arguments.next().context("which program?")?);
    let mut number = |usual| arguments.next().map_or(Ok(usual), |number| number.parse::<usize>());
    let (processes, slots, many) = (number(1000)?, number(1000)?, number(1_000_000)?);
    let data = tempfile::tempdir()?;
    let spawned = spawn(&program, data.path(), processes)?;
    let begun = Instant::now();
    fill(&data.path().join("store"), &spawned, u64::try_from(slots)?)?;
    let took = begun.elapsed();
    println!(
        "{processes} processes of {slots} slots: {}, written in {took:.0?}",
        size(data.path())?
    );
    for _ in 0..STARTS {
        start(&program, data.path(), &spawned, slots)?;
    }
    let (begun, model) = (Instant::now(), *spawned.first().context("no process")?);
    let many = multiply(&data.path().join("store"), model, many)?;
    let (more, took) = (many.len(), begun.elapsed());
    println!("{more} processes more, of one slot: {}, written in {took:.0?}", size(data.path())?);
    for _ in 0..STARTS {
        start(&program, data.path(), &many, 1)?;
    }
    Ok(())
}

/// Starts as many processes on a node, by their definitions.
fn spawn(program: &Path, data: &Path, processes: usize) -> Result<Vec<Id>> {
    let node = Program::start(program, data, &[])?;
    let mut client = Client::connect(node.host)?;
    let scheduler = get(&mut client, "/~meta@1.0/info/address")?;
    let wallet = Wallet::generate_secp256k1()?;
    let spawned = (0..processes).map(|number| {
        let definition = wire(&signed(&definition(&scheduler, number), &wallet)?)?;
        let reply = client.send("POST", "/~scheduler@1.0/schedule", &definition)?;
        Ok(reply.header("process").context("the spawn names no process")?.parse()?)
    });
    spawned.collect()
}

/// Starts the node, and asks it for the last slot of a process.
fn start(program: &Path, data: &Path, processes: &[Id], slots: usize) -> Result<()> {
    let begun = Instant::now();
    let node = Program::start(program, data, &[])?;
    let mut client = Client::connect(node.host)?;
    let some = fastrand::choice(processes).context("no process")?;
    let last = get(&mut client, &format!("/{some}/slot/current"))?;
    let took = begun.elapsed();
    ensure!(last == (slots - 1).to_string(), "the last slot is {last}");
    let resident = node.resident()? >> 20;
    println!("ready in {}, answered in {}, {resident} MiB", millis(node.started), millis(took));
    Ok(())
}

fn get(client: &mut Client, target: &str) -> Result<String> {
    let reply = client.send("GET", target, &HttpMessage::default())?;
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    ensure!(reply.status == 200, "{target} answers {}: {text}", reply.status);
    Ok(text)
}

/// What a folder takes up.
fn size(folder: &Path) -> Result<String> {
    Ok(format!("{} MiB", bytes(folder)? >> 20))
}

fn bytes(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        size += if data.is_dir() { bytes(&entry.path())? } else { data.len() };
    }
    Ok(size)
}

fn millis(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}
