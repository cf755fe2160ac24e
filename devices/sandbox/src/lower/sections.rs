//! Writes the sections of the lowered module. Those that nothing changes are copied.

use std::{borrow::Cow, collections::BTreeMap};

use wasm_encoder::{
    CodeSection, ConstExpr, CustomSection, ElementSection, Elements, ExportKind, ExportSection,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Module, RawSection, SectionId,
    StartSection, ValType,
    reencode::{Reencode, RoundtripReencoder},
};
use wasmparser::{
    BinaryReader, ElementSectionReader, ExportSectionReader, ExternalKind, GlobalSectionReader,
    ImportSectionReader, Operator, Parser, Payload, TypeRef,
};

use super::{
    LowerError, THROWN, at_most, index, module::Plan, survey::Survey, types::is_exception,
};

/// Globals, exports and element segments of a module: the validator's own limits.
const MAX_GLOBALS: usize = 1_000_000;
const MAX_EXPORTS: usize = 1_000_000;
const MAX_SEGMENTS: usize = 100_000;

/// Where the globals of the module are. Each keeps its index; the rest of one that holds an exception
/// comes after them all.
#[derive(Debug)]
pub(super) struct Globals {
    /// First of the added globals of each global that holds an exception.
    rest: BTreeMap<u32, u32>,
    /// Values of an exception without its tag.
    slots: u32,
    len: u32,
}

impl Globals {
    /// Finds places for the module's globals, where an exception has so many `parts`.
    pub(super) fn of(survey: &Survey<'_>, parts: usize) -> Result<Self, LowerError> {
        let slots = index(parts.saturating_sub(1));
        let mut len = survey.globals.len();
        let mut rest = BTreeMap::new();
        for (global, old) in survey.globals.iter().zip(0..) {
            if is_exception(&global.content_type) {
                rest.insert(old, index(len));
                len += slots as usize;
                at_most("globals", len + parts, MAX_GLOBALS)?;
            }
        }
        at_most("globals", len + parts, MAX_GLOBALS)?;
        Ok(Self { rest, slots, len: index(len) })
    }

    /// Number of globals, without those of the pending exception.
    pub(super) fn len(&self) -> u32 {
        self.len
    }

    /// The globals that the global `old` became, in the order of the parts.
    pub(super) fn parts(&self, old: u32) -> impl DoubleEndedIterator<Item = u32> + use<> {
        let rest = self.rest.get(&old).map_or(0..0, |first| *first..*first + self.slots);
        std::iter::once(old).chain(rest)
    }
}

/// Sections as they were, by their id.
type Raw<'a> = BTreeMap<u8, &'a [u8]>;

/// Writes all sections, in the order that the format asks for.
pub(super) fn write(
    plan: &Plan<'_>,
    code: &CodeSection,
    module: &mut Module,
) -> Result<(), LowerError> {
    let (raw, names) = read(plan.survey)?;
    module.section(&plan.types.section());
    if let Some(data) = section(&raw, SectionId::Import) {
        imports(plan.survey, ImportSectionReader::new(reader(data))?, module)?;
    }
    module.section(&functions(plan));
    copy(&raw, SectionId::Table, module);
    copy(&raw, SectionId::Memory, module);
    module.section(&globals(plan, section(&raw, SectionId::Global))?);
    module.section(&exports(plan, section(&raw, SectionId::Export))?);
    if let Some(start) = plan.survey.start {
        module.section(&StartSection { function_index: plan.wrappers.outer(start) });
    }
    module.section(&elements(plan, section(&raw, SectionId::Element))?);
    copy(&raw, SectionId::DataCount, module);
    module.section(code);
    copy(&raw, SectionId::Data, module);
    if let Some(names) = names {
        module.section(&kept_names(plan.survey, names));
    }
    Ok(())
}

/// Finds the sections, and the custom section of names.
fn read<'a>(survey: &Survey<'a>) -> Result<(Raw<'a>, Option<&'a [u8]>), LowerError> {
    let mut raw = Raw::new();
    let mut names = None;
    for payload in Parser::new(0).parse_all(survey.wasm) {
        let payload = payload?;
        if let Payload::CustomSection(custom) = &payload {
            if custom.name() == "name" {
                names = Some(custom.data());
            }
        } else if let Some((id, range)) = payload.as_section() {
            raw.insert(id, survey.bytes(range));
        }
    }
    Ok((raw, names))
}

fn section<'a>(raw: &Raw<'a>, id: SectionId) -> Option<&'a [u8]> {
    raw.get(&id.into()).copied()
}

fn reader(data: &[u8]) -> BinaryReader<'_> {
    BinaryReader::new(data, 0)
}

fn copy(raw: &Raw<'_>, id: SectionId, module: &mut Module) {
    if let Some(data) = section(raw, id) {
        module.section(&RawSection { id: id.into(), data });
    }
}

/// The imports without tags, which become the module's own.
fn imports(
    survey: &Survey<'_>,
    section: ImportSectionReader<'_>,
    module: &mut Module,
) -> Result<(), LowerError> {
    let mut imports = ImportSection::new();
    for import in section.into_imports() {
        let import = import?;
        if matches!(import.ty, TypeRef::Tag(_)) {
            continue;
        }
        let ty = RoundtripReencoder.entity_type(import.ty).map_err(|e| unwritable(survey, &e))?;
        imports.import(import.module, import.name, ty);
    }
    if !imports.is_empty() {
        module.section(&imports);
    }
    Ok(())
}

