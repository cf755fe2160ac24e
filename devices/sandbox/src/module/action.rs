//! The imports that the driver serves itself, because they unwind the guest's own stack or are about
//! its memory alone.
//!
//! | Import | Signature | Meaning |
//! |---|---|---|
//! | `rt.try` | `(f, L, ud) -> i32` | calls `f(L, ud)`; 0 when it returned, 1 when it threw |
//! | `rt.throw` | `() -> ()` | unwinds to the innermost `rt.try` or `invoke_*` |
//! | `env.invoke_*` | `(f, …) -> r` | calls `f(…)`; its result, or zero after `setThrew(1, 0)` |
//! | `env._emscripten_throw_longjmp`, `env.emscripten_longjmp`, `env.longjmp`, `env.__cxa_throw`, `env.__cxa_rethrow`, `env.__resumeException`, `env.__cxa_resume` | any | unwind, as `rt.throw` |
//! | `env._emscripten_memcpy_js` | `(to, from, n)` | copies `n` bytes; a fault outside of memory |
//! | `env.emscripten_resize_heap` | `(n) -> i32` | makes memory at least `n` bytes; 1, or 0 if it cannot |
//!
//! `f` is an index into the table of function pointers; `to`, `from` and `n` have the width of
//! addresses. Source: emscripten's `libcore.js` and `libexceptions.js`; spec 13, sections 3 and 4.

use crate::{Import, ValType};

/// Who answers an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// The host.
    Host,
    /// The driver: a protected call that answers whether it threw.
    Try,
    /// The driver: a protected call that answers with the callee's result.
    Invoke,
    /// The driver: unwinds.
    Throw,
    /// The driver: copies memory.
    Copy,
    /// The driver: makes memory larger.
    Grow,
}

impl Action {
    pub(super) fn of(import: &Import) -> Self {
        let pointer = |ty: Option<&ValType>| matches!(ty, Some(ValType::I32 | ValType::I64));
        let signature = &import.signature;
        match (&*import.module, &*import.name) {
            ("rt", "try")
                if signature.params.len() == 3
                    && pointer(signature.params.first())
                    && signature.results == [ValType::I32] =>
            {
                Self::Try
            }
            ("rt", "throw") => Self::Throw,
            ("env", name) if name.starts_with("invoke_") && pointer(signature.params.first()) => {
                Self::Invoke
            }
            (
                "env",
                "_emscripten_throw_longjmp"
                | "emscripten_longjmp"
                | "longjmp"
                | "__cxa_throw"
                | "__cxa_rethrow"
                | "__resumeException"
                | "__cxa_resume",
            ) => Self::Throw,
            ("env", "_emscripten_memcpy_js")
                if signature.params.len() == 3
                    && signature.params.iter().all(|ty| pointer(Some(ty)))
                    && signature.results.is_empty() =>
            {
                Self::Copy
            }
            ("env", "emscripten_resize_heap")
                if signature.params.len() == 1
                    && pointer(signature.params.first())
                    && signature.results == [ValType::I32] =>
            {
                Self::Grow
            }
            _ => Self::Host,
        }
    }
}
