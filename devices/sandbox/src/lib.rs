//! Guest code: programs that strangers wrote, as WebAssembly. They run metered, preempted,
//! snapshotted and deterministic, and reach nothing but the host they are given.

pub mod lower;
