//! What a guest may use.

/// Fuel that a call to the host costs the guest, on top of the instruction itself.
///
/// Leaving the interpreter and coming back takes about a microsecond; unmetered, a guest that does
/// nothing else would run a thousand times longer than its slice.
pub const HOST_CALL_FUEL: u64 = 1_000;

/// Host calls that may be open at once: a host that calls back into the guest, which calls the host.
///
/// Each level is native stack of the thread, so the limit is small.
pub const HOST_DEPTH: usize = 8;

/// Bytes of values that one guest stack may hold; every suspended call has a stack of its own. With
/// the frames of [`CALL_DEPTH`] calls, a stack takes at most 1.6 MiB.
pub const STACK_BYTES: usize = 1 << 20;

/// Values that a script may hand to its host at once, those in tables and their keys included: results
/// of a call, or arguments of a function of `ao`. On the host each is some hundred bytes, in the
/// guest one at least, and none where a table is named again.
pub const GUEST_VALUES: usize = 1 << 20;

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
    ///
    /// A single operation on memory is not interrupted: on 512 MiB it takes a tenth of a second or
    /// two. It waits beforehand for as many turns as its fuel is slices.
    pub slice: u64,
    /// Bytes that linear memory may grow to. Default: 512 MiB.
    pub memory_bytes: usize,
    /// Elements that all tables may have together. Default: 100 000.
    pub table_elements: usize,
    /// Protected calls (`rt.try`, `invoke_*`) that may be suspended in one another, each with a stack of
    /// its own: together they take at most so many times 1.6 MiB. Default: 256, because PUC Lua
    /// allows 200 nested C calls, of which each `pcall` is one.
    pub suspended_calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 2_500_000_000,
            slice: 250_000,
            memory_bytes: 512 << 20,
            table_elements: 100_000,
            suspended_calls: 256,
        }
    }
}

impl Limits {
    /// Whether a guest that came to an end within `needed` does so within these.
    pub(crate) const fn allow(&self, needed: &Self) -> bool {
        self.fuel >= needed.fuel
            && self.memory_bytes >= needed.memory_bytes
            && self.table_elements >= needed.table_elements
            && self.suspended_calls >= needed.suspended_calls
    }

    /// These limits for a memory that is there, and stays if it is larger than they allow.
    pub(crate) fn for_memory_of(self, bytes: usize) -> Self {
        Self { memory_bytes: self.memory_bytes.max(bytes), ..self }
    }
}
