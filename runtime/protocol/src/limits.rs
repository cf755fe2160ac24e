//! What is read is bounded. A message past a bound is refused with an error that names it.

/// How deep messages and lists may be nested, the outermost counted as 1.
pub const MAX_DEPTH: usize = 100;

/// Longest key that is read, in bytes.
pub const MAX_KEY_LENGTH: usize = 8192;

/// Most parts of one multipart body.
pub const MAX_PARTS: usize = 65_536;

/// Largest wire form that is read, in bytes.
pub const MAX_SIZE: usize = 256 * 1024 * 1024;
