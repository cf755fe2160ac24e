//! An instance from within: its store, and what the driver needs of it at hand.

use std::sync::{Arc, OnceLock};

use wasmi::errors::{MemoryError, TableError};
use wasmi::{Extern, Func, FuncType, Global, Memory, ResourceLimiter, Store, Table};
use wasmi_core::LimiterError;

use super::request::Request;
use crate::module::{Layout, MEMORY, Module};
use crate::snapshot::References;
use crate::trap::Cause;
use crate::{Fault, Limits, Trap, Val, ValType};

/// An instance and the state of the call in progress.
pub(crate) struct Core {
    pub(crate) module: Module,
    pub(crate) limits: Limits,
    pub(crate) store: Store<Growth>,
    pub(crate) instance: wasmi::Instance,
    memory: Option<Memory>,
    pointers: Option<Table>,
    stack_pointer: Option<Global>,
    thrown: Option<Global>,
    references: OnceLock<Arc<References>>,
    /// The export that the host called.
    pub(crate) entry: Arc<str>,
    /// Fuel of the call that the interpreter does not have yet.
    pub(super) reserve: u64,
    /// Calls suspended, in all runs that are open.
    pub(super) suspended: usize,
    /// Host calls that are open.
    pub(super) host_depth: usize,
}

/// How far memory and tables may grow, and whether the guest was told so.
#[derive(Debug)]
pub(crate) struct Growth {
    memory_bytes: usize,
    table_elements: usize,
    /// Elements of all tables, so far.
    elements: usize,
    memory_denied: bool,
}

impl Core {
    /// An instance before its start function ran, with an unopened budget.
    pub(crate) fn new(module: &Module, limits: Limits) -> Result<Self, Trap> {
        let mut store = Store::new(
            module.code().engine(),
            Growth {
                memory_bytes: limits.memory_bytes,
                table_elements: limits.table_elements,
                elements: 0,
                memory_denied: false,
            },
        );
        store.limiter(|growth| growth);
        let imports: Vec<Extern> = imports(module, &mut store);
        let instance = wasmi::Instance::new(&mut store, module.code(), &imports)
            .map_err(|error| instantiation(&error, &limits, &store))?;
        let layout: &Layout = module.layout();
        let global = |name: &String| instance.get_global(&store, name);
        Ok(Self {
            memory: instance.get_memory(&store, MEMORY),
            pointers: layout.pointers.as_ref().and_then(|it| instance.get_table(&store, it)),
            stack_pointer: layout.stack_pointer.as_ref().and_then(global),
            thrown: layout.thrown.as_ref().and_then(global),
            references: OnceLock::new(),
            module: module.clone(),
            limits,
            instance,
            entry: "start".into(),
            reserve: 0,
            suspended: 0,
            host_depth: 0,
            store,
        })
    }

