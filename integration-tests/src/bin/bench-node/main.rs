//! `make bench-node`: a node beside the published figures of the reference node, as a table in Markdown.
//!
//! usage: `bench-node PROGRAM [MODULE]`: the program `oxbeam`, built with `--release`; a module of aos
#![allow(clippy::print_stdout, reason = "the table is the result")]

mod idle;
mod log;
mod lua;
mod node;
mod reads;
mod wasm;

use std::path::PathBuf;

use anyhow::{Context, Result};

use node::Node;

/// Bytes that the reference node takes after the same work.
const REFERENCE_RESIDENT: u64 = 374 << 20;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let program = arguments.next().context("which program?")?;
    let aos = arguments.next().map(std::fs::read).transpose()?;
    let node = Node::start(&program, &[])?;
    println!("Start to ready, empty store: {} ms\n", node.started().as_millis());
    node::head();
    reads::rows(&node)?;
    wasm::function(&node)?;
    log::rows(&node)?;
    lua::rows(&node)?;
    if let Some(aos) = aos {
        wasm::aos(&node, aos)?;
    }
    let resident = node.resident()?;
    let ratio = REFERENCE_RESIDENT as f64 / resident as f64;
    println!("\nMemory of the node after all this: {} MiB, {ratio:.1} times less", resident >> 20);
    drop(node);
    println!("\nResponses without signatures:\n");
    node::head();
    reads::rows(&Node::start(&program, &["--set", "signing=never"])?)?;
    println!();
    idle::figures(&program)
}
