//! A compiled module: checked, bounded, and shared by all its instances.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use oxbeam_protocol::Id;
use wasmi::{CompilationMode, Config, Engine};

use crate::limits::{CALL_DEPTH, STACK_BYTES};
use crate::lower::lower;
use crate::{Import, Signature, ValType};

mod action;
pub mod bounds;
mod error;
mod layout;
mod rewrite;
mod survey;

pub(crate) use action::Action;
pub use error::ModuleError;
pub(crate) use layout::{Layout, MEMORY, START};

use survey::Survey;

/// What emscripten calls the function that prepares a program's memory.
const CONSTRUCTORS: &str = "__wasm_call_ctors";
/// Guest stacks kept for the next call instead of being allocated anew.
const SPARE_STACKS: usize = 8;

/// A name that a module gives to something of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The name.
    pub name: Arc<str>,
    /// What it names.
    pub kind: ExportKind,
}

/// What an export names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportKind {
    /// A function that can be called, unless its signature has references.
    Function(Signature),
    /// The linear memory.
    Memory,
    /// A table.
    Table,
    /// A global of the given type.
    Global(ValType),
}

/// A module that passed all checks, compiled. Cheap to clone.
///
/// Its engine is its own, so that dropping the last clone gives all of its code back.
#[derive(Clone)]
pub struct Module(Arc<Compiled>);

struct Compiled {
    id: Id,
    code: wasmi::Module,
    imports: Vec<Import>,
    actions: Vec<Action>,
    exports: Vec<Export>,
    functions: HashMap<Arc<str>, usize>,
    layout: Layout,
    is_64: bool,
}

impl Module {
    /// Checks and compiles a binary module. Blocks for a time that [`bounds`] limit.
    ///
    /// # Errors
    /// A module that is malformed, exceeds a bound, imports anything but functions, or uses what is
    /// not deterministic (threads, SIMD) or not supported (garbage collection, components).
    pub fn compile(wasm: &[u8]) -> Result<Self, ModuleError> {
        error::bounded("bytes", wasm.len() as u64, bounds::BYTES as u64)?;
        let lowered = lower(wasm)?;
        let survey = Survey::of(&lowered)?;
        let layout = Layout::of(&survey);
        let rewritten = rewrite::rewrite(&lowered, &survey, &layout)?;
        let code = wasmi::Module::new(&engine(), &rewritten)
            .map_err(|error| ModuleError::Invalid { reason: error.to_string() })?;
        Ok(Self(Arc::new(Compiled::new(Id::of(wasm), code, survey, layout))))
    }

    /// SHA-256 of the bytes it was compiled from.
    #[must_use]
    pub fn id(&self) -> Id {
        self.0.id
    }

    /// Whether both are one compiled module, not only of the same bytes.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What it asks of its host, in the order of its function indices.
    #[must_use]
    pub fn imports(&self) -> &[Import] {
        &self.0.imports
    }

    /// What it offers, in its own order.
    #[must_use]
    pub fn exports(&self) -> &[Export] {
        &self.0.exports
    }

    /// The signature of an exported function.
    #[must_use]
    pub fn function(&self, name: &str) -> Option<&Signature> {
        match &self.0.exports.get(*self.0.functions.get(name)?)?.kind {
            ExportKind::Function(signature) => Some(signature),
            _ => None,
        }
    }

    /// Whether addresses of its memory are 64 bits wide; `false` without a memory.
    #[must_use]
    pub fn is_64(&self) -> bool {
        self.0.is_64
    }

    /// The function that emscripten's JavaScript would call before all others, if this module was
    /// made to run under it: it asks for what only that JavaScript gives. Others are started as
    /// WebAssembly says, and no further.
    pub(crate) fn constructors(&self) -> Option<&'static str> {
        let is_simple = |signature: &Signature| *signature == Signature::default();
        let is_under_script = self.0.actions.contains(&Action::Copy);
        (is_under_script && self.function(CONSTRUCTORS).is_some_and(is_simple))
            .then_some(CONSTRUCTORS)
    }

    /// The one copy of an exported function's name.
    pub(crate) fn name(&self, name: &str) -> Arc<str> {
        match self.0.functions.get_key_value(name) {
            Some((name, _)) => name.clone(),
            None => name.into(),
        }
    }

    pub(crate) fn code(&self) -> &wasmi::Module {
        &self.0.code
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.0.layout
    }

    pub(crate) fn action(&self, import: usize) -> Option<(&Import, &Action)> {
        self.0.imports.get(import).zip(self.0.actions.get(import))
    }
}

impl Compiled {
    fn new(id: Id, code: wasmi::Module, survey: Survey, layout: Layout) -> Self {
        let functions = survey
            .exports
            .iter()
            .enumerate()
            .filter(|(_, export)| matches!(export.kind, ExportKind::Function(_)))
            .map(|(index, export)| (export.name.clone(), index))
            .collect();
        Self {
            id,
            code,
            actions: survey.imports.iter().map(Action::of).collect(),
            is_64: survey.memory.is_some_and(|memory| memory.is_64),
            imports: survey.imports,
            exports: survey.exports,
            functions,
            layout,
        }
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("id", &self.0.id)
            .field("imports", &self.0.imports.len())
            .field("exports", &self.0.exports.len())
            .finish_non_exhaustive()
    }
}

/// An engine for one module. Translated at once, because lazy translation is charged as fuel to
/// whoever comes first, and that would make fuel depend on what ran before.
fn engine() -> Engine {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .compilation_mode(CompilationMode::Eager)
        .ignore_custom_sections(true)
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .set_max_stack_height(STACK_BYTES)
        .set_max_recursion_depth(CALL_DEPTH)
        .set_max_cached_stacks(SPARE_STACKS);
    Engine::new(&config)
}
