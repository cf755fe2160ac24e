//! The sandbox, from outside.

mod calls;
mod containment;
mod determinism;
mod fairness;
mod modules;
mod support;
mod unwinding;
