//! Lua 5.3 as a guest: PUC Lua 5.3.6 of our own build, patched where the reference's VM decides state.
//!
//! ```text
//! values ─▶ Outgoing ─▶ oxb_run ─▶ border.c ─▶ tables ─▶ the script ─▶ … ─▶ Incoming ─▶ values
//!                                                           │  ▲
//!                                                       ao.*▼  │
//!                                                          AoHost
//! ```
//!
//! A [`Vm`] is one Lua state. All of it lies in the guest's memory, so that a snapshot of that is a
//! snapshot of globals, closures, coroutines and random numbers. The table that a call returned can
//! stay in the guest ([`Context::keep`]): when the next call is given that value again, with a few
//! changes, only these cross the border, and back only what the script wrote to.
//!
//! The guest is built by `scripts/build-lua` from `lua/`; what differs from the reference is listed
//! in `docs/compatibility.md`. Source: spec 14.

mod error;
mod host;
mod incoming;
mod kept;
mod outgoing;
mod trace;
mod values;

use std::sync::OnceLock;

use bytes::Bytes;
use oxbeam_protocol::Value;

pub use error::{Frame, LuaError, Raised};
pub use host::{AoError, AoFunction, AoHost, NoAo};

use crate::{Instance, Limits, Module, Snapshot, Trap, Val};
use host::Border;
use incoming::{Change, Incoming, Item, Raw};
use kept::{Kept, Shared};
use outgoing::Outgoing;

/// The guest, as `scripts/build-lua` builds it.
const WASM: &[u8] = include_bytes!("../lua/lua.wasm");

/// What the reference replaces when a process asks for its sandbox, each by the text `sandboxed`.
/// Source: spec 14, section 2.
pub const SANDBOXED: [&str; 14] = [
    "io",
    "file",
    "os.execute",
    "os.exit",
    "os.getenv",
    "os.remove",
    "os.rename",
    "os.tmpname",
    "package",
    "loadfile",
    "require",
    "dofile",
    "load",
    "loadstring",
];

const LOAD: i32 = 1;
const CALL: i32 = 2;
const FUNCTIONS: i32 = 3;
const SANDBOX: i32 = 4;
const AO: i32 = 5;
const EXPORT: i32 = 6;
const FORGET: i32 = 7;
const SEED: i32 = 8;

/// Fuel that Lua's interpreter is charged for the work of one unit: the engine charges each turn of a
/// loop for all branches in it, and the interpreter is one loop with a branch for each instruction.
const FUEL_OF_LUA: u64 = 20;

/// Flag of a call: keep the table that it returns.
const KEEP: u32 = 1;

/// What a call is made with.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Context {
    /// What `os.time()` and `os.date()` say: seconds since 1970. From the assignment, never a clock.
    pub time: f64,
    /// Leave the table that the call returns last in the guest, for the next such call. The first
    /// argument of that call is taken as this table with changes, if it is one.
    ///
    /// What the script keeps of the table elsewhere, in globals or closures, then sees the changes of
    /// later calls. Whoever drops a result, or meets an error, must restore a snapshot first.
    pub keep: bool,
}

/// One Lua state.
#[derive(Debug)]
pub struct Vm {
    instance: Instance,
    limits: Limits,
    kept: Keeping,
    /// Changes with every change of `kept`, so that a snapshot knows whether its own is still there.
    version: u64,
    crossed: Crossed,
    broken: bool,
}

/// Bytes that an operation took across the border between host and guest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Crossed {
    /// Into the guest: the name of what is called, and its arguments.
    pub inward: usize,
    /// Out of it: results, or an error with its trace.
    pub outward: usize,
}

/// Whether the guest keeps a table, and what is known of it.
#[derive(Debug)]
enum Keeping {
    Nothing,
    Table(Box<Kept>),
    /// The guest was restored and may keep one.
    Unknown,
}

/// The state of a [`Vm`] between two calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VmSnapshot {
    /// The guest's state; it is all that has to be stored.
    pub instance: Snapshot,
    version: Option<u64>,
}

impl VmSnapshot {
    /// A state that was stored.
    #[must_use]
    pub const fn stored(instance: Snapshot) -> Self {
        Self { instance, version: None }
    }
}

/// The guest as a module, compiled once per program.
///
/// # Errors
/// The module in this program is none: a bug.
pub fn module() -> Result<&'static Module, LuaError> {
    static MODULE: OnceLock<Module> = OnceLock::new();
    if let Some(module) = MODULE.get() {
        return Ok(module);
    }
    let compiled = Module::compile(WASM)?;
    Ok(MODULE.get_or_init(|| compiled))
}

