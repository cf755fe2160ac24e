//! Guest code: programs that strangers wrote, as WebAssembly. They run metered, preempted,
//! snapshotted and deterministic, and reach nothing but the host they are given.
//!
//! ```text
//! bytes ─ Modules ─▶ Module ─ Instance::new ─▶ Instance ─ call ─▶ results, or a Trap
//!                                               │   ▲      │ ▲
//!                                      snapshot ▼   │      ▼ │
//!                                               Snapshot   Host
//! ```
//!
//! - **Metered.** A call has a budget of fuel ([`Limits::fuel`]); what runs out of it ends as
//!   [`Trap::OutOfFuel`]. A unit of fuel is a few nanoseconds of this interpreter.
//! - **Preempted.** After each [`Limits::slice`] the call yields its thread, however deep in the
//!   guest it is. Neither slices nor yields change a result or the fuel used.
//! - **Deterministic.** The same module, state, arguments and host answers give the same results,
//!   memory, traps and fuel, on every machine: no clock, no addresses, no random numbers, one NaN.
//! - **Exact.** [`Instance::snapshot`] and [`Instance::restore`] bring back memory, globals and
//!   tables, exported or not.
//!
//! Every import of a module is a call to its [`Host`], asynchronous at any depth of the guest, but
//! for those that the driver serves itself. Some unwind the guest's own stack: `rt.try`, `rt.throw`,
//! and emscripten's `invoke_*` and its throws. Others are about its memory alone:
//! `_emscripten_memcpy_js` and `emscripten_resize_heap`.

mod driver;
mod host;
mod instance;
mod limits;
pub mod lower;
mod module;
mod modules;
mod snapshot;
mod trap;
mod value;

pub use host::{Guest, Host, HostError, Import, Zeros};
pub use instance::Instance;
pub use limits::{CALL_DEPTH, GUEST_VALUES, HOST_CALL_FUEL, HOST_DEPTH, Limits, STACK_BYTES};
pub use module::{Export, ExportKind, Module, ModuleError, bounds};
pub use modules::Modules;
pub use snapshot::{Snapshot, SnapshotError};
pub use trap::{Fault, Trap};
pub use value::{Signature, Val, ValType};

pub mod lua;