fn functions(plan: &Plan<'_>) -> FunctionSection {
    let mut functions = FunctionSection::new();
    let own = plan.survey.functions.iter().skip(plan.survey.imported_functions as usize);
    let ty = |index: &u32| plan.survey.functions.get(*index as usize);
    for ty in own.chain(plan.wrappers.wrapped().iter().filter_map(ty)) {
        functions.function(*ty);
    }
    functions
}

/// The module's globals, the rest of those that hold exceptions, and those of the pending exception.
fn globals(plan: &Plan<'_>, section: Option<&[u8]>) -> Result<GlobalSection, LowerError> {
    let mut globals = GlobalSection::new();
    let mut rest = Vec::new();
    for global in section
        .map(|data| GlobalSectionReader::new(reader(data)))
        .transpose()?
        .into_iter()
        .flatten()
    {
        let global = global?;
        if is_exception(&global.ty.content_type) {
            let mut operators = global.init_expr.get_operators_reader();
            if !matches!(operators.read()?, Operator::RefNull { .. }) {
                return Err(LowerError::ExceptionReference { place: "constant expressions" });
            }
            zero(ValType::I32, global.ty.mutable, &mut globals);
            rest.push(global.ty.mutable);
        } else {
            RoundtripReencoder
                .parse_global(&mut globals, global)
                .map_err(|e| unwritable(plan.survey, &e))?;
        }
    }
    for mutable in rest {
        plan.payload.parts().skip(1).for_each(|part| zero(part, mutable, &mut globals));
    }
    if plan.survey.has_exceptions() {
        plan.payload.parts().for_each(|part| zero(part, true, &mut globals));
    }
    Ok(globals)
}

fn zero(ty: ValType, mutable: bool, globals: &mut GlobalSection) {
    let zero = match ty {
        ValType::I32 => ConstExpr::i32_const(0),
        ValType::I64 => ConstExpr::i64_const(0),
        ValType::F32 => ConstExpr::f32_const(0.0_f32.into()),
        ValType::F64 => ConstExpr::f64_const(0.0_f64.into()),
        ValType::V128 => ConstExpr::v128_const(0),
        ValType::Ref(ty) => ConstExpr::ref_null(ty.heap_type),
    };
    globals.global(GlobalType { val_type: ty, mutable, shared: false }, &zero);
}

/// The exports without tags, with wrappers for functions that may throw, and [`THROWN`].
fn exports(plan: &Plan<'_>, section: Option<&[u8]>) -> Result<ExportSection, LowerError> {
    let mut exports = ExportSection::new();
    for export in section
        .map(|data| ExportSectionReader::new(reader(data)))
        .transpose()?
        .into_iter()
        .flatten()
    {
        let export = export?;
        let (kind, at) = match export.kind {
            ExternalKind::Tag => continue,
            ExternalKind::Func | ExternalKind::FuncExact => {
                (ExportKind::Func, plan.wrappers.outer(export.index))
            }
            ExternalKind::Table => (ExportKind::Table, export.index),
            ExternalKind::Memory => (ExportKind::Memory, export.index),
            ExternalKind::Global => (ExportKind::Global, export.index),
        };
        exports.export(export.name, kind, at);
    }
    if plan.survey.has_exceptions() {
        exports.export(THROWN, ExportKind::Global, plan.payload.pending());
    }
    at_most("exports", exports.len() as usize, MAX_EXPORTS)?;
    Ok(exports)
}

/// The element segments, and one that declares the wrapped functions: code may take the reference of
/// an exported function, and their export is the wrapper's now.
fn elements(plan: &Plan<'_>, section: Option<&[u8]>) -> Result<ElementSection, LowerError> {
    let mut elements = ElementSection::new();
    if let Some(data) = section {
        let section = ElementSectionReader::new(reader(data))?;
        RoundtripReencoder
            .parse_element_section(&mut elements, section)
            .map_err(|e| unwritable(plan.survey, &e))?;
    }
    if !plan.wrappers.wrapped().is_empty() {
        elements.declared(Elements::Functions(Cow::Borrowed(plan.wrappers.wrapped())));
    }
    at_most("element segments", elements.len() as usize, MAX_SEGMENTS)?;
    Ok(elements)
}

/// The names of what kept its index: all but labels, tags, and locals if exceptions widened them.
fn kept_names(survey: &Survey<'_>, names: &[u8]) -> CustomSection<'static> {
    const LOCALS: u8 = 2;
    const LABELS: u8 = 3;
    const TAGS: u8 = 11;
    let mut kept = wasm_encoder::NameSection::new();
    let mut names = reader(names);
    while !names.eof() {
        let (Ok(id), Ok(len)) = (names.read_u8(), names.read_var_u32()) else { break };
        let Ok(data) = names.read_bytes(len as usize) else { break };
        let moved = matches!(id, LABELS | TAGS) || id == LOCALS && survey.references;
        if !moved {
            kept.raw(id, data);
        }
    }
    let custom = kept.as_custom();
    CustomSection { name: "name".into(), data: custom.data.into_owned().into() }
}

/// The encoder cannot write what the validator let pass.
fn unwritable(survey: &Survey<'_>, error: &wasm_encoder::reencode::Error) -> LowerError {
    LowerError::Invalid { offset: survey.wasm.len() as u64, reason: error.to_string() }
}
