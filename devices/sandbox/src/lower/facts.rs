//! What one function does that concerns the rewriting.

use wasmparser::{
    BlockType, ConstExpr, FuncValidator, FunctionBody, Operator, OperatorsReader, ValType,
    ValidatorResources,
};

use super::{
    LowerError,
    types::{is_exception, is_exception_heap},
};

/// Gathered while the function is validated, because some of it needs the types of operands.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// It has instructions of one of the two proposals.
    pub(super) exceptions: bool,
    /// It throws by itself.
    pub(super) throws: bool,
    /// It holds exceptions in locals, blocks or constants.
    pub(super) references: bool,
    /// Functions it calls, with repetitions.
    pub(super) calls: Vec<u32>,
    /// Types of the indirect calls it makes, with repetitions.
    pub(super) indirect: Vec<u32>,
    /// Functions it takes the reference of.
    pub(super) referenced: Vec<u32>,
    /// Which of its legacy catch clauses a `rethrow` names, sorted. They count from 0 by appearance.
    pub(super) rethrown: Vec<u32>,
    /// Offsets of each `drop` and `ref.is_null` whose operand is an exception, ascending.
    pub(super) exception_operands: Vec<u64>,
}

/// Validates the function and gathers its facts.
pub(super) fn gather(
    validator: &mut FuncValidator<ValidatorResources>,
    code: &FunctionBody<'_>,
) -> Result<Facts, LowerError> {
    let mut facts = Facts::default();
    let mut clauses = Clauses::default();
    let mut reader = code.get_binary_reader();
    validator.read_locals(&mut reader)?;
    for local in code.get_locals_reader()? {
        facts.references |= is_exception(&local?.1);
    }
    let mut operators = OperatorsReader::new(reader);
    while !operators.eof() {
        let (operator, offset) = operators.read_with_offset()?;
        let operand = validator.get_operand_type(0).flatten();
        validator.op(offset, &operator)?;
        facts.note(&operator);
        facts.note_operand(&operator, operand, offset);
        facts.rethrown.extend(clauses.step(&operator));
    }
    operators.finish()?;
    facts.rethrown.sort_unstable();
    facts.rethrown.dedup();
    Ok(facts)
}

/// Adds the functions whose reference a constant expression takes.
pub(super) fn references_of(
    expression: &ConstExpr<'_>,
    functions: &mut Vec<u32>,
) -> Result<(), LowerError> {
    for operator in expression.get_operators_reader() {
        if let Operator::RefFunc { function_index } = operator? {
            functions.push(function_index);
        }
    }
    Ok(())
}

impl Facts {
    fn note(&mut self, operator: &Operator<'_>) {
        match operator {
            Operator::Throw { .. } | Operator::ThrowRef | Operator::Rethrow { .. } => {
                self.exceptions = true;
                self.throws = true;
            }
            Operator::Try { blockty } => {
                self.exceptions = true;
                self.note_block(*blockty);
            }
            Operator::TryTable { try_table } => {
                self.exceptions = true;
                self.note_block(try_table.ty);
            }
            Operator::Block { blockty } | Operator::Loop { blockty } | Operator::If { blockty } => {
                self.note_block(*blockty)
            }
            Operator::RefNull { hty } => self.references |= is_exception_heap(*hty),
            Operator::TypedSelect { ty } => self.references |= is_exception(ty),
            Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
                self.calls.push(*function_index);
            }
            Operator::CallIndirect { type_index, .. }
            | Operator::ReturnCallIndirect { type_index, .. } => self.indirect.push(*type_index),
            Operator::RefFunc { function_index } => self.referenced.push(*function_index),
            _ => {}
        }
    }

    /// Types with an index are looked at once, in the type section.
    fn note_block(&mut self, ty: BlockType) {
        if let BlockType::Type(ty) = ty {
            self.references |= is_exception(&ty);
        }
    }

    fn note_operand(&mut self, operator: &Operator<'_>, operand: Option<ValType>, offset: u64) {
        let takes_any = matches!(operator, Operator::Drop | Operator::RefIsNull);
        if takes_any && operand.as_ref().is_some_and(is_exception) {
            self.references = true;
            self.exception_operands.push(offset);
        }
    }
}

/// Follows the blocks of a function to say which catch clause a `rethrow` means.
#[derive(Debug, Default)]
struct Clauses {
    /// Per open block the clause that is running, if it is a legacy catch.
    open: Vec<Option<u32>>,
    seen: u32,
}

impl Clauses {
    fn step(&mut self, operator: &Operator<'_>) -> Option<u32> {
        match operator {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::Try { .. }
            | Operator::TryTable { .. } => self.open.push(None),
            Operator::Catch { .. } | Operator::CatchAll => {
                if let Some(block) = self.open.last_mut() {
                    *block = Some(self.seen);
                }
                self.seen += 1;
            }
            Operator::End | Operator::Delegate { .. } => {
                self.open.pop();
            }
            Operator::Rethrow { relative_depth } => {
                let named = self.open.len().checked_sub(1 + *relative_depth as usize)?;
                return self.open.get(named).copied().flatten();
            }
            _ => {}
        }
        None
    }
}
