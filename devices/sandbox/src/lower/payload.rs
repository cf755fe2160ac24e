//! Where an exception is while it is on its way: one global for its tag, one per value it carries.
//!
//! Tags share the globals. A tag of `(i32 f64 i32)` uses the first and second i32 and the first f64,
//! so there are only as many globals of a type as the widest tag has values of it.

use std::collections::HashMap;

use wasm_encoder::ValType;

use super::{
    LowerError, at_most,
    survey::{Survey, Tag},
    types::plain,
};

/// Values of the widest exception, summed by type.
const MAX_PARTS: usize = 64;

/// The layout of exceptions in a module.
#[derive(Debug)]
pub(super) struct Payload {
    slots: Vec<ValType>,
    tags: Vec<Tag>,
    /// Per type that a tag has, its values' slots in order.
    layouts: HashMap<u32, Vec<u32>>,
    /// Global of the pending tag; the slots' globals follow it.
    pending: u32,
}

impl Payload {
    /// Lays out the tags of a module. `pending` is the first free global.
    pub(super) fn of(survey: &Survey<'_>, pending: u32) -> Result<Self, LowerError> {
        let mut payload =
            Self { slots: Vec::new(), tags: survey.tags.clone(), layouts: HashMap::new(), pending };
        for tag in &survey.tags {
            if payload.layouts.contains_key(&tag.ty) {
                continue;
            }
            let values = survey.types.get(tag.ty as usize).map_or(&[][..], |ty| ty.params());
            at_most("values of an exception", values.len(), MAX_PARTS)?;
            let layout = payload.lay_out(values)?;
            payload.layouts.insert(tag.ty, layout);
        }
        at_most("values of exceptions, by type", payload.slots.len(), MAX_PARTS)?;
        Ok(payload)
    }

    /// Gives each value the first slot of its type that the exception does not use yet.
    fn lay_out(&mut self, values: &[wasmparser::ValType]) -> Result<Vec<u32>, LowerError> {
        let mut layout = Vec::with_capacity(values.len());
        for value in values {
            let value = plain(*value)?;
            let free = self
                .slots
                .iter()
                .zip(0..)
                .find(|(slot, index)| **slot == value && !layout.contains(index));
            let slot = free.map_or_else(|| super::index(self.slots.len()), |(_, index)| index);
            if slot as usize == self.slots.len() {
                self.slots.push(value);
            }
            layout.push(slot);
        }
        Ok(layout)
    }

    /// Global of the tag of the pending exception: 0, or the tag's id.
    pub(super) fn pending(&self) -> u32 {
        self.pending
    }

    /// Id of the tag `index`, 1 and up.
    pub(super) fn id(&self, index: u32) -> i32 {
        let id = self.tags.get(index as usize).map(|tag| tag.id).unwrap_or_default();
        i32::try_from(id).unwrap_or(i32::MAX)
    }

    /// Globals of the values of the tag `index`, in order.
    pub(super) fn values(&self, index: u32) -> impl DoubleEndedIterator<Item = u32> {
        let layout = self.tags.get(index as usize).and_then(|tag| self.layouts.get(&tag.ty));
        layout.into_iter().flatten().map(|slot| self.pending + 1 + slot)
    }

    /// Types of the parts of an exception of any tag: the tag's id, then every slot.
    pub(super) fn parts(&self) -> impl DoubleEndedIterator<Item = ValType> + Clone {
        std::iter::once(ValType::I32).chain(self.slots.iter().copied())
    }

    /// Globals of the parts, in their order.
    pub(super) fn globals(&self) -> impl DoubleEndedIterator<Item = u32> + Clone + use<> {
        self.pending..=self.pending + super::index(self.slots.len())
    }
}
