//! Requests that change nothing.

use anyhow::Result;
use oxbeam_protocol::codec::HttpMessage;

use crate::node::{Node, Request, Row};

const REQUESTS: usize = 2000;

/// A path, and what the reference node answers of it in a second.
const PATHS: [(&str, f64); 3] = [
    ("/~message@1.0/a?a=1", 83.0),
    ("/~meta@1.0/info/address", 9.0),
    ("/~message@1.0&a=1&b=2/keys/serialize~json@1.0", 62.0),
];

pub(crate) fn rows(node: &Node) -> Result<()> {
    for (path, reference) in PATHS {
        let what = format!("`GET {path}`");
        let row = Row { what: &what, clients: 16, reference: Some(reference) };
        node.row(row, "GET", again(path, REQUESTS))?;
    }
    Ok(())
}

/// The same request so often.
pub(crate) fn again(path: &str, times: usize) -> Vec<Request> {
    vec![(path.to_owned(), HttpMessage::default()); times]
}
