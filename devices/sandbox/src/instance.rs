//! A running program: a module with a memory of its own.

use std::fmt;

use bytes::Bytes;

use crate::driver::Core;
use crate::module::START;
use crate::{Fault, Host, Limits, Module, Snapshot, SnapshotError, Trap, Val};

/// An instance of a module. It can move between threads, and yields whichever it runs on.
pub struct Instance {
    core: Core,
    /// Globals and tables as they were when the instance was made.
    first: Bytes,
    /// A call is open; seen at the start of a call only if the one before was dropped.
    open: bool,
}

impl Instance {
    /// Makes an instance: memory, tables and globals as the module says, then its start function,
    /// metered as a call. No export is called, but for `__wasm_call_ctors` of a module that asks for
    /// `env._emscripten_memcpy_js`: emscripten's JavaScript, for which it was made, would call it.
    ///
    /// # Errors
    /// The trap of these functions, or what the module brings exceeds the limits.
    pub async fn new(module: &Module, limits: Limits, host: &mut dyn Host) -> Result<Self, Trap> {
        let mut core = Core::new(module, limits)?;
        core.begin("start".into());
        if module.layout().has_start
            && let Some(start) = core.instance.get_func(&core.store, START)
        {
            core.run(start, Vec::new(), host).await?;
        }
        if let Some(constructors) = module.constructors() {
            core.call_nested(constructors, &[], host).await?;
        }
        let first = Snapshot::registers(&core)?;
        Ok(Self { core, first, open: false })
    }

    /// Calls an exported function. Yields the thread after every slice of fuel.
    ///
    /// After a trap the instance can be called again: memory is as the trap left it, and the stack
    /// pointer as it was before the call.
    ///
    /// # Errors
    /// Whatever ended the call without results.
    pub async fn call(
        &mut self,
        function: &str,
        arguments: &[Val],
        host: &mut dyn Host,
    ) -> Result<Vec<Val>, Trap> {
        if self.open {
            return Err(Trap::Abandoned);
        }
        self.core.begin(self.core.module.name(function));
        self.open = true;
        let result = self.core.call_nested(function, arguments, host).await;
        self.open = false;
        result
    }

    /// Changes the limits, from the next call on. Memory that is larger than they allow stays, and
    /// does not grow.
    pub fn set_limits(&mut self, limits: Limits) {
        self.core.set_limits(limits);
    }

    /// The module it is an instance of.
    #[must_use]
    pub fn module(&self) -> &Module {
        &self.core.module
    }

    /// Fuel that the last call used, or the making of the instance.
    #[must_use]
    pub fn fuel_used(&self) -> u64 {
        self.core.fuel_used()
    }

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

    /// All of its state, to be continued later or elsewhere.
    ///
    /// # Errors
    /// [`SnapshotError::Abandoned`] when a call was dropped midway.
    pub fn snapshot(&self) -> Result<Snapshot, SnapshotError> {
        if self.open { Err(SnapshotError::Abandoned) } else { Snapshot::take(&self.core) }
    }

    /// An instance that goes on where the snapshot was taken. The start function does not run. Memory
    /// that is larger than the limits allow stays, and does not grow.
    ///
    /// # Errors
    /// [`Trap::Snapshot`] when the snapshot is of another module, cut off or altered, and the
    /// limits' traps when it does not fit them.
    pub fn restore(module: &Module, snapshot: &Snapshot, limits: Limits) -> Result<Self, Trap> {
        let mut core = Core::new(module, limits.for_memory_of(snapshot.memory.len()))?;
        core.begin("restore".into());
        snapshot.give(&mut core)?;
        let first = Snapshot::registers(&core)?;
        Ok(Self { core, first, open: false })
    }

    /// Sets globals and tables to what they were when the instance was made or restored; memory
    /// stays. The same as a new instance with the memory of this one.
    ///
    /// # Errors
    /// [`SnapshotError::Abandoned`] when a call was dropped midway.
    pub fn renew(&mut self) -> Result<(), Trap> {
        if self.open {
            return Err(SnapshotError::Abandoned.into());
        }
        Ok(Snapshot::give_registers(&self.first, &mut self.core)?)
    }

    /// A second instance in the same state: for dry runs.
    ///
    /// # Errors
    /// As [`Instance::snapshot`] and [`Instance::restore`].
    pub fn fork(&self) -> Result<Self, Trap> {
        Self::restore(&self.core.module, &self.snapshot()?, self.core.limits.clone())
    }
}

impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Instance").field("core", &self.core).field("open", &self.open).finish()
    }
}

impl fmt::Debug for Core {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Core")
            .field("module", &self.module)
            .field("memory_bytes", &self.memory().len())
            .finish_non_exhaustive()
    }
}
