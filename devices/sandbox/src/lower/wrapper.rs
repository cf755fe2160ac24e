//! The functions that the host calls in place of those that may throw.

use std::collections::HashMap;

use wasm_encoder::{BlockType, Function};

use super::{payload::Payload, survey::Survey, throwing::Throwing};

/// A wrapper for each function that may throw and that the host can name.
#[derive(Debug)]
pub(super) struct Wrappers {
    /// Wrapped functions, in the order of their wrappers.
    wrapped: Vec<u32>,
    /// Index of the wrapper of each wrapped function.
    indices: HashMap<u32, u32>,
}

impl Wrappers {
    /// Finds what has to be wrapped. Wrappers come after all functions of the module.
    pub(super) fn of(survey: &Survey<'_>, throwing: &Throwing) -> Self {
        let mut wrappers = Self { wrapped: Vec::new(), indices: HashMap::new() };
        for function in survey.exported.iter().chain(&survey.start).copied() {
            if throwing.function(function) && !wrappers.indices.contains_key(&function) {
                let next = super::index(survey.functions.len() + wrappers.wrapped.len());
                wrappers.indices.insert(function, next);
                wrappers.wrapped.push(function);
            }
        }
        wrappers
    }

    /// What the host calls for the function `index`.
    pub(super) fn outer(&self, index: u32) -> u32 {
        self.indices.get(&index).copied().unwrap_or(index)
    }

    /// The wrapped functions, in the order of their wrappers.
    pub(super) fn wrapped(&self) -> &[u32] {
        &self.wrapped
    }

    /// The code of the wrapper of `function`: forgets what an abandoned call left behind, calls, and
    /// traps if an exception comes out.
    pub(super) fn code(function: u32, params: usize, payload: &Payload) -> Function {
        let mut wrapper = Function::new([]);
        let mut sink = wrapper.instructions();
        sink.i32_const(0).global_set(payload.pending());
        for param in 0..super::index(params) {
            sink.local_get(param);
        }
        sink.call(function).global_get(payload.pending());
        sink.if_(BlockType::Empty).unreachable().end().end();
        wrapper
    }
}
