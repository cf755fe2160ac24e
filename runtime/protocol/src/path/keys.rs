//! The request's keys that are not in a segment: query, headers, body. Source: spec 05, section 2.

use std::collections::BTreeMap;

use super::entry::Entry;
use super::parser::Parser;
use super::{PATH, PathError, Request, name};
use crate::{Key, Message, Value};

/// The keys that join the steps.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// For every step. Shared by the steps until they add keys of their own.
    pub(super) global: Request,
    /// What the sub-paths among the global keys count in the limits, in every step that has them.
    pub(super) weight: usize,
    scoped: BTreeMap<usize, Vec<(Key, Entry)>>,
}

impl Keys {
    /// The keys for this step alone.
    pub(super) fn scoped(&self, step: usize) -> &[(Key, Entry)] {
        self.scoped.get(&step).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, key: &Key, entry: Entry, weight: usize) -> Result<(), PathError> {
        match name::split_scope(key)? {
            (Some(step), key) => self.scoped.entry(step).or_default().push((key, entry)),
            (None, key) => {
                self.weight += weight;
                self.global.set(key, entry);
            }
        }
        Ok(())
    }
}

impl Parser {
    /// Reads the keys of a message, with those of a query over them. Typed ones win over untyped.
    pub(super) fn keys(
        &mut self,
        message: &Message,
        query: Vec<(Key, Value)>,
    ) -> Result<Keys, PathError> {
        let mut all = message.clone();
        all.remove(PATH);
        all.extend(query);
        let mut keys = Keys { global: Request::from(private_part(message)), ..Keys::default() };
        let mut typed = Vec::new();
        for (name, value) in all {
            match name::split_type(&name.to_bytes()) {
                (key, None) => keys.add(&key, Entry::Value(value), 0)?,
                (key, Some(kind)) => typed.push((key, kind, value)),
            }
        }
        for (key, kind, value) in typed {
            let Value::Bytes(text) = value else { return Err(PathError::TypedValue { key }) };
            let before = self.spent;
            let entry = self.typed(&key, &kind, &text)?;
            keys.add(&key, entry, self.spent - before)?;
        }
        Ok(keys)
    }
}

/// What the node keeps to itself about the request, cookies for one, goes with every step.
fn private_part(message: &Message) -> Message {
    Message::new().with_private_of(message)
}
