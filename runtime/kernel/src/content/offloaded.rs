//! What is taken out of a message that is written with links.

use std::cell::RefCell;
use std::collections::HashMap;

use oxbeam_protocol::{Content, ContentError, Id, NoContent, Value};

/// Takes up the nested messages of one that is written with links, until they are kept.
#[derive(Debug, Default)]
pub struct Offloaded(RefCell<Vec<(Id, Value)>>);

impl Offloaded {
    pub(super) fn into_written(self) -> Written {
        let all = self.0.into_inner();
        let mut by_id = HashMap::with_capacity(all.len());
        for (at, (id, _)) in all.iter().enumerate() {
            by_id.entry(*id).or_insert(at);
        }
        Written { all, by_id }
    }
}

impl Content for Offloaded {
    fn read(&self, _: &Id) -> Result<Option<Value>, ContentError> {
        Ok(None)
    }

    fn write(&self, id: &Id, message: &Value) -> Result<(), ContentError> {
        self.0.borrow_mut().push((*id, message.clone()));
        Ok(())
    }
}

/// Nested messages with the ids under which those around them link them: where commitments over
/// messages in place find them. Nobody has verified these ids: two messages may claim one.
pub(super) struct Written {
    pub(super) all: Vec<(Id, Value)>,
    by_id: HashMap<Id, usize>,
}

impl Content for Written {
    fn read(&self, id: &Id) -> Result<Option<Value>, ContentError> {
        let found = self.by_id.get(id).and_then(|at| self.all.get(*at));
        Ok(found.map(|(_, value)| value.clone()))
    }

    fn write(&self, id: &Id, message: &Value) -> Result<(), ContentError> {
        NoContent.write(id, message)
    }
}
