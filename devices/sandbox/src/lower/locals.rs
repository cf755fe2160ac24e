//! The locals of a rewritten function: its own, wider where they hold an exception, then scratch.

use wasm_encoder::ValType;

use super::{
    LowerError, at_most,
    payload::Payload,
    types::{is_exception, plain},
};

/// Locals of a function, parameters included: the validator's own limit.
const MAX_LOCALS: usize = 50_000;

/// Consecutive locals of one type.
#[derive(Debug)]
struct Run {
    /// Index of the first in the module as it was.
    old: u32,
    /// Index of the first in the lowered module.
    new: u32,
    /// Values that become of each.
    width: u32,
}

/// Maps old locals to new ones, and gives out scratch.
#[derive(Debug)]
pub(super) struct Locals {
    runs: Vec<Run>,
    old: u32,
    new: u32,
    /// Declarations after the parameters.
    declared: Vec<(u32, ValType)>,
    condition: Option<u32>,
    /// Sets of locals, each wide enough for an exception, that are free again.
    spare: Vec<Vec<u32>>,
}

impl Locals {
    /// The locals of a function with these parameters, before its declarations.
    pub(super) fn of(
        params: &[wasmparser::ValType],
        payload: &Payload,
    ) -> Result<Self, LowerError> {
        let mut locals = Self {
            runs: Vec::new(),
            old: 0,
            new: 0,
            declared: Vec::new(),
            condition: None,
            spare: Vec::new(),
        };
        for param in params {
            locals.run(1, is_exception(param), payload)?;
        }
        Ok(locals)
    }

    /// Adds a declaration of `count` locals.
    pub(super) fn declare(
        &mut self,
        count: u32,
        ty: wasmparser::ValType,
        payload: &Payload,
    ) -> Result<(), LowerError> {
        let exception = is_exception(&ty);
        self.run(count, exception, payload)?;
        if exception {
            let parts: Vec<_> = payload.parts().collect();
            for _ in 0..count {
                self.declared.extend(parts.iter().map(|part| (1, *part)));
            }
        } else {
            self.declared.push((count, plain(ty)?));
        }
        Ok(())
    }

    fn run(&mut self, count: u32, exception: bool, payload: &Payload) -> Result<(), LowerError> {
        let width = if exception { super::index(payload.parts().count()) } else { 1 };
        self.runs.push(Run { old: self.old, new: self.new, width });
        self.old = self.old.saturating_add(count);
        self.new = self.new.saturating_add(count.saturating_mul(width));
        self.check()
    }

    fn check(&self) -> Result<(), LowerError> {
        at_most("locals of a function", self.new as usize, MAX_LOCALS)
    }

    /// First index and number of the values that hold what the local `old` held.
    pub(super) fn at(&self, old: u32) -> (u32, u32) {
        let after = self.runs.partition_point(|run| run.old <= old);
        match after.checked_sub(1).and_then(|last| self.runs.get(last)) {
            Some(run) => (run.new + (old - run.old) * run.width, run.width),
            None => (old, 1),
        }
    }

    /// The i32 that a condition stays in for a few instructions.
    pub(super) fn condition(&mut self) -> Result<u32, LowerError> {
        if let Some(local) = self.condition {
            return Ok(local);
        }
        let local = self.fresh(ValType::I32)?;
        self.condition = Some(local);
        Ok(local)
    }

    /// Locals for an exception, until they are given back.
    pub(super) fn borrow(&mut self, payload: &Payload) -> Result<Vec<u32>, LowerError> {
        match self.spare.pop() {
            Some(locals) => Ok(locals),
            None => payload.parts().map(|part| self.fresh(part)).collect(),
        }
    }

    /// Takes back what [`Locals::borrow`] gave.
    pub(super) fn give_back(&mut self, locals: Vec<u32>) {
        self.spare.push(locals);
    }

    fn fresh(&mut self, ty: ValType) -> Result<u32, LowerError> {
        let local = self.new;
        self.new += 1;
        self.declared.push((1, ty));
        self.check()?;
        Ok(local)
    }

    /// The declarations, parameters left out.
    pub(super) fn declarations(self) -> Vec<(u32, ValType)> {
        self.declared
    }
}
