//! The state of an instance between two calls.
//!
//! `memory` is the linear memory as it is, so that it can be stored by page. `rest`, integers
//! little-endian:
//!
//! | Bytes | What |
//! |---|---|
//! | 4 | `OXS1` |
//! | 32 | id of the module |
//! | 8, 4 | length and CRC-32 of `memory` |
//! | 4, then 8 each | mutable globals: count, then bits, or a reference |
//! | 4, then per table 4, then 4 each | tables: count, then lengths and references |
//! | 4 | CRC-32 of all before |
//!
//! A reference is 0 for null, else one more than the function's place among those of the layout.
//! The checksums find damage, not forgery: snapshots never leave their node.

use std::collections::HashMap;

use bytes::{Buf, BufMut, Bytes};
use wasmi::{Func, Global, Nullable, Ref, Table, Val};

use crate::driver::Core;

const MAGIC: &[u8; 4] = b"OXS1";

/// The state of an instance between two calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The linear memory, whole; empty when the module has none.
    pub memory: Vec<u8>,
    /// Globals, tables and checksums.
    pub rest: Bytes,
}

/// Why a snapshot could not be taken or restored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is the state of an instance of another module.
    #[error("snapshot is of another module")]
    OtherModule,
    /// It is cut off, altered, or no snapshot at all.
    #[error("snapshot is damaged")]
    Damaged,
    /// Its tables are larger than the limits allow, or its memory than the module does.
    #[error("snapshot exceeds the limits")]
    TooLarge,
    /// A call was dropped before it ended, so this is the state of no moment between calls.
    #[error("an earlier call was abandoned: there is no state between calls to save")]
    Abandoned,
}

impl Snapshot {
    /// The state of an instance.
    pub(crate) fn take(core: &Core) -> Result<Self, SnapshotError> {
        Ok(Self::with(core, &Self::registers(core)?))
    }

    /// Globals and tables, which are all there is besides memory.
    pub(crate) fn registers(core: &Core) -> Result<Bytes, SnapshotError> {
        let mut registers = Vec::new();
        let references = core.references();
        put_globals(&mut registers, core, &references)?;
        put_tables(&mut registers, core, &references)?;
        Ok(registers.into())
    }

    /// The memory of an instance, with these globals and tables.
    pub(crate) fn with(core: &Core, registers: &[u8]) -> Self {
        let memory = core.memory().to_vec();
        let mut rest = Vec::new();
        rest.put_slice(MAGIC);
        rest.put_slice(core.module.id().as_bytes());
        rest.put_u64_le(memory.len() as u64);
        rest.put_u32_le(crc32fast::hash(&memory));
        rest.put_slice(registers);
        rest.put_u32_le(crc32fast::hash(&rest));
        Self { memory, rest: rest.into() }
    }

    /// Gives globals and tables to an instance whose tables are no longer than these.
    pub(crate) fn give_registers(
        mut registers: &[u8],
        core: &mut Core,
    ) -> Result<(), SnapshotError> {
        let references = core.references();
        give_globals(&mut registers, core, &references)?;
        give_tables(&mut registers, core, &references)?;
        if registers.is_empty() { Ok(()) } else { Err(SnapshotError::Damaged) }
    }

    /// Puts the state into an instance that has not run.
    pub(crate) fn give(&self, core: &mut Core) -> Result<(), SnapshotError> {
        let registers = self.checked(core)?;
        core.grow_memory(self.memory.len()).map_err(|_| SnapshotError::TooLarge)?;
        let memory = core.memory_mut();
        if memory.len() != self.memory.len() {
            return Err(SnapshotError::Damaged);
        }
        memory.copy_from_slice(&self.memory);
        Self::give_registers(registers, core)
    }

    /// The globals and tables, once all checksums and the module's id are as they should be.
    fn checked(&self, core: &Core) -> Result<&[u8], SnapshotError> {
        let damaged = SnapshotError::Damaged;
        let (body, mut sum) =
            self.rest.split_last_chunk::<4>().ok_or(damaged.clone())?.into_parts();
        if sum.get_u32_le() != crc32fast::hash(body) {
            return Err(damaged);
        }
        let (magic, body) = body.split_first_chunk::<4>().ok_or(damaged.clone())?;
        let (id, body) = body.split_first_chunk::<32>().ok_or(damaged.clone())?;
        let (mut memory, body) =
            body.split_first_chunk::<12>().ok_or(damaged.clone())?.into_parts();
        if magic != MAGIC {
            return Err(damaged);
        }
        if id != core.module.id().as_bytes() {
            return Err(SnapshotError::OtherModule);
        }
        let fits = memory.get_u64_le() == self.memory.len() as u64
            && memory.get_u32_le() == crc32fast::hash(&self.memory);
        if fits { Ok(body) } else { Err(damaged) }
    }
}

/// The two halves of a split, as slices.
trait IntoParts<'a> {
    fn into_parts(self) -> (&'a [u8], &'a [u8]);
}

impl<'a> IntoParts<'a> for (&'a [u8], &'a [u8; 4]) {
    fn into_parts(self) -> (&'a [u8], &'a [u8]) {
        (self.0, self.1)
    }
}

impl<'a> IntoParts<'a> for (&'a [u8; 12], &'a [u8]) {
    fn into_parts(self) -> (&'a [u8], &'a [u8]) {
        (self.0, self.1)
    }
}