    /// Changes the limits for what is to come. What memory has is not taken away: it may go on, and
    /// not grow.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits.for_memory_of(self.memory().len());
        self.store.data_mut().memory_bytes = self.limits.memory_bytes;
        self.store.data_mut().table_elements = self.limits.table_elements;
    }

    /// Sets all that only lasts for one call back.
    pub(crate) fn begin(&mut self, entry: Arc<str>) {
        self.entry = entry;
        self.suspended = 0;
        self.host_depth = 0;
        self.store.data_mut().memory_denied = false;
        self.fill();
    }

    /// An exported function and its arguments, when they fit each other.
    pub(crate) fn prepare(
        &self,
        name: &str,
        arguments: &[Val],
    ) -> Result<(Func, Vec<wasmi::Val>), Trap> {
        let not_found = || Trap::FunctionNotFound { function: name.into() };
        let signature = self.module.function(name).ok_or_else(not_found)?;
        let function = self.instance.get_func(&self.store, name).ok_or_else(not_found)?;
        let types = arguments.iter().map(Val::ty);
        if !types.eq(signature.params.iter().copied())
            || !signature.results.iter().all(|ty| ty.is_number())
        {
            let (function, signature) = (self.module.name(name), signature.clone());
            return Err(Trap::WrongArguments { function, signature });
        }
        Ok((function, arguments.iter().map(|it| it.to_wasmi()).collect()))
    }

    /// The functions that references can be to: the same ones as long as the instance lives.
    pub(crate) fn references(&self) -> Arc<References> {
        self.references.get_or_init(|| Arc::new(References::of(self))).clone()
    }

    pub(crate) fn memory(&self) -> &[u8] {
        self.memory.map_or(&[], |memory| memory.data(&self.store))
    }

    pub(crate) fn memory_mut(&mut self) -> &mut [u8] {
        match self.memory {
            Some(memory) => memory.data_mut(&mut self.store),
            None => &mut [],
        }
    }

    /// Makes memory at least as long as `bytes`, in whole pages.
    pub(crate) fn grow_memory(&mut self, bytes: usize) -> Result<(), MemoryError> {
        let Some(memory) = self.memory else {
            return if bytes == 0 { Ok(()) } else { Err(MemoryError::OutOfBoundsGrowth) };
        };
        let missing = bytes.saturating_sub(memory.data_size(&self.store)).div_ceil(PAGE);
        memory.grow(&mut self.store, missing as u64).map(|_| ())
    }

    pub(crate) fn read(&self, address: u64, length: u64) -> Result<&[u8], Fault> {
        span(address, length)
            .and_then(|span| self.memory().get(span))
            .ok_or(Fault::MemoryOutOfBounds)
    }

    pub(crate) fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), Fault> {
        span(address, bytes.len() as u64)
            .and_then(|span| self.memory_mut().get_mut(span))
            .ok_or(Fault::MemoryOutOfBounds)?
            .copy_from_slice(bytes);
        Ok(())
    }

    /// The function that a pointer of C points to.
    pub(super) fn pointee(&mut self, pointer: &wasmi::Val) -> Result<Func, Trap> {
        let index = Val::from_wasmi(pointer).and_then(|value| value.address());
        let element = index.zip(self.pointers).and_then(|(i, table)| table.get(&self.store, i));
        let Some(element) = element else {
            return Err(self.trap(Cause::Fault(Fault::TableOutOfBounds)));
        };
        match element.as_func().as_ref().and_then(|function| function.val().copied()) {
            Some(function) => Ok(*function),
            None => Err(self.trap(Cause::Fault(Fault::UninitializedElement))),
        }
    }

    /// Whether a function takes these arguments and gives these results.
    pub(super) fn takes(
        &self,
        function: &Func,
        arguments: &[wasmi::Val],
        results: &[ValType],
    ) -> bool {
        let ty = function.ty(&self.store);
        let given = ty.results().iter().map(|ty| Val::from_wasmi(&wasmi::Val::default_for_ty(*ty)));
        ty.params().iter().copied().eq(arguments.iter().map(wasmi::Val::ty))
            && given.map(|value| value.map(|it| it.ty())).eq(results.iter().map(|ty| Some(*ty)))
    }

    /// Zeros of an import's result types.
    pub(super) fn zero_results(&self, import: usize) -> Vec<wasmi::Val> {
        let import = self.module.imports().get(import);
        let types = import.map_or(&[][..], |import| &import.signature.results);
        types.iter().filter_map(|ty| Val::zero(*ty)).map(Val::to_wasmi).collect()
    }

    /// Emscripten's `setThrew(1, 0)`, when the module exports it.
    pub(super) fn set_threw(&self) -> Option<(Func, Vec<wasmi::Val>)> {
        let name = ["setThrew", "_setThrew"].into_iter().find(|it| {
            self.module.function(it).is_some_and(|signature| {
                signature.params.len() == 2
                    && signature.params.iter().all(|ty| ty.is_number())
                    && signature.results.is_empty()
            })
        })?;
        let function = self.instance.get_func(&self.store, name)?;
        let params = &self.module.function(name)?.params;
        let arguments = params.iter().zip([1, 0]).map(|(ty, value)| match ty {
            ValType::I64 => wasmi::Val::I64(value),
            ValType::I32 => wasmi::Val::I32(value as i32),
            _ => Val::zero(*ty).unwrap_or(Val::I32(0)).to_wasmi(),
        });
        Some((function, arguments.collect()))
    }

    pub(crate) fn stack_pointer(&self) -> Option<wasmi::Val> {
        self.stack_pointer.map(|global| global.get(&self.store))
    }

    pub(crate) fn set_stack_pointer(&mut self, value: Option<wasmi::Val>) {
        if let Some((global, value)) = self.stack_pointer.zip(value) {
            // Of the type that was read from it, and mutable: the survey saw to it.
            let _ = global.set(&mut self.store, value);
        }
    }

    /// Whether a WebAssembly exception left the guest's function; it is gone then.
    pub(super) fn take_thrown(&mut self) -> bool {
        let Some(global) = self.thrown else { return false };
        let thrown = !matches!(global.get(&self.store), wasmi::Val::I32(0));
        if thrown {
            // Lowering made it, mutable and of this type.
            let _ = global.set(&mut self.store, wasmi::Val::I32(0));
        }
        thrown
    }

    pub(crate) fn trap(&mut self, cause: Cause) -> Trap {
        let function = self.entry.clone();
        let thrown = self.take_thrown();
        match cause {
            Cause::Fault(Fault::Unreachable) if thrown => Trap::UncaughtThrow { function },
            Cause::Fault(fault) if self.store.data().memory_denied => {
                Trap::OutOfMemory { limit: self.limits.memory_bytes, fault: Some(fault), function }
            }
            Cause::Fault(fault) => Trap::Fault { fault, function },
            Cause::StackOverflow => Trap::StackOverflow { function },
            Cause::OutOfFuel => self.out_of_fuel(),
            Cause::Engine(reason) => Trap::Engine { reason },
        }
    }
}

