//! What a node keeps to itself about a message: its hashpath, cookies, and what its devices run.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::Key;
use crate::table::Table;

/// The private part of a message.
#[derive(Clone, Default)]
pub(crate) struct Private {
    pub(crate) values: Table,
    pub(crate) handles: BTreeMap<Key, Handle>,
}

/// Something that lives in the memory of a node alone, such as a running guest. It is never written,
/// and goes when the last message that has it goes.
#[derive(Clone)]
pub(crate) struct Handle(Arc<dyn Any + Send + Sync>);

impl Handle {
    /// A handle of this.
    pub(crate) fn new<T: Any + Send + Sync>(held: Arc<T>) -> Self {
        Self(held)
    }

    /// What it is a handle of, if that is of this type.
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.0.clone().downcast().ok()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