impl Vm {
    /// A fresh state with the standard libraries, without `ao` and without a sandbox.
    ///
    /// # Errors
    /// The limits are too small for that.
    pub async fn new(limits: Limits) -> Result<Self, LuaError> {
        // All of them begin as the first one did, and what that took is what they need.
        static FIRST: OnceLock<(Snapshot, Limits)> = OnceLock::new();
        let limits = for_lua(limits);
        if let Some((snapshot, needed)) = FIRST.get()
            && limits.allow(needed)
        {
            let instance = Instance::restore(module()?, snapshot, limits.clone())?;
            return Ok(Self::of(instance, limits, Keeping::Nothing));
        }
        let (instance, fuel) = Self::first(&limits).await?;
        let memory_bytes = instance.memory().len();
        let needed = Limits { fuel, memory_bytes, ..limits.clone() };
        if FIRST.get().is_none() {
            let snapshot = instance.snapshot()?;
            FIRST.get_or_init(|| (snapshot, needed));
        }
        Ok(Self::of(instance, limits, Keeping::Nothing))
    }

    /// A fresh state that is not copied, and the most fuel that one call of it took.
    async fn first(limits: &Limits) -> Result<(Instance, u64), LuaError> {
        let mut nobody = NoAo;
        let mut border = Border { inward: Vec::new(), outward: Vec::new(), ao: &mut nobody };
        let mut instance = Instance::new(module()?, limits.clone(), &mut border).await?;
        let mut fuel = instance.fuel_used();
        instance.call("_initialize", &[], &mut border).await?;
        fuel = fuel.max(instance.fuel_used());
        let ended = instance.call("oxb_new", &[], &mut border).await?;
        fuel = fuel.max(instance.fuel_used());
        match ended.as_slice() {
            [Val::I32(0)] => Ok((instance, fuel)),
            _ => Err(LuaError::OutOfMemory { limit: limits.memory_bytes }),
        }
    }

    fn of(instance: Instance, limits: Limits, kept: Keeping) -> Self {
        Self { instance, limits, kept, version: 0, crossed: Crossed::default(), broken: false }
    }

    /// Runs a chunk: its globals stay. `name` is what traces call it.
    ///
    /// # Errors
    /// [`LuaError::Raised`] also for source that does not compile.
    pub async fn load(
        &mut self,
        name: &[u8],
        source: &[u8],
        host: &mut dyn AoHost,
    ) -> Result<(), LuaError> {
        let mut out = Outgoing::default();
        out.text(name);
        out.text(source);
        self.run(LOAD, out.into_bytes(), host).await.map(drop)
    }

    /// Calls a global function and answers with all that it returns.
    ///
    /// Arguments are loaded in full by the caller: links go in as text. Conversion both ways as in
    /// spec 14, section 4.
    ///
    /// # Errors
    /// The function ended in an error, or what it returned cannot leave the script.
    pub async fn call(
        &mut self,
        function: &[u8],
        arguments: Vec<Value>,
        context: Context,
        host: &mut dyn AoHost,
    ) -> Result<Vec<Value>, LuaError> {
        if context.keep && self.is_unsure() {
            let second = self.fork()?;
            self.recall(second).await?;
        }
        let mut out = Outgoing::default();
        out.flags(if context.keep { KEEP } else { 0 });
        out.float(context.time);
        out.text(function);
        let out = self.arguments(out, arguments, context.keep);
        let written = self.run(CALL, out, host).await?;
        let items = Incoming::new(&written).items()?;
        if context.keep { self.take_kept(items).await } else { plain(items) }
    }

    /// The names of all global functions, in byte order.
    ///
    /// # Errors
    /// The guest was ended.
    pub async fn functions(&mut self) -> Result<Vec<Bytes>, LuaError> {
        let written = self.run(FUNCTIONS, Vec::new(), &mut NoAo).await?;
        let mut incoming = Incoming::new(&written);
        let mut names = Vec::new();
        while !incoming.is_empty() {
            if let Raw::Text(name) = incoming.value()? {
                names.push(name);
            }
        }
        Ok(names)
    }

    /// Replaces globals: each path, such as `os.exit`, by a value. Paths to nowhere are ignored.
    ///
    /// # Errors
    /// The guest was ended.
    pub async fn sandbox<P: AsRef<[u8]>>(
        &mut self,
        replacements: impl IntoIterator<Item = (P, Value)>,
    ) -> Result<(), LuaError> {
        let replacements: Vec<_> = replacements.into_iter().collect();
        let mut out = Outgoing::default();
        out.count(replacements.len());
        for (path, value) in &replacements {
            out.text(path.as_ref());
            out.value(value);
        }
        self.run(SANDBOX, out.into_bytes(), &mut NoAo).await.map(drop)
    }

