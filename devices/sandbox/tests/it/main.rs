//! The sandbox, from outside.

mod calls;
mod support;
mod unwinding;
