//! Dropping nested messages one after the other instead of one within the other.
//!
//! What is read is bounded in depth, but a message that is built in memory is not; left to the
//! compiler, the drop of each level would call the next, and a deep message would end the node.

use std::mem;
use std::sync::Arc;

use bytes::Bytes;

use crate::{List, Message, Value};

impl Drop for Message {
    fn drop(&mut self) {
        let mut nested = Vec::new();
        self.take_nested(&mut nested);
        tear_down(nested);
    }
}

impl Drop for List {
    fn drop(&mut self) {
        let mut nested = Vec::new();
        self.take_nested(&mut nested);
        tear_down(nested);
    }
}

/// Drops values that have been emptied of what lies within them, which comes next.
fn tear_down(mut nested: Vec<Value>) {
    while let Some(mut value) = nested.pop() {
        match &mut value {
            Value::Map(map) => map.take_nested(&mut nested),
            Value::List(list) => list.take_nested(&mut nested),
            _ => {}
        }
    }
}

impl Message {
    /// Takes out the nested values, unless somebody else still has them.
    fn take_nested(&mut self, nested: &mut Vec<Value>) {
        if let Some(public) = Arc::get_mut(&mut self.public) {
            public.for_each_owned(|value| take(value, nested));
        }
        if let Some(private) = self.private.as_mut().and_then(Arc::get_mut) {
            private.values.for_each_owned(|value| take(value, nested));
        }
    }
}

impl List {
    fn take_nested(&mut self, nested: &mut Vec<Value>) {
        Arc::get_mut(&mut self.0).into_iter().flatten().for_each(|value| take(value, nested));
    }
}

fn take(value: &mut Value, nested: &mut Vec<Value>) {
    if matches!(value, Value::Map(_) | Value::List(_)) {
        nested.push(mem::replace(value, Value::Bytes(Bytes::new())));
    }
}
