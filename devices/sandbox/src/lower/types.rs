//! The types of the lowered module: exceptions become plain values, and some types are added.

use std::collections::HashMap;

use wasm_encoder::{BlockType, FuncType, HeapType, TypeSection, ValType};
use wasmparser::AbstractHeapType;

use super::{LowerError, at_most, index, payload::Payload, survey::Survey};

/// Types of a module, and results or parameters of a type: the validator's own limits.
const MAX_TYPES: usize = 1_000_000;
const MAX_VALUES: usize = 1_000;

/// Whether a value of the type is an exception.
pub(super) fn is_exception(ty: &wasmparser::ValType) -> bool {
    matches!(ty, wasmparser::ValType::Ref(ty) if is_exception_heap(ty.heap_type()))
}

/// Whether a reference to the heap type is an exception.
pub(super) fn is_exception_heap(ty: wasmparser::HeapType) -> bool {
    use AbstractHeapType::{Exn, NoExn};
    matches!(ty, wasmparser::HeapType::Abstract { ty: Exn | NoExn, .. })
}

/// The function types of the lowered module: its own at their old index, then the added ones.
#[derive(Debug)]
pub(super) struct Types {
    /// What an exception reference becomes.
    parts: Vec<ValType>,
    types: Vec<FuncType>,
    added: HashMap<FuncType, u32>,
}

impl Types {
    /// The module's own types, with each exception reference replaced by its parts.
    pub(super) fn of(survey: &Survey<'_>, payload: &Payload) -> Result<Self, LowerError> {
        let mut types =
            Self { parts: payload.parts().collect(), types: Vec::new(), added: HashMap::new() };
        for ty in &survey.types {
            let (params, results) = (types.flat(ty.params())?, types.flat(ty.results())?);
            at_most("values in a function type", params.len().max(results.len()), MAX_VALUES)?;
            types.types.push(FuncType::new(params, results));
        }
        Ok(types)
    }

    /// The values that become of `values`.
    fn flat(&self, values: &[wasmparser::ValType]) -> Result<Vec<ValType>, LowerError> {
        let mut flat = Vec::with_capacity(values.len());
        for value in values {
            if is_exception(value) {
                flat.extend_from_slice(&self.parts);
            } else {
                flat.push(plain(*value)?);
            }
        }
        Ok(flat)
    }

    /// Parameters of the type `index`.
    pub(super) fn params(&self, index: u32) -> &[ValType] {
        self.types.get(index as usize).map_or(&[], FuncType::params)
    }

    /// Results of the type `index`.
    pub(super) fn results(&self, index: u32) -> &[ValType] {
        self.types.get(index as usize).map_or(&[], FuncType::results)
    }

    /// The type of a block that was of the type `ty`.
    pub(super) fn block(&mut self, ty: wasmparser::BlockType) -> Result<BlockType, LowerError> {
        match ty {
            wasmparser::BlockType::Empty => Ok(BlockType::Empty),
            wasmparser::BlockType::FuncType(index) => Ok(BlockType::FunctionType(index)),
            wasmparser::BlockType::Type(ty) => {
                let results = self.flat(&[ty])?;
                self.block_of(&[], &results)
            }
        }
    }

    /// The type of a block that takes what a block of the type `ty` takes, and gives nothing.
    pub(super) fn consumer(&mut self, ty: wasmparser::BlockType) -> Result<BlockType, LowerError> {
        let wasmparser::BlockType::FuncType(index) = ty else { return Ok(BlockType::Empty) };
        let params = self.params(index).to_vec();
        self.block_of(&params, &[])
    }

    /// The type of a block that gives what the type `index` gives, and takes nothing.
    pub(super) fn producer(&mut self, index: u32) -> Result<BlockType, LowerError> {
        let results = self.results(index).to_vec();
        self.block_of(&[], &results)
    }

    /// The shortest form of a block type.
    pub(super) fn block_of(
        &mut self,
        params: &[ValType],
        results: &[ValType],
    ) -> Result<BlockType, LowerError> {
        match (params, results) {
            ([], []) => return Ok(BlockType::Empty),
            ([], [result]) => return Ok(BlockType::Result(*result)),
            _ => {}
        }
        let next = index(self.types.len());
        let ty = FuncType::new(params.iter().copied(), results.iter().copied());
        let found = *self.added.entry(ty.clone()).or_insert(next);
        if found == next {
            at_most("types", self.types.len() + 1, MAX_TYPES)?;
            self.types.push(ty);
        }
        Ok(BlockType::FunctionType(found))
    }

    /// The type section.
    pub(super) fn section(&self) -> TypeSection {
        let mut section = TypeSection::new();
        for ty in &self.types {
            section.ty().func_type(ty);
        }
        section
    }
}

/// The encoder's name for a type that is not an exception.
pub(super) fn plain(ty: wasmparser::ValType) -> Result<ValType, LowerError> {
    ty.try_into().map_err(|_| LowerError::ExceptionReference { place: "this type" })
}

/// The null of a reference type.
pub(super) fn null(ty: ValType) -> Option<HeapType> {
    match ty {
        ValType::Ref(ty) => Some(ty.heap_type),
        _ => None,
    }
}
