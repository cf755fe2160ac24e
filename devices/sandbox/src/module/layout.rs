//! Where a module's state lives besides its memory, and the reserved names it is reached by.
//!
//! wasmi shows only what is exported. So every mutable global, every table that can change and every
//! function that a reference can be made of is exported once more under a name that no module may
//! use; nothing of it appears in [`Module::exports`](super::Module::exports).

use super::ExportKind;
use super::survey::Survey;

/// How every reserved name begins.
pub(super) const RESERVED: &str = "\u{0}oxbeam.";

/// The start function, which runs metered and resumable instead of within instantiation.
pub(crate) const START: &str = "\u{0}oxbeam.start";

/// The linear memory.
pub(crate) const MEMORY: &str = "\u{0}oxbeam.memory";

/// The parts of an instance that calls can change, by their reserved names.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    /// Mutable globals, in the order of their indices.
    pub(crate) globals: Vec<String>,
    /// Tables, in order; empty when no instruction of the module changes one.
    pub(crate) tables: Vec<String>,
    /// Functions that can be in a table or global, in order; empty when no reference moves.
    pub(crate) functions: Vec<String>,
    /// The global among `globals` that is the stack pointer.
    pub(crate) stack_pointer: Option<String>,
    /// The global among `globals` that is not 0 while an exception is on its way.
    pub(crate) thrown: Option<String>,
    /// The table that function pointers of C are indices of, by its own name.
    pub(crate) pointers: Option<String>,
    pub(crate) has_memory: bool,
    pub(crate) has_start: bool,
}

impl Layout {
    pub(super) fn of(survey: &Survey) -> Self {
        let mutable = |index: &usize| survey.globals.get(*index).is_some_and(|it| it.mutable);
        let moves = survey.moves_references;
        Self {
            globals: (0..survey.globals.len()).filter(mutable).map(global).collect(),
            tables: (0..survey.tables).filter(|_| moves).map(table).collect(),
            functions: survey.referable.iter().filter(|_| moves).copied().map(function).collect(),
            stack_pointer: survey.stack_pointer.map(|index| global(index as usize)),
            thrown: survey.thrown.map(|index| global(index as usize)),
            pointers: pointers(survey),
            has_memory: survey.memory.is_some(),
            has_start: survey.start.is_some(),
        }
    }
}

pub(super) fn global(index: usize) -> String {
    format!("{RESERVED}global.{index}")
}

pub(super) fn table(index: u32) -> String {
    format!("{RESERVED}table.{index}")
}

pub(super) fn function(index: u32) -> String {
    format!("{RESERVED}function.{index}")
}

/// The name that linkers give it, or the only table there is.
fn pointers(survey: &Survey) -> Option<String> {
    let mut tables = survey.exports.iter().filter(|it| it.kind == ExportKind::Table);
    let named = tables.clone().find(|it| &*it.name == "__indirect_function_table");
    named.or_else(|| tables.next()).map(|table| table.name.to_string())
}
