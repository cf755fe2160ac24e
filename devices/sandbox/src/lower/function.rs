//! Rewrites the body of one function, instruction by instruction.
//!
//! A function that may throw gets two blocks around its body, so that its own labels keep their
//! distance and an exception has somewhere to go:
//!
//! ```text
//! block                      handler of the function: nothing caught it
//!   block (result …)         stands for the function's own label
//!     …
//!   end
//!   return
//! end
//! zeros
//! ```
//!
//! Instructions that need no change are copied byte by byte.

use wasm_encoder::{Function, HeapType, InstructionSink, ValType};
use wasmparser::{BlockType, BrTable, Operator, OperatorsReader};

use super::{
    LowerError, at_most,
    facts::Facts,
    handler::Kind,
    locals::Locals,
    module::Plan,
    survey::Body,
    types::{self, is_exception},
};

/// Bytes of a function's body: the validator's own limit, less some room for its declarations.
const MAX_BODY: usize = 7_000_000;

/// An open block of the function as it was.
#[derive(Debug)]
pub(super) struct Frame {
    /// Which of the lowered function's open labels is the block's, counted from 1.
    pub(super) label: u32,
    /// Label to branch to with a pending exception, for code that now runs in the block.
    pub(super) handler: u32,
    pub(super) kind: Kind,
}

/// The rewriting of one function.
#[derive(Debug)]
pub(super) struct Rewriting<'p, 'a> {
    pub(super) plan: &'p mut Plan<'a>,
    pub(super) facts: &'p Facts,
    pub(super) locals: Locals,
    pub(super) frames: Vec<Frame>,
    /// Labels that are open in the lowered function.
    pub(super) open: u32,
    /// Legacy catch clauses so far.
    pub(super) clauses: u32,
    /// Type of the function.
    ty: u32,
    /// Whether it has the two blocks.
    unwinds: bool,
    code: Vec<u8>,
}

/// Lowers the body of the function `index`.
pub(super) fn rewrite<'a>(
    plan: &mut Plan<'a>,
    index: u32,
    body: &Body<'a>,
) -> Result<Function, LowerError> {
    let survey = plan.survey;
    let (ty, params) = survey.function_type(index).map_or((0, &[][..]), |(ty, f)| (ty, f.params()));
    let mut locals = Locals::of(params, &plan.payload)?;
    for local in body.code.get_locals_reader()? {
        let (count, ty) = local?;
        locals.declare(count, ty, &plan.payload)?;
    }
    let unwinds = body.facts.exceptions || plan.throwing.function(index);
    let rewriting = Rewriting {
        plan,
        facts: &body.facts,
        locals,
        frames: Vec::new(),
        open: 0,
        clauses: 0,
        ty,
        unwinds,
        code: Vec::new(),
    };
    rewriting.run(body.code.get_operators_reader()?)
}

