//! The host: who answers a guest's imports.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::driver::Core;
use crate::{Fault, Signature, Trap, Val};

/// Whatever the host failed with. It ends the guest's call as [`Trap::Host`] and can be downcast
/// there; a [`Trap`] of a call back into the guest stays that trap.
pub type HostError = Box<dyn std::error::Error + Send + Sync>;

/// A function that a module asks its host for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Name of the module it is expected in, such as `wasi_snapshot_preview1`.
    pub module: Arc<str>,
    /// Name of the function, such as `fd_write`.
    pub name: Arc<str>,
    /// What it takes and gives.
    pub signature: Signature,
    /// `MODULE.NAME`, for messages.
    pub(crate) label: Arc<str>,
}

/// Answers a guest's calls to its imports.
///
/// The guest is suspended while the answer is awaited, and the thread is free.
pub trait Host: Send {
    /// Answers one call. Results that are missing are zeros; more than the import gives are ignored.
    ///
    /// # Errors
    /// Whatever ends the guest's call as [`Trap::Host`].
    fn call<'a>(
        &'a mut self,
        import: &'a Import,
        arguments: &'a [Val],
        guest: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>>;
}

/// The host of guests that need none: every import answers with zeros.
#[derive(Debug, Clone, Copy, Default)]
pub struct Zeros;

impl Host for Zeros {
    fn call<'a>(
        &'a mut self,
        _: &'a Import,
        _: &'a [Val],
        _: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

/// The guest as its host sees it during a call: its memory and its exports.
#[derive(Debug)]
pub struct Guest<'a> {
    pub(crate) core: &'a mut Core,
}

impl Guest<'_> {
    /// The linear memory; empty when the module has none.
    #[must_use]
    pub fn memory(&self) -> &[u8] {
        self.core.memory()
    }

    /// The linear memory; empty when the module has none.
    #[must_use]
    pub fn memory_mut(&mut self) -> &mut [u8] {
        self.core.memory_mut()
    }

    /// Whether addresses are 64 bits wide.
    #[must_use]
    pub fn is_64(&self) -> bool {
        self.core.module.is_64()
    }

    /// The bytes at an address.
    ///
    /// # Errors
    /// [`Fault::MemoryOutOfBounds`], also for lengths that no memory has.
    pub fn read(&self, address: u64, length: u64) -> Result<&[u8], Fault> {
        self.core.read(address, length)
    }

    /// Puts bytes at an address.
    ///
    /// # Errors
    /// [`Fault::MemoryOutOfBounds`]; then nothing was written.
    pub fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.core.write(address, bytes)
    }

    /// Takes fuel from the call's budget for work the host does in the guest's name.
    ///
    /// # Errors
    /// [`Trap::OutOfFuel`] when less is left.
    pub fn charge(&mut self, fuel: u64) -> Result<(), Trap> {
        self.core.charge(fuel)
    }

    /// As [`Guest::charge`], for work that cannot be interrupted: it waits beforehand for as many turns
    /// of the thread as its fuel is slices.
    ///
    /// # Errors
    /// As [`Guest::charge`].
    pub async fn spend(&mut self, fuel: u64) -> Result<(), Trap> {
        self.core.spend(fuel).await
    }

    /// Calls an export while the guest waits, on the same budget: `malloc`, say.
    ///
    /// # Errors
    /// As [`Instance::call`](crate::Instance::call), and [`Trap::HostDepth`].
    pub async fn call(
        &mut self,
        function: &str,
        arguments: &[Val],
        host: &mut dyn Host,
    ) -> Result<Vec<Val>, Trap> {
        self.core.call_nested(function, arguments, host).await
    }
}
