//! What is read is bounded. A message past a bound is refused with an error that names it.

/// How deep messages and lists may be nested, the outermost counted as 1.
pub const MAX_DEPTH: usize = 100;

/// Longest key that is read, in bytes.
pub const MAX_KEY_LENGTH: usize = 8192;

/// Most digits of an integer. Reading and writing one takes time that grows with their square; the
/// reference node reads 15 digits, and writes any number of them.
pub const MAX_DIGITS: usize = 4096;

/// Most nested messages that one is written with, and most parts of one multipart body.
pub const MAX_PARTS: usize = 65_536;

/// Most commitments of one message.
///
/// Ids are sums of commitments' ids, and who may add many terms of their own choice can reach any sum
/// (Wagner's generalised birthday attack). With 8 terms that takes some 2^64 steps.
pub const MAX_COMMITMENTS: usize = 8;

/// Most values of one message, those of nested messages and lists included, in forms where a few
/// bytes make a value.
pub const MAX_VALUES: usize = 262_144;

/// How deep data items may be bundled in data items: every level is hashed with all that it holds.
pub const MAX_BUNDLE_DEPTH: usize = 16;

/// Largest wire form that is read, in bytes.
pub const MAX_SIZE: usize = 256 * 1024 * 1024;

/// Longest path of a request with its query, in bytes before decoding.
pub const MAX_PATH_LENGTH: usize = 65_536;

/// Longest segment of a path, in bytes after decoding. Source: spec 05, section 1.
pub const MAX_SEGMENT_LENGTH: usize = 512;

/// Most parameters of a segment. No check is needed: the shortest is `&` and one byte, so more do
/// not fit into [`MAX_SEGMENT_LENGTH`].
pub const MAX_SEGMENT_PARAMS: usize = MAX_SEGMENT_LENGTH / 2;

/// Most segments of a request, those of its sub-paths included.
pub const MAX_SEGMENTS: usize = 1024;

/// How deep sub-paths may be nested in a request's path.
pub const MAX_SUB_PATH_DEPTH: usize = 32;

/// Most keys and segments that the steps of one request have together. Every step holds the
/// request's global keys, with their sub-paths, so that a long path and many headers multiply.
pub const MAX_STEP_KEYS: usize = 131_072;
