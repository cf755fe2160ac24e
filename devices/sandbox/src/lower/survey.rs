//! Validates a module and notes what the rewriting has to know about it.

use std::{collections::HashMap, mem, ops::Range};

use wasmparser::{
    ExternalKind, FuncType, FuncValidatorAllocations, FunctionBody, GlobalType,
    ImportSectionReader, Parser, Payload, TypeRef, ValidPayload, Validator, WasmFeatures,
};

use super::{
    LowerError, THROWN,
    facts::{self, Facts},
    types::is_exception,
};

/// The proposals a guest may use: what wasmi runs by default, and both forms of exceptions.
fn features() -> WasmFeatures {
    WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::GC_TYPES
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::FLOATS
        | WasmFeatures::MULTI_MEMORY
        | WasmFeatures::MEMORY64
        | WasmFeatures::EXCEPTIONS
        | WasmFeatures::LEGACY_EXCEPTIONS
}

/// A function of the module's own.
#[derive(Debug)]
pub(super) struct Body<'a> {
    pub(super) code: FunctionBody<'a>,
    pub(super) facts: Facts,
}

/// A tag: imports of one name are one tag, every other is its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    /// 1 and up, so that 0 can mean "none".
    pub(super) id: u32,
    pub(super) ty: u32,
}

/// A valid module, taken apart.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    pub(super) wasm: &'a [u8],
    pub(super) types: Vec<FuncType>,
    /// Type of each function, imported ones first.
    pub(super) functions: Vec<u32>,
    pub(super) imported_functions: u32,
    pub(super) globals: Vec<GlobalType>,
    pub(super) tags: Vec<Tag>,
    /// Functions in the order of their `export`s, with repetitions.
    pub(super) exported: Vec<u32>,
    pub(super) start: Option<u32>,
    /// Functions whose reference the module takes, so that a table may hold them. With repetitions.
    pub(super) referenced: Vec<u32>,
    pub(super) bodies: Vec<Body<'a>>,
    /// Whether a type, local, global or block holds an exception.
    pub(super) references: bool,
}

impl<'a> Survey<'a> {
    /// Validates `wasm` and takes it apart.
    pub(super) fn of(wasm: &'a [u8]) -> Result<Self, LowerError> {
        let mut survey = Self::empty(wasm);
        let mut validator = Validator::new_with_features(features());
        let mut allocations = FuncValidatorAllocations::default();
        let mut parser = Parser::new(0);
        parser.set_features(features());
        for payload in parser.parse_all(wasm) {
            let payload = payload?;
            if let ValidPayload::Func(function, code) = validator.payload(&payload)? {
                let mut function = function.into_validator(mem::take(&mut allocations));
                let facts = facts::gather(&mut function, &code)?;
                survey.references |= facts.references;
                survey.referenced.extend_from_slice(&facts.referenced);
                survey.bodies.push(Body { code, facts });
                allocations = function.into_allocations();
            }
            survey.note(payload)?;
        }
        survey.check_border()?;
        Ok(survey)
    }

    fn empty(wasm: &'a [u8]) -> Self {
        Self {
            wasm,
            types: Vec::new(),
            functions: Vec::new(),
            imported_functions: 0,
            globals: Vec::new(),
            tags: Vec::new(),
            exported: Vec::new(),
            start: None,
            referenced: Vec::new(),
            bodies: Vec::new(),
            references: false,
        }
    }

    /// Whether the module uses exceptions in any way; one that does not stays as it is.
    pub(super) fn has_exceptions(&self) -> bool {
        !self.tags.is_empty()
            || self.references
            || self.bodies.iter().any(|body| body.facts.exceptions)
    }

