//! Rewrites the instructions that throw and catch.
//!
//! ```text
//! block $end (params → results)     the label of the `try`, at the distance its body expects
//!   block $handler (params → )
//!     body
//!     br $end
//!   end
//!   pending tag = first clause's?   if: values from the globals, nothing pending, clause, br $end
//!   …                               the same for each clause
//!   br to the handler outside       no clause fits
//! end
//! ```
//!
//! The clauses of a `try_table` are branches instead of code. A `delegate` has no clauses and branches to
//! another handler. A clause that a `rethrow` names keeps the exception in locals, since another may pass
//! through the globals before it runs.

use wasm_encoder::BlockType;
use wasmparser::{Catch, Operator};

use super::{
    LowerError,
    function::{Frame, Rewriting},
};

/// What an open block is.
#[derive(Debug)]
pub(super) enum Kind {
    /// A block, loop or branch of an `if`.
    Block,
    /// The body of a `try` or `try_table`, with the clauses of the latter.
    Try { outer: u32, clauses: Vec<Catch> },
    /// A legacy clause, with the locals that keep its exception if a `rethrow` needs it.
    Clause { kept: Option<Vec<u32>> },
}

impl Rewriting<'_, '_> {
    /// Rewrites an instruction of the exception handling proposals. Answers whether it was one.
    pub(super) fn step_exception(&mut self, operator: &Operator<'_>) -> Result<bool, LowerError> {
        match operator {
            Operator::Try { blockty } => self.open_try(*blockty, Vec::new())?,
            Operator::TryTable { try_table } => {
                self.open_try(try_table.ty, try_table.catches.clone())?;
            }
            Operator::Catch { tag_index } => self.clause(Some(*tag_index))?,
            Operator::CatchAll => self.clause(None)?,
            Operator::Delegate { relative_depth } => self.delegate(*relative_depth),
            Operator::Throw { tag_index } => self.throw(*tag_index),
            Operator::Rethrow { relative_depth } => self.rethrow(*relative_depth),
            Operator::ThrowRef => self.throw_reference(),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn open_try(
        &mut self,
        ty: wasmparser::BlockType,
        clauses: Vec<Catch>,
    ) -> Result<(), LowerError> {
        let whole = self.plan.types.block(ty)?;
        let body = self.plan.types.consumer(ty)?;
        self.sink().block(whole).block(body);
        let outer = self.handler();
        self.open += 2;
        let (label, handler) = (self.open - 1, self.open);
        self.frames.push(Frame { label, handler, kind: Kind::Try { outer, clauses } });
        Ok(())
    }

    /// Ends what runs in the innermost block with a branch over the clauses that follow.
    fn close_part(&mut self, label: u32) {
        let distance = self.distance(label);
        self.sink().br(distance).end();
        self.open = self.open.saturating_sub(1);
    }

    /// Closes what a block has beyond its last `end`, which the caller writes.
    pub(super) fn close(&mut self, frame: Frame) -> Result<(), LowerError> {
        match frame.kind {
            Kind::Block => {}
            Kind::Try { outer, clauses } => {
                self.close_part(frame.label);
                clauses.iter().for_each(|clause| self.catch(clause));
                self.branch(outer);
            }
            Kind::Clause { kept } => {
                self.close_part(frame.label);
                self.branch(frame.handler);
                kept.into_iter().for_each(|kept| self.locals.give_back(kept));
            }
        }
        Ok(())
    }

    /// Starts the clause for a tag, or for all.
    fn clause(&mut self, tag: Option<u32>) -> Result<(), LowerError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        self.close_part(frame.label);
        let handler = match frame.kind {
            Kind::Try { outer, .. } => outer,
            Kind::Clause { kept } => {
                kept.into_iter().for_each(|kept| self.locals.give_back(kept));
                frame.handler
            }
            Kind::Block => frame.handler,
        };
        match tag {
            Some(tag) => self.if_pending(tag),
            None => {
                self.sink().block(BlockType::Empty);
            }
        }
        self.open += 1;
        let kept = self.keep()?;
        tag.into_iter().for_each(|tag| self.push_values(tag));
        self.settle();
        self.frames.push(Frame { label: frame.label, handler, kind: Kind::Clause { kept } });
        Ok(())
    }

    /// Copies the pending exception into locals if a `rethrow` names the clause that starts.
    fn keep(&mut self) -> Result<Option<Vec<u32>>, LowerError> {
        let named = self.facts.rethrown.binary_search(&self.clauses).is_ok();
        self.clauses += 1;
        if !named {
            return Ok(None);
        }
        let kept = self.locals.borrow(&self.plan.payload)?;
        for (global, local) in self.plan.payload.globals().zip(&kept) {
            self.sink().global_get(global).local_set(*local);
        }
        Ok(Some(kept))
    }

    /// Ends a `try` whose exceptions go to another block's handler.
    fn delegate(&mut self, depth: u32) {
        let Some(frame) = self.frames.pop() else { return };
        let handler = self.frame(depth).map_or(0, |target| target.handler);
        self.close_part(frame.label);
        self.branch(handler);
        self.sink().end();
        self.open = self.open.saturating_sub(1);
    }

    /// One clause of a `try_table`, after its block was closed.
    fn catch(&mut self, clause: &Catch) {
        let (tag, whole, label) = match *clause {
            Catch::One { tag, label } => (Some(tag), false, label),
            Catch::OneRef { tag, label } => (Some(tag), true, label),
            Catch::All { label } => (None, false, label),
            Catch::AllRef { label } => (None, true, label),
        };
        if let Some(tag) = tag {
            self.if_pending(tag);
            self.open += 1;
            self.push_values(tag);
        }
        if whole {
            for global in self.plan.payload.globals() {
                self.sink().global_get(global);
            }
        }
        self.settle();
        let distance = self.depth(label);
        self.sink().br(distance);
        if tag.is_some() {
            self.sink().end();
            self.open = self.open.saturating_sub(1);
        }
    }

    fn throw(&mut self, tag: u32) {
        let (pending, id) = (self.plan.payload.pending(), self.plan.payload.id(tag));
        for global in self.plan.payload.values(tag).rev().collect::<Vec<_>>() {
            self.sink().global_set(global);
        }
        self.sink().i32_const(id).global_set(pending);
        self.branch(self.handler());
    }

    fn rethrow(&mut self, depth: u32) {
        let kept = match self.frame(depth).map(|frame| &frame.kind) {
            Some(Kind::Clause { kept: Some(kept) }) => kept.clone(),
            _ => Vec::new(),
        };
        for (global, local) in self.plan.payload.globals().zip(kept) {
            self.sink().local_get(local).global_set(global);
        }
        self.branch(self.handler());
    }

    /// Throws the exception on the stack; null traps.
    fn throw_reference(&mut self) {
        let pending = self.plan.payload.pending();
        for global in self.plan.payload.globals().rev() {
            self.sink().global_set(global);
        }
        self.sink().global_get(pending).i32_eqz();
        self.sink().if_(BlockType::Empty).unreachable().end();
        self.branch(self.handler());
    }

    fn branch(&mut self, label: u32) {
        let distance = self.distance(label);
        self.sink().br(distance);
    }

    fn if_pending(&mut self, tag: u32) {
        let (pending, id) = (self.plan.payload.pending(), self.plan.payload.id(tag));
        self.sink().global_get(pending).i32_const(id).i32_eq().if_(BlockType::Empty);
    }

    fn push_values(&mut self, tag: u32) {
        for global in self.plan.payload.values(tag).collect::<Vec<_>>() {
            self.sink().global_get(global);
        }
    }

    /// The exception is caught: nothing is pending.
    fn settle(&mut self) {
        let pending = self.plan.payload.pending();
        self.sink().i32_const(0).global_set(pending);
    }
}
