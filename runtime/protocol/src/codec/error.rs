//! Why a message could not be written or read.

use crate::ans104::{BundleError, ItemError};
use crate::limits::{MAX_COMMITMENTS, MAX_DEPTH, MAX_KEY_LENGTH, MAX_PARTS, MAX_SIZE, MAX_VALUES};
use crate::structured_field::SyntaxError;
use crate::{ContentError, InvalidId, Key};

/// A message that a codec cannot write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Deeper than [`MAX_DEPTH`].
    #[error("the message is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// More nested messages than [`MAX_PARTS`], each counted as often as it is written.
    #[error("the message holds more than {MAX_PARTS} nested messages")]
    TooManyParts,
    /// Larger than [`MAX_SIZE`].
    #[error("the message would have {size} bytes, more than {MAX_SIZE}")]
    TooLarge {
        /// Its size, in bytes.
        size: usize,
    },
    /// The codec cannot carry what the key holds.
    #[error("key {key} cannot be written: {reason}")]
    Unwritable {
        /// The key at fault.
        key: Key,
        /// What the codec cannot carry.
        reason: &'static str,
    },
    /// The message cannot be written as a whole.
    #[error("the message cannot be written: {0}")]
    Unsupported(&'static str),
    /// A link whose message must be embedded names nothing.
    #[error("key {key} links a message by something that is not an id")]
    BadLink {
        /// The key at fault.
        key: Key,
        /// What is wrong with the id.
        source: InvalidId,
    },
    /// A link whose message must be embedded names a message that is not here.
    #[error("necessary_message_not_found: key {key} links message {id}, which is not kept here")]
    Missing {
        /// The key at fault.
        key: Key,
        /// The message that is missing.
        id: crate::Id,
    },
    /// The store failed.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The message in its present form could not be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A commitment of the message cannot be written.
    #[error("commitment {id} cannot be written: {reason}")]
    Commitment {
        /// The commitment at fault.
        id: Key,
        /// What is wrong with it.
        reason: String,
    },
}

/// A wire form that is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Deeper than [`MAX_DEPTH`].
    #[error("the message is nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// Larger than [`MAX_SIZE`].
    #[error("the message has {size} bytes, more than {MAX_SIZE}")]
    TooLarge {
        /// Its size, in bytes.
        size: usize,
    },
    /// A key longer than [`MAX_KEY_LENGTH`].
    #[error("a key has {length} bytes, more than {MAX_KEY_LENGTH}")]
    KeyTooLong {
        /// Its length, in bytes.
        length: usize,
    },
    /// More parts or nested messages than [`MAX_PARTS`].
    #[error("the message has more than {MAX_PARTS} parts")]
    TooManyParts,
    /// More values than [`MAX_VALUES`].
    #[error("the message has more than {MAX_VALUES} values")]
    TooManyValues,
    /// More signatures than [`MAX_COMMITMENTS`].
    #[error("the message has {count} signatures, more than {MAX_COMMITMENTS}")]
    TooManyCommitments {
        /// How many there are.
        count: usize,
    },
    /// A key whose text is a structured field, but wrong.
    #[error("key {key} is malformed")]
    Syntax {
        /// The key at fault.
        key: Key,
        /// What was expected, and where.
        source: SyntaxError,
    },
    /// `ao-types` gives a key a type that does not exist.
    #[error("key {key} has the unknown type {kind}")]
    UnknownType {
        /// The key at fault.
        key: Key,
        /// The type that it claims.
        kind: String,
    },
    /// A value that is not of the type that `ao-types` says.
    #[error("key {key} is not {expected}")]
    IllTyped {
        /// The key at fault.
        key: Key,
        /// The type that it should have.
        expected: &'static str,
    },
    /// A map that should be a list, but its keys are not consecutive numbers with defined values.
    #[error("a list needs consecutive numbers with defined values, which ends at {key}")]
    NotAList {
        /// The first key that breaks the sequence.
        key: Key,
    },
    /// A key that must be private came from outside with a value that a private part cannot have.
    #[error("key priv is reserved and must be a map")]
    ReservedKey,
    /// Commitments that are a link: nobody could tell whether they hold.
    #[error("the commitments of a message cannot be a link")]
    LinkedCommitments,
    /// A key that is both a value and a map of other keys.
    #[error("key {key} is both a value and a parent of other keys")]
    Conflict {
        /// The key at fault.
        key: Key,
    },
    /// A multipart body that is not one.
    #[error("the multipart body is malformed at byte {at}: {reason}")]
    Multipart {
        /// Bytes from the start of the body.
        at: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Text that is not JSON.
    #[error("not JSON: {reason} at line {line}, column {column}")]
    Json {
        /// What the parser says.
        reason: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// Bytes that are no data item.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// Bytes that are no bundle of data items.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A form of this codec that stands for no message.
    #[error("not a message: {0}")]
    NotAMessage(&'static str),
}