/// The functions that references can be to, both ways.
///
/// wasmi does not compare functions, but prints each of a store with a number of its own.
#[derive(Debug)]
pub(crate) struct References {
    functions: Vec<Func>,
    places: HashMap<String, u32>,
}

impl References {
    pub(crate) fn of(core: &Core) -> Self {
        let names = core.module.layout().functions.iter();
        let functions: Vec<Func> =
            names.filter_map(|name| core.instance.get_func(&core.store, name)).collect();
        let places = functions.iter().zip(1..).map(|(it, place)| (format!("{it:?}"), place));
        Self { places: places.collect(), functions }
    }

    fn place(&self, function: Nullable<Func>) -> Result<u32, SnapshotError> {
        match function {
            Nullable::Null => Ok(0),
            Nullable::Val(function) => {
                self.places.get(&format!("{function:?}")).copied().ok_or(SnapshotError::Damaged)
            }
        }
    }

    fn function(&self, place: u32) -> Result<Nullable<Func>, SnapshotError> {
        match place.checked_sub(1) {
            None => Ok(Nullable::Null),
            Some(place) => self
                .functions
                .get(place as usize)
                .map(|function| Nullable::Val(*function))
                .ok_or(SnapshotError::Damaged),
        }
    }
}

/// The globals that have state, in the order of the layout.
fn globals(core: &Core) -> Result<Vec<Global>, SnapshotError> {
    let names = core.module.layout().globals.iter();
    let globals = names.map(|name| core.instance.get_global(&core.store, name));
    globals.collect::<Option<_>>().ok_or(SnapshotError::Damaged)
}

/// The tables, in the order of the layout.
fn tables(core: &Core) -> Result<Vec<Table>, SnapshotError> {
    let names = core.module.layout().tables.iter();
    let tables = names.map(|name| core.instance.get_table(&core.store, name));
    tables.collect::<Option<_>>().ok_or(SnapshotError::Damaged)
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, SnapshotError> {
    rest.try_get_u32_le().map_err(|_| SnapshotError::Damaged)
}

/// Takes a count, which must be this one.
fn take_count(rest: &mut &[u8], count: usize) -> Result<(), SnapshotError> {
    if take_u32(rest)? as usize == count { Ok(()) } else { Err(SnapshotError::Damaged) }
}

fn put_globals(
    rest: &mut Vec<u8>,
    core: &Core,
    references: &References,
) -> Result<(), SnapshotError> {
    let globals = globals(core)?;
    rest.put_u32_le(globals.len() as u32);
    for global in globals {
        rest.put_u64_le(match global.get(&core.store) {
            Val::I32(value) => u64::from(value.cast_unsigned()),
            Val::I64(value) => value.cast_unsigned(),
            Val::F32(value) => u64::from(value.to_bits()),
            Val::F64(value) => value.to_bits(),
            Val::FuncRef(function) => u64::from(references.place(function)?),
            // Null: no host object ever enters a guest.
            Val::ExternRef(_) | Val::V128(_) => 0,
        });
    }
    Ok(())
}

fn give_globals(
    rest: &mut &[u8],
    core: &mut Core,
    references: &References,
) -> Result<(), SnapshotError> {
    let globals = globals(core)?;
    take_count(rest, globals.len())?;
    for global in globals {
        let bits = rest.try_get_u64_le().map_err(|_| SnapshotError::Damaged)?;
        let value = match global.get(&core.store) {
            Val::I32(_) => Val::I32((bits as u32).cast_signed()),
            Val::I64(_) => Val::I64(bits.cast_signed()),
            Val::F32(_) => Val::F32(wasmi::F32::from_bits(bits as u32)),
            Val::F64(_) => Val::F64(wasmi::F64::from_bits(bits)),
            Val::FuncRef(_) => Val::FuncRef(references.function(bits as u32)?),
            null @ (Val::ExternRef(_) | Val::V128(_)) => null,
        };
        global.set(&mut core.store, value).map_err(|_| SnapshotError::Damaged)?;
    }
    Ok(())
}

fn put_tables(
    rest: &mut Vec<u8>,
    core: &Core,
    references: &References,
) -> Result<(), SnapshotError> {
    let tables = tables(core)?;
    rest.put_u32_le(tables.len() as u32);
    for table in tables {
        let size = table.size(&core.store);
        rest.put_u32_le(size as u32);
        for index in 0..size {
            rest.put_u32_le(match table.get(&core.store, index) {
                Some(Ref::Func(function)) => references.place(function)?,
                _ => 0,
            });
        }
    }
    Ok(())
}

fn give_tables(
    rest: &mut &[u8],
    core: &mut Core,
    references: &References,
) -> Result<(), SnapshotError> {
    let tables = tables(core)?;
    take_count(rest, tables.len())?;
    for table in tables {
        let null = Ref::null(table.ty(&core.store).element());
        let size = u64::from(take_u32(rest)?);
        let missing = size.checked_sub(table.size(&core.store)).ok_or(SnapshotError::Damaged)?;
        table.grow(&mut core.store, missing, null).map_err(|_| SnapshotError::TooLarge)?;
        for index in 0..size {
            let place = take_u32(rest)?;
            let element = match null {
                Ref::Func(_) => Ref::Func(references.function(place)?),
                Ref::Extern(_) => null,
            };
            table.set(&mut core.store, index, element).map_err(|_| SnapshotError::Damaged)?;
        }
    }
    Ok(())
}