/// Bytes of a page of WebAssembly.
pub(crate) const PAGE: usize = 1 << 16;

/// The bytes from an address on; `None` if no memory has them.
pub(super) fn span(address: u64, length: u64) -> Option<std::ops::Range<usize>> {
    let end = address.checked_add(length)?;
    Some(usize::try_from(address).ok()?..usize::try_from(end).ok()?)
}

/// A function for each import that leaves the interpreter with a [`Request`].
fn imports(module: &Module, store: &mut Store<Growth>) -> Vec<Extern> {
    let leave = |(index, import): (usize, &crate::Import)| {
        let ty = FuncType::new(
            import.signature.params.iter().filter_map(number).collect::<Vec<_>>(),
            import.signature.results.iter().filter_map(number).collect::<Vec<_>>(),
        );
        Extern::Func(Func::new(&mut *store, ty, move |_, arguments, _| {
            let arguments = arguments.to_vec();
            Err(wasmi::Error::host(Request { import: index, arguments }))
        }))
    };
    module.imports().iter().enumerate().map(leave).collect()
}

fn number(ty: &ValType) -> Option<wasmi::ValType> {
    Some(match ty {
        ValType::I32 => wasmi::ValType::I32,
        ValType::I64 => wasmi::ValType::I64,
        ValType::F32 => wasmi::ValType::F32,
        ValType::F64 => wasmi::ValType::F64,
        ValType::FuncRef | ValType::ExternRef => return None,
    })
}

/// Why no instance could be made: what the module brings does not fit the limits or itself.
fn instantiation(error: &wasmi::Error, limits: &Limits, store: &Store<Growth>) -> Trap {
    use wasmi::errors::{ErrorKind, InstantiationError};
    let function: Arc<str> = "start".into();
    let fault = |fault| Trap::Fault { fault, function: function.clone() };
    match error.kind() {
        _ if store.data().memory_denied => {
            Trap::OutOfMemory { limit: limits.memory_bytes, fault: None, function }
        }
        ErrorKind::Instantiation(InstantiationError::ElementSegmentDoesNotFit { .. }) => {
            fault(Fault::TableOutOfBounds)
        }
        ErrorKind::Instantiation(InstantiationError::FailedToInstantiateTable(_)) => {
            Trap::TableTooLarge { limit: limits.table_elements }
        }
        ErrorKind::Memory(MemoryError::OutOfBoundsAccess) => fault(Fault::MemoryOutOfBounds),
        ErrorKind::Table(_) => fault(Fault::TableOutOfBounds),
        _ => match Cause::from(error) {
            Cause::Fault(cause) => fault(cause),
            _ => Trap::Engine { reason: error.to_string() },
        },
    }
}

impl ResourceLimiter for Growth {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let denied = desired > self.memory_bytes;
        self.memory_denied |= denied;
        Ok(!denied && maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool, LimiterError> {
        let elements = self.elements.saturating_add(desired.saturating_sub(current));
        let allowed = elements <= self.table_elements;
        if allowed {
            self.elements = elements;
        }
        Ok(allowed && maximum.is_none_or(|maximum| desired <= maximum))
    }

    fn memory_grow_failed(&mut self, _: &MemoryError) -> Result<(), LimiterError> {
        Ok(())
    }

    fn table_grow_failed(&mut self, _: &TableError) -> Result<(), LimiterError> {
        Ok(())
    }

    fn instances(&self) -> usize {
        1
    }

    fn tables(&self) -> usize {
        crate::bounds::TABLES as usize
    }

    fn memories(&self) -> usize {
        1
    }
}
