//! What a module contains, read in one pass before anything is compiled, every count bounded.

use std::collections::BTreeSet;

use wasmparser::{
    ElementItems, ElementKind, ExternalKind, FunctionBody, KnownCustom, Name, Operator, Parser,
    Payload, TypeRef, Validator, WasmFeatures,
};

use super::error::bounded;
use super::{Export, ExportKind, ModuleError, bounds};
use crate::lower::THROWN;
use crate::{Import, Signature, ValType};

/// What the sandbox needs to know of a module.
#[derive(Debug, Default)]
pub(super) struct Survey {
    types: Vec<Signature>,
    /// Type of each function, the imported ones first.
    functions: Vec<u32>,
    pub(super) imports: Vec<Import>,
    pub(super) exports: Vec<Export>,
    /// Index in its space of what each of `exports` names.
    pub(super) targets: Vec<(ExternalKind, u32)>,
    pub(super) globals: Vec<Global>,
    pub(super) tables: u32,
    pub(super) memory: Option<Memory>,
    pub(super) start: Option<u32>,
    /// Functions that a reference can be made of.
    pub(super) referable: BTreeSet<u32>,
    /// Whether any instruction changes a table, or could move a reference into a global.
    pub(super) moves_references: bool,
    /// The global that holds the top of the stack in linear memory.
    pub(super) stack_pointer: Option<u32>,
    /// The global in which lowering keeps the exception that is on its way.
    pub(super) thrown: Option<u32>,
    /// The exported function that answers with the stack pointer.
    stack_save: Option<u32>,
    locals: u64,
    elements: u64,
    bodies: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Global {
    pub(super) ty: ValType,
    pub(super) mutable: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Memory {
    pub(super) is_64: bool,
}

/// What a module may use: everything finished that is deterministic.
fn features() -> WasmFeatures {
    WasmFeatures::WASM1
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::BULK_MEMORY_OPT
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::CALL_INDIRECT_OVERLONG
        | WasmFeatures::TAIL_CALL
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::MEMORY64
}

impl Survey {
    /// Reads a module that has no exceptions any more, in the order of its sections, and validates
    /// it.
    pub(super) fn of(wasm: &[u8]) -> Result<Self, ModuleError> {
        let mut survey = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            survey.payload(payload?)?;
        }
        Validator::new_with_features(features()).validate_all(wasm)?;
        survey.find_stack_pointer();
        Ok(survey)
    }

    /// Signature of a function by its index.
    pub(super) fn signature(&self, function: u32) -> Option<&Signature> {
        self.types.get(*self.functions.get(function as usize)? as usize)
    }

    fn payload(&mut self, payload: Payload<'_>) -> Result<(), ModuleError> {
        match payload {
            Payload::TypeSection(section) => self.types(section),
            Payload::ImportSection(section) => self.imports(section),
            Payload::FunctionSection(section) => self.functions(section),
            Payload::TableSection(section) => self.tables(section),
            Payload::MemorySection(section) => self.memories(section),
            Payload::GlobalSection(section) => self.globals(section),
            Payload::ExportSection(section) => self.exports(section),
            Payload::ElementSection(section) => self.elements(section),
            Payload::CodeSectionEntry(body) => self.body(&body),
            Payload::DataSection(section) => {
                bounded("data segments", section.count(), bounds::DATA_SEGMENTS)
            }
            Payload::StartSection { func, .. } => {
                self.start = Some(func);
                Ok(())
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(names) = section.as_known() {
                    self.names(names);
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn types(&mut self, section: wasmparser::TypeSectionReader<'_>) -> Result<(), ModuleError> {
        bounded("types", section.count(), bounds::TYPES)?;
        for ty in section.into_iter_err_on_gc_types() {
            let ty = ty?;
            bounded("parameters", ty.params().len() as u64, bounds::PARAMETERS as u64)?;
            bounded("results", ty.results().len() as u64, bounds::RESULTS as u64)?;
            self.types.push(Signature {
                params: ty.params().iter().map(|ty| number(*ty)).collect::<Result<_, _>>()?,
                results: ty.results().iter().map(|ty| number(*ty)).collect::<Result<_, _>>()?,
            });
        }
        Ok(())
    }

    fn imports(&mut self, section: wasmparser::ImportSectionReader<'_>) -> Result<(), ModuleError> {
        bounded("imports", section.count(), bounds::IMPORTS)?;
        for import in section.into_imports() {
            let import = import?;
            // A compact section holds more than it counts.
            bounded("imports", self.imports.len() as u64 + 1, bounds::IMPORTS)?;
            self.import(import)?;
        }
        Ok(())
    }

    fn import(&mut self, import: wasmparser::Import<'_>) -> Result<(), ModuleError> {
        let (module, name) = (import.module, import.name);
        bounded("bytes in a name", (module.len() + name.len()) as u64, bounds::NAME_BYTES as u64)?;
        let refused = || ModuleError::Import { module: module.to_owned(), name: name.to_owned() };
        let TypeRef::Func(ty) = import.ty else { return Err(refused()) };
        let signature = self.types.get(ty as usize).cloned().ok_or_else(refused)?;
        if !signature.params.iter().chain(&signature.results).all(|ty| ty.is_number()) {
            return Err(refused());
        }
        self.functions.push(ty);
        let label = format!("{module}.{name}").into();
        self.imports.push(Import { module: module.into(), name: name.into(), signature, label });
        Ok(())
    }

    fn functions(
        &mut self,
        section: wasmparser::FunctionSectionReader<'_>,
    ) -> Result<(), ModuleError> {
        bounded("functions", section.count(), bounds::FUNCTIONS)?;
        for ty in section {
            self.functions.push(ty?);
        }
        Ok(())
    }

    fn tables(&mut self, section: wasmparser::TableSectionReader<'_>) -> Result<(), ModuleError> {
        bounded("tables", section.count(), bounds::TABLES)?;
        self.tables = section.count();
        Ok(())
    }

    fn memories(
        &mut self,
        section: wasmparser::MemorySectionReader<'_>,
    ) -> Result<(), ModuleError> {
        bounded("memories", section.count(), bounds::MEMORIES)?;
        for memory in section {
            self.memory = Some(Memory { is_64: memory?.memory64 });
        }
        Ok(())
    }

    fn globals(&mut self, section: wasmparser::GlobalSectionReader<'_>) -> Result<(), ModuleError> {
        bounded("globals", section.count(), bounds::GLOBALS)?;
        for global in section {
            let global = global?;
            let mutable = global.ty.mutable;
            let ty = number(global.ty.content_type)?;
            self.moves_references |= mutable && !ty.is_number();
            self.refer(&global.init_expr)?;
            self.globals.push(Global { ty, mutable });
        }
        Ok(())
    }

    fn exports(&mut self, section: wasmparser::ExportSectionReader<'_>) -> Result<(), ModuleError> {
        bounded("exports", section.count(), bounds::EXPORTS)?;
        for export in section {
            let export = export?;
            bounded("bytes in a name", export.name.len() as u64, bounds::NAME_BYTES as u64)?;
            if export.name.starts_with(super::layout::RESERVED) {
                return Err(ModuleError::Unsupported { what: "a reserved export name" });
            }
            if export.name == THROWN {
                self.thrown = Some(export.index);
                continue;
            }
            let invalid = || ModuleError::Invalid { reason: "export of nothing".to_owned() };
            let kind = match export.kind {
                ExternalKind::Func => {
                    self.referable.insert(export.index);
                    if matches!(export.name, "stackSave" | "emscripten_stack_get_current") {
                        self.stack_save = Some(export.index);
                    }
                    ExportKind::Function(self.signature(export.index).ok_or_else(invalid)?.clone())
                }
                ExternalKind::Memory => ExportKind::Memory,
                ExternalKind::Table => ExportKind::Table,
                ExternalKind::Global => ExportKind::Global(
                    self.globals.get(export.index as usize).ok_or_else(invalid)?.ty,
                ),
                // Tags are gone once exceptions are lowered, and nothing can import one here.
                ExternalKind::Tag | ExternalKind::FuncExact => continue,
            };
            self.exports.push(Export { name: export.name.into(), kind });
            self.targets.push((export.kind, export.index));
        }
        Ok(())
    }

    fn elements(
        &mut self,
        section: wasmparser::ElementSectionReader<'_>,
    ) -> Result<(), ModuleError> {
        bounded("element segments", section.count(), bounds::ELEMENT_SEGMENTS)?;
        for segment in section {
            let segment = segment?;
            if let ElementKind::Active { offset_expr, .. } = &segment.kind {
                self.refer(offset_expr)?;
            }
            match segment.items {
                ElementItems::Functions(functions) => {
                    self.count_elements(functions.count())?;
                    for function in functions {
                        self.referable.insert(function?);
                    }
                }
                ElementItems::Expressions(_, expressions) => {
                    self.count_elements(expressions.count())?;
                    for expression in expressions {
                        self.refer(&expression?)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn count_elements(&mut self, count: u32) -> Result<(), ModuleError> {
        self.elements = self.elements.saturating_add(u64::from(count));
        bounded("elements", self.elements, bounds::ELEMENTS)
    }

    fn refer(&mut self, expression: &wasmparser::ConstExpr<'_>) -> Result<(), ModuleError> {
        for operator in expression.get_operators_reader() {
            if let Operator::RefFunc { function_index } = operator? {
                self.referable.insert(function_index);
            }
        }
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), ModuleError> {
        let function = self.imports.len() as u32 + self.bodies;
        self.bodies += 1;
        bounded(
            "bytes in a function",
            body.as_bytes().len() as u64,
            bounds::FUNCTION_BYTES as u64,
        )?;
        let mut locals = 0_u64;
        for group in body.get_locals_reader()? {
            locals = locals.saturating_add(u64::from(group?.0));
        }
        bounded("local variables in a function", locals, bounds::LOCALS)?;
        self.locals = self.locals.saturating_add(locals);
        bounded("local variables", self.locals, bounds::ALL_LOCALS)?;
        for operator in body.get_operators_reader()? {
            self.operator(&operator?)?;
        }
        self.recognise_stack_save(function, body)
    }

    /// Notes what moves references, and refuses what wasmi 2.0 cannot be trusted or asked with.
    fn operator(&mut self, operator: &Operator<'_>) -> Result<(), ModuleError> {
        let imported = |function: &u32| (*function as usize) < self.imports.len();
        match operator {
            Operator::TableSet { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. } => self.moves_references = true,
            // Out of fuel in the middle, it resumes at an instruction that was already done.
            Operator::TableGrow { .. } => return unsupported("the growing of tables"),
            // Which segments are dropped is state that an instance does not show.
            Operator::DataDrop { .. } | Operator::ElemDrop { .. } => {
                return unsupported("the dropping of segments");
            }
            // Resumed, their results go to the wrong place.
            Operator::ReturnCall { function_index } if imported(function_index) => {
                return unsupported("tail calls of imports");
            }
            Operator::ReturnCallIndirect { .. } if self.referable.first().is_some_and(imported) => {
                return unsupported("tail calls that may reach imports");
            }
            _ => {}
        }
        Ok(())
    }

    /// Emscripten's `stackSave` reads the stack pointer and does nothing else.
    fn recognise_stack_save(
        &mut self,
        function: u32,
        body: &FunctionBody<'_>,
    ) -> Result<(), ModuleError> {
        if self.stack_save == Some(function) {
            let mut operators = body.get_operators_reader()?;
            if let (Operator::GlobalGet { global_index }, Operator::End) =
                (operators.read()?, operators.read()?)
            {
                self.stack_pointer.get_or_insert(global_index);
            }
        }
        Ok(())
    }

    /// The name section is there for debuggers: what is wrong in it is passed over.
    fn names(&mut self, names: wasmparser::NameSectionReader<'_>) {
        for name in names.into_iter().flatten() {
            let Name::Global(globals) = name else { continue };
            for global in globals.into_iter().flatten() {
                if global.name == "__stack_pointer" {
                    self.stack_pointer.get_or_insert(global.index);
                }
            }
        }
    }

    /// An exported `__stack_pointer` goes before what was found otherwise; it must be a mutable
    /// integer to be one at all.
    fn find_stack_pointer(&mut self) {
        let exported = self.exports.iter().zip(&self.targets).find_map(|(export, target)| {
            (target.0 == ExternalKind::Global && &*export.name == "__stack_pointer")
                .then_some(target.1)
        });
        self.stack_pointer = exported.or(self.stack_pointer).filter(|index| {
            self.globals.get(*index as usize).is_some_and(|global| {
                global.mutable && matches!(global.ty, ValType::I32 | ValType::I64)
            })
        });
    }
}

fn unsupported(what: &'static str) -> Result<(), ModuleError> {
    Err(ModuleError::Unsupported { what })
}

fn number(ty: wasmparser::ValType) -> Result<ValType, ModuleError> {
    match ty {
        wasmparser::ValType::I32 => Ok(ValType::I32),
        wasmparser::ValType::I64 => Ok(ValType::I64),
        wasmparser::ValType::F32 => Ok(ValType::F32),
        wasmparser::ValType::F64 => Ok(ValType::F64),
        wasmparser::ValType::V128 => Err(ModuleError::Unsupported { what: "SIMD" }),
        wasmparser::ValType::Ref(ty) if ty.is_func_ref() => Ok(ValType::FuncRef),
        wasmparser::ValType::Ref(ty) if ty.is_extern_ref() => Ok(ValType::ExternRef),
        wasmparser::ValType::Ref(_) => Err(ModuleError::Unsupported { what: "typed references" }),
    }
}
