//! AO-Core as pure data: messages, codecs, commitments, ids, hashpaths and paths.
//!
//! No I/O, no async, no clock: every function of this crate is a function of its arguments.