impl<'a> Rewriting<'_, 'a> {
    fn run(mut self, mut operators: OperatorsReader<'a>) -> Result<Function, LowerError> {
        self.enter()?;
        while !operators.eof() {
            let start = operators.original_position();
            let operator = operators.read()?;
            let raw = self.plan.survey.bytes(start..operators.original_position());
            self.step(&operator, start, raw)?;
            at_most("bytes of a function", self.code.len(), MAX_BODY)?;
            at_most("bytes of code", self.code.len(), self.plan.room)?;
        }
        let mut function = Function::new(self.locals.declarations());
        function.raw(self.code);
        Ok(function)
    }

    /// Where to write.
    pub(super) fn sink(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.code)
    }

    /// How far away the open label `label` is.
    pub(super) fn distance(&self, label: u32) -> u32 {
        self.open.saturating_sub(label)
    }

    /// The frame that the old distance `depth` means.
    pub(super) fn frame(&self, depth: u32) -> Option<&Frame> {
        let last = self.frames.len().checked_sub(1)?;
        self.frames.get(last.checked_sub(depth as usize)?)
    }

    /// The new distance for the old distance `depth`.
    pub(super) fn depth(&self, depth: u32) -> u32 {
        self.frame(depth).map_or(depth, |frame| self.distance(frame.label))
    }

    /// Label of the innermost handler.
    pub(super) fn handler(&self) -> u32 {
        self.frames.last().map_or(0, |frame| frame.handler)
    }

    fn enter(&mut self) -> Result<(), LowerError> {
        if self.unwinds {
            let own = self.plan.types.producer(self.ty)?;
            self.sink().block(wasm_encoder::BlockType::Empty).block(own);
            self.open = 2;
        }
        self.frames.push(Frame { label: self.open, handler: 1, kind: Kind::Block });
        Ok(())
    }

    fn leave(&mut self) {
        if self.unwinds {
            self.sink().end().return_().end();
            let results = self.plan.types.results(self.ty).to_vec();
            for result in results {
                self.zero(result);
            }
        }
        self.sink().end();
    }

    /// Pushes the value that a local of the type starts with.
    pub(super) fn zero(&mut self, ty: ValType) {
        let mut sink = self.sink();
        match ty {
            ValType::I32 => sink.i32_const(0),
            ValType::I64 => sink.i64_const(0),
            ValType::F32 => sink.f32_const(0.0_f32.into()),
            ValType::F64 => sink.f64_const(0.0_f64.into()),
            ValType::V128 => sink.v128_const(0),
            ValType::Ref(_) => sink.ref_null(types::null(ty).unwrap_or(HeapType::FUNC)),
        };
    }

    fn step(&mut self, operator: &Operator<'a>, offset: u64, raw: &[u8]) -> Result<(), LowerError> {
        match operator {
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                self.open_block(operator, *blockty)?;
            }
            Operator::End => self.end()?,
            Operator::Br { relative_depth } => {
                let depth = self.depth(*relative_depth);
                self.sink().br(depth);
            }
            Operator::BrIf { relative_depth } => {
                let depth = self.depth(*relative_depth);
                self.sink().br_if(depth);
            }
            Operator::BrTable { targets } => self.br_table(targets)?,
            Operator::Call { function_index } => {
                self.code.extend_from_slice(raw);
                self.check(self.plan.throwing.function(*function_index));
            }
            Operator::CallIndirect { type_index, .. } => {
                self.code.extend_from_slice(raw);
                self.check(self.plan.throwing.indirect(*type_index));
            }
            _ if self.step_exception(operator)? || self.step_reference(operator, offset)? => {}
            _ => self.code.extend_from_slice(raw),
        }
        Ok(())
    }

    fn open_block(&mut self, operator: &Operator<'_>, ty: BlockType) -> Result<(), LowerError> {
        let ty = self.plan.types.block(ty)?;
        match operator {
            Operator::Loop { .. } => self.sink().loop_(ty),
            Operator::If { .. } => self.sink().if_(ty),
            _ => self.sink().block(ty),
        };
        self.open += 1;
        let frame = Frame { label: self.open, handler: self.handler(), kind: Kind::Block };
        self.frames.push(frame);
        Ok(())
    }

    fn end(&mut self) -> Result<(), LowerError> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        if self.frames.is_empty() {
            self.leave();
            return Ok(());
        }
        self.close(frame)?;
        self.sink().end();
        self.open = self.open.saturating_sub(1);
        Ok(())
    }

    fn br_table(&mut self, targets: &BrTable<'_>) -> Result<(), LowerError> {
        let default = self.depth(targets.default());
        let mut depths = Vec::new();
        for depth in targets.targets() {
            depths.push(self.depth(depth?));
        }
        self.sink().br_table(depths, default);
        Ok(())
    }

    /// After a call: goes to the handler if an exception came out. The label takes no values, so the
    /// branch is valid whatever else is on the stack.
    fn check(&mut self, throws: bool) {
        if throws {
            let (pending, handler) = (self.plan.payload.pending(), self.handler());
            let distance = self.distance(handler);
            self.sink().global_get(pending).br_if(distance);
        }
    }

    /// Rewrites what handles values that are exceptions. Answers whether it wrote anything.
    fn step_reference(&mut self, operator: &Operator<'_>, offset: u64) -> Result<bool, LowerError> {
        match operator {
            Operator::LocalGet { local_index } => {
                let (first, width) = self.locals.at(*local_index);
                (first..first + width).for_each(|local| {
                    self.sink().local_get(local);
                });
            }
            Operator::LocalSet { local_index } => {
                let (first, width) = self.locals.at(*local_index);
                (first..first + width).rev().for_each(|local| {
                    self.sink().local_set(local);
                });
            }
            Operator::LocalTee { local_index } => match self.locals.at(*local_index) {
                (local, 1) => {
                    self.sink().local_tee(local);
                }
                (first, width) => self.tee(first, width),
            },
            Operator::GlobalGet { global_index } => {
                for global in self.plan.globals.parts(*global_index) {
                    self.sink().global_get(global);
                }
            }
            Operator::GlobalSet { global_index } => {
                for global in self.plan.globals.parts(*global_index).rev() {
                    self.sink().global_set(global);
                }
            }
            Operator::RefNull { hty } if types::is_exception_heap(*hty) => self.null(),
            Operator::Drop if self.takes_exception(offset) => self.drop_parts(0),
            Operator::RefIsNull if self.takes_exception(offset) => {
                self.drop_parts(1);
                self.sink().i32_eqz();
            }
            Operator::TypedSelect { ty } if is_exception(ty) => self.select()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn takes_exception(&self, offset: u64) -> bool {
        self.facts.exception_operands.binary_search(&offset).is_ok()
    }

    fn tee(&mut self, first: u32, width: u32) {
        (first..first + width).rev().for_each(|local| {
            self.sink().local_set(local);
        });
        (first..first + width).for_each(|local| {
            self.sink().local_get(local);
        });
    }

    /// Tag 0 is no tag.
    fn null(&mut self) {
        for part in self.plan.payload.parts().collect::<Vec<_>>() {
            self.zero(part);
        }
    }

    /// Drops the parts of an exception from the last, all but the first `kept`.
    fn drop_parts(&mut self, kept: usize) {
        for _ in kept..self.plan.payload.parts().count() {
            self.sink().drop();
        }
    }

    /// Both exceptions go into locals, and the condition picks which comes back.
    fn select(&mut self) -> Result<(), LowerError> {
        let parts: Vec<_> = self.plan.payload.parts().collect();
        let condition = self.locals.condition()?;
        let second = self.locals.borrow(&self.plan.payload)?;
        let first = self.locals.borrow(&self.plan.payload)?;
        let result = self.plan.types.block_of(&[], &parts)?;
        let mut sink = self.sink();
        sink.local_set(condition);
        for local in second.iter().rev().chain(first.iter().rev()) {
            sink.local_set(*local);
        }
        sink.local_get(condition).if_(result);
        for local in &first {
            sink.local_get(*local);
        }
        sink.else_();
        for local in &second {
            sink.local_get(*local);
        }
        sink.end();
        self.locals.give_back(first);
        self.locals.give_back(second);
        Ok(())
    }
}
