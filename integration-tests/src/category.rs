//! The categories that can be checked, and how each of their operations is answered.

mod ans104;
mod commitments;
mod flat;
mod hashpath;
mod http;
mod httpsig;
mod ids;
mod json;
mod lacking;
mod paths;
mod process;
mod resolve;
mod structured;

use anyhow::{Result, bail, ensure};
use oxbeam_protocol::Value;
use serde_json::Value as Json;

use crate::typed;
use crate::vector::{Folder, Vector, is_error};

pub use lacking::Lacking;

/// A file of vectors and the answers to its lines.
#[derive(Debug)]
pub struct Category {
    /// The file's name without `.jsonl`.
    pub name: &'static str,
    /// Answers a line and compares. Fails with [`Lacking`] if the node cannot answer all of it.
    pub check: fn(&Folder, &Vector) -> Result<()>,
}

/// Every category, in the order in which they are reported.
pub const CATEGORIES: &[Category] = &[
    Category { name: "structured", check: structured::check },
    Category { name: "ids", check: ids::check },
    Category { name: "httpsig-encode", check: httpsig::check },
    Category { name: "flat", check: flat::check },
    Category { name: "json", check: json::check },
    Category { name: "commitments", check: commitments::check },
    Category { name: "ans104", check: ans104::check },
    Category { name: "hashpath", check: hashpath::check },
    Category { name: "paths", check: paths::check },
    Category { name: "resolve", check: resolve::check },
    Category { name: "http", check: http::check },
    Category { name: "process", check: process::check },
];

/// Compares an answer with a part of the expected one. Where the reference node fails, so must we.
fn expect<T>(
    expected: Option<&Json>,
    actual: Result<T>,
    compare: impl FnOnce(&Json, &T) -> Result<()>,
) -> Result<()> {
    match (expected, actual) {
        (None, _) => Ok(()),
        (Some(expected), Err(_)) if is_error(expected) => Ok(()),
        (Some(expected), Ok(_)) if is_error(expected) => bail!("expected an error"),
        (Some(expected), Ok(actual)) => compare(expected, &actual),
        (Some(_), Err(error)) => Err(error),
    }
}

/// Compares a value with a part of the expected answer.
fn expect_value(expected: Option<&Json>, actual: Result<Value>) -> Result<()> {
    expect(expected, actual, typed::compare)
}

/// Compares a text with a part of the expected answer.
fn expect_text(expected: Option<&Json>, actual: Result<String>) -> Result<()> {
    expect(expected, actual, |expected, actual| {
        let expected = expected.as_str().or_else(|| expected.get("s")?.as_str());
        ensure!(expected == Some(actual), "expected {expected:?}, found {actual:?}");
        Ok(())
    })
}

/// Where the whole answer is that there is none, every step together must fail.
fn expect_failure(vector: &Vector, answer: Result<()>) -> Result<()> {
    match answer {
        Err(_) => Ok(()),
        Ok(()) => bail!("expected an error from {}", vector.op),
    }
}