    /// Installs the library `ao`. Functions of a table `ao` that the script made stay in it, but the
    /// table is a new one. Source: spec 14, section 5.
    ///
    /// # Errors
    /// The guest was ended.
    pub async fn install_ao(&mut self) -> Result<(), LuaError> {
        self.run(AO, Vec::new(), &mut NoAo).await.map(drop)
    }

    /// Starts the sequence of random numbers anew; without it, it starts the same in every state.
    ///
    /// # Errors
    /// The guest was ended.
    pub async fn seed(&mut self, seed: i64) -> Result<(), LuaError> {
        let mut out = Outgoing::default();
        out.integer(seed);
        self.run(SEED, out.into_bytes(), &mut NoAo).await.map(drop)
    }

    /// Fuel that the last operation used, of [`Limits::fuel`].
    #[must_use]
    pub fn fuel_used(&self) -> u64 {
        self.instance.fuel_used() / FUEL_OF_LUA
    }

    /// What the last operation took across the border. With [`Context::keep`] it follows what changed,
    /// not how large the state is.
    #[must_use]
    pub const fn crossed(&self) -> Crossed {
        self.crossed
    }

    /// Changes the limits, from the next operation on. Memory that is larger than they allow stays,
    /// and does not grow.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = for_lua(limits).for_memory_of(self.instance.memory().len());
        self.instance.set_limits(self.limits.clone());
    }

    /// Bytes of its memory.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.instance.memory().len()
    }

    /// The state, to be continued later or elsewhere.
    ///
    /// # Errors
    /// [`LuaError::Broken`].
    pub fn snapshot(&self) -> Result<VmSnapshot, LuaError> {
        if self.broken {
            return Err(LuaError::Broken);
        }
        Ok(VmSnapshot { instance: self.instance.snapshot()?, version: Some(self.version) })
    }

    /// A state that goes on where the snapshot was taken. Memory that is larger than the limits allow
    /// stays, and does not grow.
    ///
    /// # Errors
    /// The snapshot is not one of this guest.
    pub fn restore(snapshot: &VmSnapshot, limits: Limits) -> Result<Self, LuaError> {
        Self::restored(snapshot, for_lua(limits))
    }

    fn restored(snapshot: &VmSnapshot, limits: Limits) -> Result<Self, LuaError> {
        let limits = limits.for_memory_of(snapshot.instance.memory.len());
        let instance = Instance::restore(module()?, &snapshot.instance, limits.clone())?;
        Ok(Self::of(instance, limits, Keeping::Unknown))
    }

    /// Takes this state back to a snapshot of it: after an error, or a result that nobody wants.
    ///
    /// # Errors
    /// As [`Vm::restore`].
    pub fn roll_back(&mut self, snapshot: &VmSnapshot) -> Result<(), LuaError> {
        self.instance = Instance::restore(module()?, &snapshot.instance, self.limits.clone())?;
        if snapshot.version != Some(self.version) {
            self.kept = Keeping::Unknown;
        }
        self.broken = false;
        Ok(())
    }

    /// A second state like this one: for dry runs.
    ///
    /// # Errors
    /// [`LuaError::Broken`].
    pub fn fork(&self) -> Result<Self, LuaError> {
        Self::restored(&self.snapshot()?, self.limits.clone())
    }

    /// Runs one operation and answers with what the guest wrote.
    async fn run(
        &mut self,
        operation: i32,
        inward: Vec<u8>,
        host: &mut dyn AoHost,
    ) -> Result<Vec<u8>, LuaError> {
        if self.broken {
            return Err(LuaError::Broken);
        }
        // Until the call has ended well, also when it is dropped midway.
        self.broken = true;
        self.crossed = Crossed { inward: inward.len(), outward: 0 };
        let length = i32::try_from(inward.len()).map_err(|_| self.out_of_memory())?;
        let mut border = Border { inward, outward: Vec::new(), ao: host };
        let arguments = [Val::I32(operation), Val::I32(length)];
        let ended = self.instance.call("oxb_run", &arguments, &mut border).await.map_err(own)?;
        let written = border.outward;
        self.crossed.outward = written.len();
        self.broken = false;
        match ended.as_slice() {
            [Val::I32(0)] => Ok(written),
            [Val::I32(1)] => Err(LuaError::Raised(trace::raised(&written)?)),
            [Val::I32(2)] => Err(self.out_of_memory()),
            _ => Err(LuaError::Border { reason: "an unknown ending" }),
        }
    }

    const fn out_of_memory(&self) -> LuaError {
        LuaError::OutOfMemory { limit: self.limits.memory_bytes }
    }

    /// Writes the arguments, the first as what changed in the kept table if it is that.
    fn arguments(&self, mut out: Outgoing, arguments: Vec<Value>, keep: bool) -> Vec<u8> {
        out.count(arguments.len());
        let mut arguments = arguments.into_iter();
        if let (true, Keeping::Table(kept)) = (keep, &self.kept)
            && let Some(differences) =
                arguments.as_slice().first().and_then(|first| kept.differences(first))
        {
            arguments.next();
            out.append(&differences);
        }
        arguments.for_each(|argument| out.value(&argument));
        out.into_bytes()
    }

    /// The results of a call that keeps its last one.
    async fn take_kept(&mut self, items: Vec<Item>) -> Result<Vec<Value>, LuaError> {
        let (changes, mut results) = separate(items);
        self.version += 1;
        let last = match results.pop() {
            Some(Raw::Table(table)) => {
                self.kept = Keeping::Nothing;
                Kept::new(table)
            }
            Some(Raw::Known(id)) => self.update(id, changes),
            Some(scalar) => {
                self.kept = Keeping::Nothing;
                results.push(scalar);
                return results.into_iter().map(|raw| values::value(raw, false)).collect();
            }
            None => {
                self.kept = Keeping::Nothing;
                return Ok(Vec::new());
            }
        };
        let mut results: Vec<Value> =
            results.into_iter().map(|raw| values::value(raw, false)).collect::<Result<_, _>>()?;
        results.push(match last {
            Ok(kept) => {
                let value = kept.value.clone();
                self.kept = Keeping::Table(Box::new(kept));
                value
            }
            Err(Shared) => self.take_in_full().await?,
        });
        Ok(results)
    }

    /// The copy of the kept table with its changes.
    fn update(&mut self, id: u64, changes: Vec<Change>) -> Result<Kept, Shared> {
        match std::mem::replace(&mut self.kept, Keeping::Nothing) {
            Keeping::Table(mut kept) if kept.is_root(id) => kept.apply(changes).map(|()| *kept),
            _ => Err(Shared),
        }
    }

    /// The table that the guest keeps, in full, and no longer kept.
    async fn take_in_full(&mut self) -> Result<Value, LuaError> {
        let written = self.run(EXPORT, Vec::new(), &mut NoAo).await;
        self.run(FORGET, Vec::new(), &mut NoAo).await?;
        values::value(Incoming::new(&written?).value()?, false)
    }

    /// Whether it is not known what the guest keeps, as after a restore. The next call with
    /// [`Context::keep`] finds out, which copies all memory, unless [`Vm::recall`] was called before.
    #[must_use]
    pub const fn is_unsure(&self) -> bool {
        matches!(self.kept, Keeping::Unknown)
    }

    /// Finds out what a restored guest keeps. A [`fork`](Self::fork) of it is asked, so that this one
    /// goes on as if it had never been restored.
    ///
    /// # Errors
    /// The fork has ended otherwise than it must: a bug.
    pub async fn recall(&mut self, mut fork: Self) -> Result<(), LuaError> {
        // Whether a guest can be restored is not for the budget of a call to decide.
        fork.instance.set_limits(Limits { fuel: u64::MAX, ..fork.limits.clone() });
        let written = fork.run(EXPORT, Vec::new(), &mut NoAo).await?;
        self.kept = match Incoming::kept(&written).value()? {
            Raw::Table(table) => {
                let kept = Kept::new(table);
                let reason = "a kept table in two places";
                Keeping::Table(Box::new(kept.map_err(|Shared| LuaError::Border { reason })?))
            }
            _ => Keeping::Nothing,
        };
        Ok(())
    }
}

