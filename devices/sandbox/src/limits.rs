//! What a guest may use.

/// Fuel that a call to the host costs the guest, on top of the instruction itself.
///
/// Leaving the interpreter and coming back takes about a microsecond; unmetered, a guest that does
/// nothing else would run a thousand times longer than its slice.
pub const HOST_CALL_FUEL: u64 = 1_000;

/// Suspended calls (`rt.try`, `invoke_*`) that one call may pile up.
///
/// PUC Lua allows 200 nested C calls, of which each `pcall` is one.
pub const SUSPENDED_CALLS: usize = 256;

/// Host calls that may be open at once: a host that calls back into the guest, which calls the host.
///
/// Each level is native stack of the thread, so the limit is small.
pub const HOST_DEPTH: usize = 8;

/// Bytes of values that one guest stack may hold; every suspended call has a stack of its own.
pub const STACK_BYTES: usize = 1 << 20;

/// Calls that may be nested on one guest stack.
pub const CALL_DEPTH: usize = 10_000;

/// Budgets of an [`Instance`](crate::Instance). They are part of what decides a result, all but
/// `slice`: a process must run with the same ones everywhere and always.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Fuel of one call from the host, with all that it calls. Default: 2 500 000 000, some ten
    /// seconds.
    pub fuel: u64,
    /// Fuel after which the call yields its thread; at least 1. Changes no result. Default:
    /// 250 000, about a millisecond.
    pub slice: u64,
    /// Bytes that linear memory may grow to. Default: 512 MiB.
    pub memory_bytes: usize,
    /// Elements that each table may grow to. Default: 100 000.
    pub table_elements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 2_500_000_000,
            slice: 250_000,
            memory_bytes: 512 << 20,
            table_elements: 100_000,
        }
    }
}
