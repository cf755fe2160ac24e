#![doc = include_str!("../README.md")]

mod answer;
mod batch;
mod check;
mod checkpoint;
mod config;
mod content;
mod engine;
mod error;
mod export;
mod failpoint;
mod keys;
mod local;
mod log;
mod outbox;
mod page;
mod processes;
mod pushes;
mod readers;
mod record;
mod recovery;
mod results;
mod store;
mod tables;
mod timers;
mod writer;

pub use answer::Answer;
pub use check::{CheckReport, MAX_FINDINGS};
pub use checkpoint::{
    Checkpoint, CheckpointWritten, Checkpoints, Collected, MAX_MEMORY_BYTES, Memory, NewCheckpoint,
    PAGE_BYTES, Restored,
};
pub use config::{Durability, Retention, StoreConfig};
pub use content::{Content, ContentBatch, MAX_LINK_HOPS, Persist};
pub use engine::Family;
pub use engine::memory::MemoryDisk;
pub use error::{Cause, Ended, StoreError};
pub use export::{Exported, Imported};
#[cfg(feature = "failpoints")]
pub use failpoint::FAILPOINTS;
pub use keys::{MAX_NAME_BYTES, MAX_PATH_BYTES};
pub use local::{LocalStore, Statistics, Usage};
pub use log::{Append, Appended, Assignment, Head, Log, MAX_VALUE_BYTES, Origin, Slot};
pub use outbox::{Backlog, Entry, EntryKey, MAX_NOTE_BYTES, Outbox, Outgoing, Status};
pub use page::{Limit, Page};
pub use processes::{Amount, ProcessUsage, Processes};
pub use pushes::{Push, PushPlace, Pushes};
pub use recovery::{FORMAT_VERSION, Recovery};
pub use results::{
    Allowance, Begun, Commit, Committed, MAX_HASHPATH_BYTES, MAX_OUTGOING, MAX_PRINTED_BYTES,
    Results, SlotResult,
};
pub use store::Store;
pub use tables::{Change, Table, Tables, Versioned};
pub use timers::{CatchUp, Failure, Listed, Timer, Timers};
pub use writer::Times;
