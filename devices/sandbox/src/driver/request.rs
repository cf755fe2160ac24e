//! How a guest's call to an import leaves the interpreter.

use std::fmt;

/// A call to an import, thrown as a host error so that the interpreter can be left and resumed.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Index of the import.
    pub(super) import: usize,
    pub(super) arguments: Vec<wasmi::Val>,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "call to import {}", self.import)
    }
}

impl wasmi::errors::HostError for Request {}