    /// The bytes of the module in `range`.
    pub(super) fn bytes(&self, range: Range<u64>) -> &'a [u8] {
        let start = usize::try_from(range.start).unwrap_or(usize::MAX);
        let end = usize::try_from(range.end).unwrap_or(usize::MAX);
        self.wasm.get(start..end).unwrap_or_default()
    }

    /// The type of the function `index`, imported or not.
    pub(super) fn function_type(&self, index: u32) -> Option<(u32, &FuncType)> {
        let ty = *self.functions.get(index as usize)?;
        Some((ty, self.types.get(ty as usize)?))
    }

    /// Notes one section, which the validator has seen and found valid.
    fn note(&mut self, payload: Payload<'a>) -> Result<(), LowerError> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    let ty = ty?;
                    self.references |= ty.params().iter().any(is_exception);
                    self.references |= ty.results().iter().any(is_exception);
                    self.types.push(ty);
                }
            }
            Payload::ImportSection(section) => self.note_imports(section)?,
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty?);
                }
            }
            Payload::TagSection(section) => {
                for tag in section {
                    let id = self.next_tag();
                    self.tags.push(Tag { id, ty: tag?.func_type_idx });
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    let table = table?;
                    refuse(table.ty.element_type.into(), "tables")?;
                    if let wasmparser::TableInit::Expr(expression) = table.init {
                        facts::references_of(&expression, &mut self.referenced)?;
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    let global = global?;
                    self.references |= is_exception(&global.ty.content_type);
                    self.globals.push(global.ty);
                    facts::references_of(&global.init_expr, &mut self.referenced)?;
                }
            }
            Payload::ElementSection(section) => self.note_elements(section)?,
            Payload::ExportSection(section) => {
                for export in section {
                    self.note_export(export?)?;
                }
            }
            Payload::StartSection { func, .. } => self.start = Some(func),
            _ => {}
        }
        Ok(())
    }

    fn note_imports(&mut self, section: ImportSectionReader<'a>) -> Result<(), LowerError> {
        let mut names: HashMap<(&str, &str, u32), u32> = HashMap::new();
        for import in section.into_imports() {
            let import = import?;
            match import.ty {
                TypeRef::Func(ty) | TypeRef::FuncExact(ty) => {
                    self.functions.push(ty);
                    self.imported_functions += 1;
                }
                TypeRef::Global(ty) => {
                    refuse(ty.content_type, "imported globals")?;
                    self.globals.push(ty);
                }
                TypeRef::Table(ty) => refuse(ty.element_type.into(), "tables")?,
                TypeRef::Tag(ty) => {
                    let ty = ty.func_type_idx;
                    let next = self.next_tag();
                    let id = *names.entry((import.module, import.name, ty)).or_insert(next);
                    self.tags.push(Tag { id, ty });
                }
                TypeRef::Memory(_) => {}
            }
        }
        Ok(())
    }

    fn note_elements(
        &mut self,
        section: wasmparser::ElementSectionReader<'a>,
    ) -> Result<(), LowerError> {
        for element in section {
            match element?.items {
                wasmparser::ElementItems::Functions(functions) => {
                    for function in functions {
                        self.referenced.push(function?);
                    }
                }
                wasmparser::ElementItems::Expressions(ty, expressions) => {
                    refuse(ty.into(), "element segments")?;
                    for expression in expressions {
                        facts::references_of(&expression?, &mut self.referenced)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn note_export(&mut self, export: wasmparser::Export<'a>) -> Result<(), LowerError> {
        if export.name == THROWN {
            return Err(LowerError::ReservedExport { name: THROWN });
        }
        match export.kind {
            ExternalKind::Func | ExternalKind::FuncExact => self.exported.push(export.index),
            ExternalKind::Global => {
                if let Some(global) = self.globals.get(export.index as usize) {
                    refuse(global.content_type, "exported globals")?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn next_tag(&self) -> u32 {
        super::index(self.tags.len()).saturating_add(1)
    }

    /// The host cannot take an exception apart, so none may pass between it and the guest.
    fn check_border(&self) -> Result<(), LowerError> {
        let holds: Vec<bool> = self
            .types
            .iter()
            .map(|ty| ty.params().iter().chain(ty.results()).any(is_exception))
            .collect();
        let border = |ty: Option<&u32>, place| match ty.and_then(|ty| holds.get(*ty as usize)) {
            Some(true) => Err(LowerError::ExceptionReference { place }),
            _ => Ok(()),
        };
        for ty in self.functions.iter().take(self.imported_functions as usize) {
            border(Some(ty), "imported functions")?;
        }
        for function in &self.exported {
            border(self.functions.get(*function as usize), "exported functions")?;
        }
        for tag in &self.tags {
            border(Some(&tag.ty), "the payload of exceptions")?;
        }
        Ok(())
    }
}

fn refuse(ty: wasmparser::ValType, place: &'static str) -> Result<(), LowerError> {
    if is_exception(&ty) {
        return Err(LowerError::ExceptionReference { place });
    }
    Ok(())
}
