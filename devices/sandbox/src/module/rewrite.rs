//! Gives a module the reserved exports of its [`Layout`] and takes its start section away.

use wasm_encoder::{ExportKind, ExportSection, RawSection, SectionId};
use wasmparser::{ExternalKind, Parser, Payload};

use super::survey::Survey;
use super::{Layout, ModuleError, layout};

/// The same module with reserved exports. All other sections are copied as they are; custom sections
/// are left out.
pub(super) fn rewrite(
    wasm: &[u8],
    survey: &Survey,
    layout: &Layout,
) -> Result<Vec<u8>, ModuleError> {
    let mut output = wasm_encoder::Module::new();
    let mut exports = Some(exports(survey, layout));
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::CustomSection(_) = payload {
            continue;
        }
        let Some((id, range)) = payload.as_section() else { continue };
        if id > SectionId::Global as u8
            && id != SectionId::Tag as u8
            && let Some(exports) = exports.take()
        {
            output.section(&exports);
        }
        if id == SectionId::Export as u8 || id == SectionId::Start as u8 {
            continue;
        }
        let data = wasm.get(range.start as usize..range.end as usize).unwrap_or_default();
        output.section(&RawSection { id, data });
    }
    if let Some(exports) = exports {
        output.section(&exports);
    }
    Ok(output.finish())
}

/// The module's own exports, then the reserved ones.
fn exports(survey: &Survey, layout: &Layout) -> ExportSection {
    let mut section = ExportSection::new();
    for (export, (kind, index)) in survey.exports.iter().zip(&survey.targets) {
        section.export(&export.name, export_kind(*kind), *index);
    }
    for (index, _) in survey.globals.iter().enumerate().filter(|(_, it)| it.mutable) {
        section.export(&layout::global(index), ExportKind::Global, index as u32);
    }
    for (index, name) in layout.tables.iter().enumerate() {
        section.export(name, ExportKind::Table, index as u32);
    }
    for (index, name) in survey.referable.iter().zip(&layout.functions) {
        section.export(name, ExportKind::Func, *index);
    }
    if layout.has_memory {
        section.export(layout::MEMORY, ExportKind::Memory, 0);
    }
    if let Some(start) = survey.start {
        section.export(layout::START, ExportKind::Func, start);
    }
    section
}

fn export_kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
    }
}
