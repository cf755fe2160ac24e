//! The whole store, as the kernel sees it.

use crate::{
    Checkpoints, Content, LocalStore, Log, Outbox, Processes, Pushes, Results, Tables, Timers,
};

/// All that a node keeps, behind one name: `Arc<dyn Store>`.
pub trait Store:
    Log + Content + Results + Checkpoints + Outbox + Pushes + Timers + Tables + Processes
{
}

impl Store for LocalStore {}
