//! Puts the lowered module together.

use wasm_encoder::{CodeSection, Module};

use super::{
    LowerError, at_most, function,
    payload::Payload,
    sections::{self, Globals},
    survey::{Body, Survey},
    throwing::Throwing,
    types::Types,
    wrapper::Wrappers,
};

/// How long the code of a lowered module may be: so many times the module, and so many bytes more.
const GROWTH: usize = 4;
const SLACK: usize = 1 << 20;

/// Functions of a module: the validator's own limit.
const MAX_FUNCTIONS: usize = 1_000_000;

/// What the rewriting of every function shares.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) survey: &'a Survey<'a>,
    pub(super) throwing: Throwing,
    pub(super) payload: Payload,
    pub(super) types: Types,
    pub(super) globals: Globals,
    pub(super) wrappers: Wrappers,
    /// Bytes of code that may still be written.
    pub(super) room: usize,
}

/// Lowers a module that has exceptions.
pub(super) fn rewrite(survey: &Survey<'_>) -> Result<Vec<u8>, LowerError> {
    let mut plan = Plan::of(survey)?;
    // The code first: it adds types.
    let code = plan.code()?;
    let mut module = Module::new();
    sections::write(&plan, &code, &mut module)?;
    Ok(module.finish())
}

impl<'a> Plan<'a> {
    fn of(survey: &'a Survey<'a>) -> Result<Self, LowerError> {
        let throwing = Throwing::of(survey);
        let wrappers = Wrappers::of(survey, &throwing);
        at_most("functions", survey.functions.len() + wrappers.wrapped().len(), MAX_FUNCTIONS)?;
        // The parts of an exception do not depend on where its globals are.
        let parts = Payload::of(survey, 0)?.parts().count();
        let globals = Globals::of(survey, parts)?;
        let payload = Payload::of(survey, globals.len())?;
        let types = Types::of(survey, &payload)?;
        let room = survey.wasm.len().saturating_mul(GROWTH).saturating_add(SLACK);
        Ok(Self { survey, throwing, payload, types, globals, wrappers, room })
    }

    fn code(&mut self) -> Result<CodeSection, LowerError> {
        let mut code = CodeSection::new();
        let limit = self.room;
        for (body, index) in self.survey.bodies.iter().zip(self.survey.imported_functions..) {
            if self.changes(body, index) {
                code.function(&function::rewrite(self, index, body)?);
            } else {
                code.raw(body.code.as_bytes());
            }
            at_most("bytes of code", code.byte_len(), limit)?;
            self.room = limit.saturating_sub(code.byte_len());
        }
        for function in self.wrappers.wrapped() {
            let ty = self.survey.functions.get(*function as usize).copied().unwrap_or_default();
            let params = self.types.params(ty).len();
            code.function(&Wrappers::code(*function, params, &self.payload));
            at_most("bytes of code", code.byte_len(), limit)?;
        }
        Ok(code)
    }

    fn changes(&self, body: &Body<'_>, index: u32) -> bool {
        self.survey.references || body.facts.exceptions || self.throwing.function(index)
    }
}
