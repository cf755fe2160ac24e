//! What can go wrong, in the words a caller acts on.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use oxbeam_protocol::Id;

use crate::{Family, Slot, Status};

/// What lies beneath an error. Shared, because one failed write answers many callers.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// The store did not do what was asked.
///
/// An error that says what was wrong with the request changed nothing. After
/// [`StoreError::WriteFailed`], [`StoreError::DiskFull`] and [`StoreError::Ended`] it is unknown
/// whether the request is on disk: read, after the first and the last in the store opened again.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The slot is not the one after the last.
    #[error("slot {given} of process {process} is out of order, expected {expected}")]
    OutOfOrder {
        /// Whose slot.
        process: Id,
        /// The slot of the request.
        given: Slot,
        /// The slot that is free.
        expected: Slot,
    },
    /// A slot was committed that the log does not have.
    #[error("slot {slot} of process {process} is not scheduled")]
    NotScheduled {
        /// Whose slot.
        process: Id,
        /// The slot of the request.
        slot: Slot,
    },
    /// A checkpoint is of a slot that has no result yet.
    #[error("slot {slot} of process {process} is not computed")]
    NotComputed {
        /// Whose slot.
        process: Id,
        /// The slot of the request.
        slot: Slot,
    },
    /// The slot has a result, and it is a different one.
    #[error("slot {slot} of process {process} has another result already")]
    ResultDiffers {
        /// Whose slot.
        process: Id,
        /// The slot of the request.
        slot: Slot,
    },
    /// Nothing is kept of the process.
    #[error("process {process} is unknown")]
    NoProcess {
        /// The process.
        process: Id,
    },
    /// The process exists, and the request needs that it does not.
    #[error("process {process} exists already")]
    ProcessExists {
        /// The process.
        process: Id,
    },
    /// The process is being deleted or imported.
    #[error("process {process} is being deleted or imported")]
    ProcessBusy {
        /// The process.
        process: Id,
    },
    /// The checkpoint is not kept, or not any more.
    #[error("process {process} has no checkpoint at slot {slot}")]
    NoCheckpoint {
        /// Whose checkpoint.
        process: Id,
        /// The slot asked for.
        slot: Slot,
    },
    /// A page does not fit into the memory it is said to belong to.
    #[error("page {index} does not fit: {reason}")]
    WrongPage {
        /// Which page of the memory, from 0.
        index: u32,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Pages are being collected already.
    #[error("pages are being collected already")]
    Collecting,
    /// The outbox has no such entry.
    #[error("the outbox of process {process} has no entry {index} of slot {slot}")]
    NoEntry {
        /// Whose outbox.
        process: Id,
        /// The slot that sent it.
        slot: Slot,
        /// Which of the slot's messages.
        index: u32,
    },
    /// The entry is not where this move begins. Nothing was changed.
    #[error("message {index} of slot {slot} of process {process} is {status:?} already")]
    EntryMoved {
        /// Who sends.
        process: Id,
        /// The slot that sent it.
        slot: Slot,
        /// Which of the slot's messages.
        index: u32,
        /// Where it is.
        status: Status,
    },
    /// Two messages of one slot have the same index.
    #[error("two messages of the slot have index {index}")]
    DuplicateIndex {
        /// The index.
        index: u32,
    },
    /// Someone else changed the value first.
    #[error("a value of {family} has version {found}, expected {expected}")]
    Conflict {
        /// Where.
        family: Family,
        /// The version the request named; 0 stands for absent.
        expected: u64,
        /// The version that is there.
        found: u64,
    },
    /// Someone else changed the message first: read it again, merge, and replace it again.
    #[error("message {id} changed meanwhile")]
    ContentChanged {
        /// The message.
        id: Id,
    },
    /// More than the store takes in one piece.
    #[error("{what} of {size} bytes is larger than {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size in bytes.
        size: usize,
        /// The bound in bytes.
        limit: usize,
    },
    /// Not a path that can be kept.
    #[error("not a path: {reason}")]
    InvalidPath {
        /// Why not.
        reason: &'static str,
    },
    /// Links lead to each other, or through more than [`crate::MAX_LINK_HOPS`].
    #[error("too many links from {path}")]
    TooManyLinks {
        /// Where the walk began.
        path: String,
    },
    /// Too many callers wait for the store, or with too many bytes. Nothing was written: try again later.
    #[error("the store is overloaded: {waiting} callers wait")]
    Overloaded {
        /// How many wait.
        waiting: usize,
    },
    /// A bug: what to write for this request could not be worked out. Nothing was written, and all
    /// other requests go on.
    #[error("the store panicked while it planned this request")]
    RequestPanicked,
    /// The disk is full. Reads go on, and so do writes once there is space.
    #[error("the disk is full")]
    DiskFull {
        /// What the engine says.
        #[source]
        source: Cause,
    },
    /// Writing or syncing failed. Nothing more is written until the store is opened again.
    #[error("failed to {action}")]
    WriteFailed {
        /// What was tried.
        action: &'static str,
        /// What the engine says.
        #[source]
        source: Cause,
    },
    /// Reading failed.
    #[error("failed to read {family}")]
    ReadFailed {
        /// Where.
        family: Family,
        /// What the engine says.
        #[source]
        source: Cause,
    },
    /// A long read was ended, so that writing could go on after a full disk: ask again.
    #[error("reading was interrupted, because the full disk has space again")]
    Interrupted,
    /// Reading failed by a bug. The store goes on.
    #[error("a read panicked")]
    ReadPanicked,
    /// A record is not what was written.
    #[error("record {key} of {family} is corrupt: {reason}")]
    Corrupt {
        /// Where.
        family: Family,
        /// Its key, in hexadecimal digits.
        key: String,
        /// What was found.
        reason: String,
    },
    /// A record was written by a newer version.
    #[error("record {key} of {family} has version {found}, this version reads up to {supported}")]
    RecordTooNew {
        /// Where.
        family: Family,
        /// Its key, in hexadecimal digits.
        key: String,
        /// The version of the record.
        found: u8,
        /// The newest that is understood.
        supported: u8,
    },
    /// The writer has ended, and this request with it.
    #[error("the store has ended: {ended}")]
    Ended {
        /// Why.
        ended: Ended,
    },
    /// Another process, or another part of this one, has the folder open.
    #[error("folder {} is in use by another process", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// What the engine says.
        #[source]
        source: Cause,
    },
    /// The folder or a file of it may not be read or written.
    #[error("no permission for folder {}", folder.display())]
    NoPermission {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        #[source]
        source: Cause,
    },
    /// The data was written by a newer version.
    #[error("the data has format {found}, this version reads up to {supported}")]
    VersionTooNew {
        /// The format of the data, or the least that it can be.
        found: u32,
        /// The newest that is understood.
        supported: u32,
    },
    /// A file of the folder is damaged. Nothing was changed.
    #[error("folder {} is damaged", folder.display())]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What the engine says, with the file's name.
        #[source]
        source: Cause,
    },
    /// The folder cannot be opened for another reason.
    #[error("failed to open folder {}", folder.display())]
    OpenFailed {
        /// The folder.
        folder: PathBuf,
        /// What the engine or the system says.
        #[source]
        source: Cause,
    },
    /// What is imported is not an export, or not a whole one.
    #[error("failed to read the export: {reason}")]
    InvalidExport {
        /// What is wrong with it.
        reason: String,
    },
    /// What is exported cannot be written, or what is imported cannot be read.
    #[error("failed to {action} the export")]
    Stream {
        /// `read` or `write`.
        action: &'static str,
        /// What the system says.
        #[source]
        source: Cause,
    },
}

/// Why a store's writer ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ended {
    /// [`crate::LocalStore::close`] was called, or nobody holds the store any more.
    #[error("it was closed")]
    Closed,
    /// A write or sync failed, so that no later one can be trusted.
    #[error("a write failed: {reason}")]
    Poisoned {
        /// What the engine said.
        reason: String,
    },
    /// The writer's thread panicked.
    #[error("its writer panicked")]
    Panicked,
}

impl StoreError {
    /// Whether the write may be on disk nevertheless.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        matches!(self, Self::WriteFailed { .. } | Self::DiskFull { .. } | Self::Ended { .. })
    }
}
