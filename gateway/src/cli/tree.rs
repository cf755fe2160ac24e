//! `oxbeam tree`: the supervision tree of a running node.

mod draw;
mod row;

use std::io::{self, IsTerminal};
use std::thread::sleep;
use std::time::Duration;

use bytes::Bytes;
use oxbeam_kernel::Startup;
use oxbeam_protocol::codec::Json;
use oxbeam_protocol::{Message, Value};

use super::arguments::Tree;
use super::failure::Failure;
use super::{say, say_line, show};
use row::Row;

/// How often the tree is shown anew.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the node may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of a page.
const MAX_PAGE: u64 = 16 << 20;
/// Rows that are shown; nobody reads more.
const MAX_ROWS: usize = 20_000;
/// Clears a terminal.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Draws the tree once, or each second until the program is ended.
pub(super) fn run(arguments: &Tree) -> Result<(), Failure> {
    let url = match &arguments.node {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => {
            let startup = Startup::read(&arguments.configured.load([])?.message);
            format!("http://{}", super::start::reachable(startup.listen))
        }
    };
    let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE));
    let agent = agent.http_status_as_error(false).build().into();
    if arguments.json {
        return pages(&agent, &url, |page| {
            let rows = page.get("rows").and_then(Value::as_list);
            rows.into_iter().flat_map(|rows| rows.iter()).for_each(|row| {
                say_line(&show::json(row).to_string());
            });
            rows.map_or(0, |rows| rows.len())
        });
    }
    loop {
        let drawing = draw::tree(&rows(&agent, &url)?);
        let clear = if arguments.watch && io::stdout().is_terminal() { CLEAR } else { "" };
        say(&format!("{clear}{drawing}"));
        if !arguments.watch {
            return Ok(());
        }
        sleep(PERIOD);
    }
}

/// All actors of the node, page by page.
fn rows(agent: &ureq::Agent, url: &str) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::new();
    pages(agent, url, |page| {
        let before = rows.len();
        rows.extend(Row::of_page(page));
        rows.len() - before
    })?;
    Ok(rows)
}

/// Shows pages to somebody who says how many rows each had.
fn pages(
    agent: &ureq::Agent,
    url: &str,
    mut show: impl FnMut(&Message) -> usize,
) -> Result<(), Failure> {
    let (mut query, mut shown) = (String::new(), 0);
    while shown < MAX_ROWS {
        let page = page(agent, url, &query)?;
        shown += show(&page);
        match page.get("next") {
            Some(Value::Integer(next)) => query = format!("?after={next}"),
            _ => break,
        }
    }
    Ok(())
}

fn page(agent: &ureq::Agent, url: &str, query: &str) -> Result<Message, Failure> {
    let failed =
        |error: ureq::Error| Failure::NoNode { url: url.into(), reason: error.to_string() };
    let request = agent.get(format!("{url}/~supervisor@1.0/tree{query}"));
    let request = request.header("accept", "application/json").header("accept-bundle", "true");
    let mut response = request.call().map_err(failed)?;
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(MAX_PAGE).read_to_vec().map_err(failed)?;
    match Json::decode(&Bytes::from(body)) {
        Ok(Value::Map(page)) if status == 200 && page.contains("rows") => Ok(page),
        _ => Err(Failure::NoTree { url: url.into(), status }),
    }
}
