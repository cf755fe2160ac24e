//! Why a request is no list of steps, or a list of steps no request.

use crate::Key;
use crate::codec::{DecodeError, EncodeError};
use crate::limits::{
    MAX_PATH_LENGTH, MAX_SEGMENT_LENGTH, MAX_SEGMENTS, MAX_STEP_KEYS, MAX_SUB_PATH_DEPTH,
};

/// A request that cannot be expanded, or steps that cannot be written as one.
///
/// Offsets count bytes from the start of the decoded path; in a sub-path, of that sub-path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The key `path` holds something other than text.
    #[error("the path is not text")]
    NotText,
    /// Longer than [`MAX_PATH_LENGTH`].
    #[error("the path has {length} bytes, more than {MAX_PATH_LENGTH}")]
    TooLong {
        /// Its length, in bytes.
        length: usize,
    },
    /// A segment longer than [`MAX_SEGMENT_LENGTH`].
    #[error("the segment at byte {at} has {length} bytes, more than {MAX_SEGMENT_LENGTH}")]
    SegmentTooLong {
        /// Where it starts.
        at: usize,
        /// Its length, in bytes.
        length: usize,
    },
    /// More segments than [`MAX_SEGMENTS`].
    #[error("the path and its sub-paths have more than {MAX_SEGMENTS} segments")]
    TooManySegments,
    /// More keys and segments than [`MAX_STEP_KEYS`].
    #[error("the steps have more than {MAX_STEP_KEYS} keys and segments together")]
    TooManyKeys,
    /// Deeper than [`MAX_SUB_PATH_DEPTH`].
    #[error("sub-paths are nested more than {MAX_SUB_PATH_DEPTH} deep")]
    TooDeep,
    /// A percent sign that starts no encoded byte.
    #[error("expected two hexadecimal digits after the percent sign at byte {at} of the {part}")]
    Percent {
        /// Where it is, in bytes from the start of that part as it came.
        at: usize,
        /// The path or its query.
        part: &'static str,
    },
    /// A query parameter without a name.
    #[error("the parameter at byte {at} of the query has a value but no name")]
    Nameless {
        /// Where it starts.
        at: usize,
    },
    /// A space where a segment's modifiers start.
    #[error("unexpected space at byte {at}")]
    Space {
        /// Where it is.
        at: usize,
    },
    /// A type suffix that does not exist, or text that is not of that type.
    #[error("key {key} does not have the type that its suffix says")]
    Type {
        /// The key at fault.
        key: Key,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// A type suffix on a value that is not text.
    #[error("key {key} has a type suffix, but its value is not text")]
    TypedValue {
        /// The key at fault.
        key: Key,
    },
    /// The `ao-types` of a step's message do not fit its values.
    #[error("the keys of a step do not have the types that ao-types says")]
    Annotations {
        /// What is wrong with them.
        source: EncodeError,
    },
    /// A key `N.name` whose N is not a number of a step.
    #[error("key {key} is scoped to something that is not the number of a step")]
    Scope {
        /// The key at fault.
        key: Key,
    },
    /// A sub-path in the path that is none.
    #[error("the sub-path at byte {at} is malformed")]
    SubPath {
        /// Where it starts.
        at: usize,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// A sub-path in a key that is none.
    #[error("the sub-path of key {key} is malformed")]
    KeySubPath {
        /// The key at fault.
        key: Key,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// Steps that no request would expand to.
    #[error("step {step} cannot be written in a request: {reason}")]
    Unwritable {
        /// Its number, from 0.
        step: usize,
        /// What a request cannot say.
        reason: &'static str,
    },
}
