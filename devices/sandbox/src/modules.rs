//! Compiled modules, shared by all who run the same bytes.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use oxbeam_protocol::Id;
use parking_lot::Mutex;

use crate::{Module, ModuleError};

/// A cache of compiled modules by the SHA-256 of their bytes.
///
/// What was used longest ago leaves first, once the bytes of all modules exceed the budget. Refusals
/// are kept as well, so that a module that does not compile is not tried for every message.
#[derive(Debug)]
pub struct Modules {
    budget: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    modules: HashMap<Id, Entry>,
    bytes: usize,
    /// Counts uses: the entry with the smallest was used longest ago.
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    compiled: Arc<OnceLock<Result<Module, ModuleError>>>,
    bytes: usize,
    used: u64,
}

impl Modules {
    /// Bytes kept for an entry besides the module's own, so that empty ones are bounded too.
    const OVERHEAD: usize = 1_024;

    /// A cache for `budget` bytes of modules, as they were given. Compiled they take several times
    /// as much.
    #[must_use]
    pub fn new(budget: usize) -> Self {
        Self { budget, shelf: Mutex::default() }
    }

    /// The compiled module. Blocks while it compiles, here or, for the same bytes, elsewhere: call
    /// it where blocking is allowed.
    ///
    /// # Errors
    /// As [`Module::compile`].
    pub fn compile(&self, wasm: &[u8]) -> Result<Module, ModuleError> {
        let compiled = self.shelf.lock().take_down(Id::of(wasm), wasm.len(), self.budget);
        compiled.get_or_init(|| Module::compile(wasm)).clone()
    }

    /// The module of these bytes if it is compiled and kept. Never blocks.
    #[must_use]
    pub fn get(&self, id: &Id) -> Option<Module> {
        let mut shelf = self.shelf.lock();
        shelf.clock += 1;
        let clock = shelf.clock;
        let entry = shelf.modules.get_mut(id)?;
        entry.used = clock;
        entry.compiled.get()?.clone().ok()
    }
}

impl Shelf {
    fn take_down(
        &mut self,
        id: Id,
        length: usize,
        budget: usize,
    ) -> Arc<OnceLock<Result<Module, ModuleError>>> {
        self.clock += 1;
        let bytes = length.min(crate::bounds::BYTES) + Modules::OVERHEAD;
        let entry = self.modules.entry(id).or_insert_with(|| {
            self.bytes += bytes;
            Entry { compiled: Arc::default(), bytes, used: 0 }
        });
        entry.used = self.clock;
        let compiled = entry.compiled.clone();
        self.evict(&id, budget);
        compiled
    }

    /// Makes room, but never by what is just asked for.
    fn evict(&mut self, newest: &Id, budget: usize) {
        while self.bytes > budget {
            let others = self.modules.iter().filter(|(id, _)| *id != newest);
            let Some(oldest) = others.min_by_key(|(_, entry)| entry.used).map(|(id, _)| *id) else {
                return;
            };
            if let Some(entry) = self.modules.remove(&oldest) {
                self.bytes -= entry.bytes;
            }
        }
    }
}