/// Our own errors come through the driver as those of the host.
fn own(trap: Trap) -> LuaError {
    match trap {
        Trap::Host { import, source } => match source.downcast::<LuaError>() {
            Ok(error) => *error,
            Err(source) => LuaError::Trap(Trap::Host { import, source }),
        },
        Trap::OutOfFuel { limit, function } => {
            LuaError::Trap(Trap::OutOfFuel { limit: limit / FUEL_OF_LUA, function })
        }
        trap => LuaError::Trap(trap),
    }
}

/// The results of a call that keeps nothing.
fn plain(items: Vec<Item>) -> Result<Vec<Value>, LuaError> {
    let (_, results) = separate(items);
    results.into_iter().map(|raw| values::value(raw, false)).collect()
}

fn separate(items: Vec<Item>) -> (Vec<Change>, Vec<Raw>) {
    let mut changes = Vec::new();
    let mut results = Vec::new();
    for item in items {
        match item {
            Item::Change(change) => changes.push(change),
            Item::Value(raw) => results.push(raw),
        }
    }
    (changes, results)
}

/// Limits that let a script run for about as long as other guests.
fn for_lua(limits: Limits) -> Limits {
    let scaled = |fuel: u64| fuel.saturating_mul(FUEL_OF_LUA);
    Limits { fuel: scaled(limits.fuel), slice: scaled(limits.slice), ..limits }
}
