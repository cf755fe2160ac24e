//! Processes and messages, which are on disk before they are acknowledged.

use anyhow::{Context, Result};
use bytes::Bytes;
use oxbeam_integration_tests::bench::definition;
use oxbeam_protocol::codec::{Ans104, HttpMessage, Links};
use oxbeam_protocol::commitment::{ANS104, CommitRequest, commit};
use oxbeam_protocol::{Message, NoContent};

use crate::node::{Node, Request, Row};
use crate::reads::again;

const SPAWNS: usize = 200;
/// Messages of each row.
const MESSAGES: u32 = 1000;
/// Slots that are computed in one go.
const SLOTS: u32 = 1000;
const PROCESSES: usize = 8;
/// Bytes of the reference node's disk for each message.
const REFERENCE_BYTES: f64 = 300_000.0;

pub(crate) fn rows(node: &Node) -> Result<()> {
    let what = "spawn by `POST /push`, ANS-104";
    let spawns = (0..SPAWNS).map(|number| Ok(("/push".to_owned(), item(node, number)?)));
    let row = Row { what, clients: 16, reference: Some(13.0) };
    node.row(row, "POST", spawns.collect::<Result<_>>()?)?;
    let mut processes = Vec::new();
    for number in SPAWNS..SPAWNS + PROCESSES {
        processes.push(node.spawn(definition(&node.address, number))?);
    }
    let first = processes.first().context("no process")?.clone();
    let before = node.disk()?;
    for (round, (clients, reference)) in
        [(1, Some(11.0)), (16, Some(14.0)), (64, None)].into_iter().enumerate()
    {
        let from = u32::try_from(round)? * MESSAGES;
        let row = Row { what: "`POST schedule` to one process", clients, reference };
        node.row(row, "POST", schedules(node, &[&first], from)?)?;
    }
    let all: Vec<&str> = processes.iter().map(String::as_str).collect();
    let what = "`POST schedule` to 8 processes";
    let row = Row { what, clients: 16, reference: Some(13.0) };
    node.row(row, "POST", schedules(node, &all, 3 * MESSAGES)?)?;
    disk(before, node.disk()?);
    let what = "slots of a native process";
    node.computed(Row { what, clients: 1, reference: None }, &first, SLOTS, SLOTS)?;
    let target = format!("/{first}/compute&slot={SLOTS}/at-slot");
    let row = Row { what: "the last of them again", clients: 1, reference: None };
    node.row(row, "GET", again(&target, 200))
}

/// A definition of a process as the network's clients send it.
fn item(node: &Node, number: usize) -> Result<HttpMessage> {
    let device = Some(Bytes::from_static(ANS104.as_bytes()));
    let request = CommitRequest { device, ..CommitRequest::default() };
    let signed = commit(&definition(&node.address, number), &request, &node.wallet, &NoContent)?;
    let body = Ans104 { links: Links::Embed(&NoContent) }.encode(&signed.into())?;
    let headers = [("content-type", "application/ans104"), ("codec-device", ANS104)];
    let headers = headers.map(|(name, value)| (name.into(), Bytes::from_static(value.as_bytes())));
    Ok(HttpMessage { headers: headers.into(), body: Some(body) })
}

/// Messages to processes, in turn.
fn schedules(node: &Node, processes: &[&str], from: u32) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    for (process, number) in processes.iter().cycle().zip(from..from + MESSAGES) {
        let messages = node.messages(process, number..number + 1, |_| Message::new())?;
        requests.extend(messages.into_iter().map(|m| (format!("/{process}/schedule"), m)));
    }
    Ok(requests)
}

fn disk(before: u64, after: u64) {
    let each = after.saturating_sub(before) as f64 / f64::from(4 * MESSAGES);
    println!(
        "| disk for each of these {} messages | | {:.1} KB | | | | 300 KB | 1/{:.0} |",
        4 * MESSAGES,
        each / 1000.0,
        REFERENCE_BYTES / each
    );
}
