//! What processes cost that have nothing to do.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use oxbeam_integration_tests::bench::{definition, signed, wire};
use oxbeam_protocol::{Wallet, commitment};

use crate::node::{Node, Row, head};
use crate::reads::again;

const PROCESSES: usize = 10_000;
/// After how long without work a process leaves memory, in this node.
const PASSIVATE: &str = "passivate_after=60000";
/// How long until nothing is left to do: a process writes its checkpoint after five seconds, the store makes
/// tables of what was written after one more, and the allocator gives back what is free after ten.
const REST: Duration = Duration::from_secs(30);
/// The metric of what the store has in memory, what is not in its tables yet included.
const STORE_CACHE: &str = "oxbeam_store_memory_bytes{part=\"cache\"}";
/// How long that may take.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) fn figures(program: &Path) -> Result<()> {
    let node = Node::start(program, &["--set", PASSIVATE])?;
    let (empty, resting) = (node.resident()?, in_memory(&node)?);
    let wallet = Wallet::generate_secp256k1()?;
    let (mut spawns, mut firsts) = (Vec::new(), Vec::new());
    for number in 0..PROCESSES {
        let definition = signed(&definition(&node.address, number), &wallet)?;
        let process = commitment::signed_id(&definition.clone().into())?;
        spawns.push(("/push".to_owned(), wire(&definition)?));
        firsts.extend(again(&format!("/{process}/compute&slot=0/at-slot"), 1));
    }
    head();
    node.row(
        Row { what: "spawn, signed by secp256k1", clients: 16, reference: None },
        "POST",
        spawns,
    )?;
    let row = Row { what: "first slot of each process", clients: 16, reference: None };
    node.row(row, "GET", firsts)?;
    sleep(REST);
    let (there, idle, stored) = (in_memory(&node)? - resting, node.resident()?, of_store(&node)?);
    let begun = Instant::now();
    while in_memory(&node)? > resting {
        ensure!(begun.elapsed() < PATIENCE, "processes without work stay in memory");
        sleep(Duration::from_secs(1));
    }
    let [empty, idle, stored, gone] = [empty, idle, stored, node.resident()?].map(|it| it >> 20);
    println!(
        "\nMemory: {empty} MiB empty; {idle} MiB with {there} actors of idle processes, {stored} of them the store's; {gone} MiB when they are gone"
    );
    Ok(())
}

/// Bytes that the store keeps of what was read and written, up to the bound of its configuration.
fn of_store(node: &Node) -> Result<u64> {
    let metrics = node.get("/metrics")?;
    let line = metrics.lines().find_map(|line| line.strip_prefix(STORE_CACHE));
    Ok(line.context("no metric of the store's memory")?.trim().parse::<f64>()? as u64)
}

/// The actors of processes, their schedulers included, that are in memory.
fn in_memory(node: &Node) -> Result<f64> {
    let metrics = node.get("/metrics")?;
    let lines = metrics.lines().filter(|line| line.starts_with("oxbeam_actors{"));
    let counted = lines.filter(|line| line.contains("processes") || line.contains("schedulers"));
    Ok(counted.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum())
}
