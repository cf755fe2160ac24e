//! The sandbox, from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "helpers of tests are tests"
)]

mod calls;
mod containment;
mod determinism;
mod dispatch;
mod emscripten;
mod fairness;
mod lower;
mod lua;
mod lua_ao;
mod lua_deviations;
mod lua_kept;
mod lua_native;
mod lua_packed;
mod lua_restored;
mod lua_scripts;
mod modules;
mod nan;
mod programs;
mod published;
mod support;
mod unwinding;
