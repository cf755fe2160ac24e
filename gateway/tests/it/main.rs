//! The gateway from outside.

mod program;
