//! The host's copy of the table that a script returned, so that only changes cross the border.
//!
//! The guest notes which keys of the kept tables are written to (`lua/patches/3-changes.patch`). The
//! copy is one value, written to in place, and what is known of each of its tables by the guest's
//! number: where it lies, which tables it holds, and which of its keys the value has otherwise. That
//! needs a tree in which every key is one of the value: a table that lies in two places, or that has
//! both `2` and `'2'`, is [`Shared`] and ends the keeping.
//!
//! The copy follows from what the guest keeps, and not from the way there: one that is made of a
//! restored guest goes on as the one before would have, or a restart could be told from the state.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oxbeam_protocol::limits::MAX_DEPTH;
use oxbeam_protocol::{Message, Value};

use super::LuaError;
use super::incoming::{Change, Key, Raw, Table};
use super::outgoing::Outgoing;
use super::values::{self, Children};

mod changes;
mod differences;
mod odd;
mod write;

use odd::Odd;

/// The kept table is not a tree, or not one that can be followed.
#[derive(Debug)]
pub(super) struct Shared;

/// The host's copy.
#[derive(Debug)]
pub(super) struct Kept {
    /// The table as a value.
    pub(super) value: Value,
    root: u64,
    tables: HashMap<u64, Known>,
    /// Tables that would come back from the value with other keys, such as text that is a number.
    altered: BTreeSet<u64>,
}

/// What is known of a table.
#[derive(Debug)]
struct Known {
    /// The table that holds it, and under which key. The root holds itself.
    place: (u64, Key),
    depth: usize,
    tables: BTreeMap<Key, u64>,
    odd: Odd,
    has_metatable: bool,
}

impl Known {
    const fn at(place: (u64, Key), depth: usize, has_metatable: bool) -> Self {
        Self { place, depth, tables: BTreeMap::new(), odd: Odd::none(), has_metatable }
    }

    /// Whether the script would see another table if its value crossed the border.
    fn is_altered(&self) -> bool {
        self.has_metatable || !self.odd.is_empty()
    }
}

impl Kept {
    /// The copy of a table that was written in full.
    pub(super) fn new(table: Table) -> Result<Self, Shared> {
        let root = table.id;
        let mut kept = Self {
            value: values::empty(false),
            root,
            tables: HashMap::new(),
            altered: BTreeSet::new(),
        };
        let mut moved = HashMap::new();
        kept.value = kept.plant(table, (root, Key::Number(0)), 0, false, &mut moved)?;
        Ok(kept)
    }

    /// Whether this is the number of the kept table.
    pub(super) const fn is_root(&self, id: u64) -> bool {
        self.root == id
    }

    /// Takes a new table in, with all that it holds. `moved` are known tables that may be in it.
    fn plant(
        &mut self,
        table: Table,
        place: (u64, Key),
        depth: usize,
        in_list: bool,
        moved: &mut HashMap<u64, Value>,
    ) -> Result<Value, Shared> {
        let id = table.id;
        let known = Known::at(place, depth, table.has_metatable);
        if depth >= MAX_DEPTH || self.tables.insert(id, known).is_some() {
            return Err(Shared);
        }
        let keys = odd::Keys::of(&table);
        let mut planting = Planting { kept: self, id, depth, moved, shared: false };
        let value = values::contents(table, in_list, &mut planting);
        let shared = planting.shared;
        let value = value.ok().filter(|_| !shared).ok_or(Shared)?;
        self.tables.get_mut(&id).ok_or(Shared)?.odd = keys.odd_in(&value)?;
        self.note_altered(id);
        Ok(value)
    }

    /// Notes whether a table is altered now.
    fn note_altered(&mut self, id: u64) {
        match self.tables.get(&id).is_some_and(Known::is_altered) {
            true => self.altered.insert(id),
            false => self.altered.remove(&id),
        };
    }

    /// Puts a table that is already known into another place of the same depth.
    fn transplant(
        &mut self,
        id: u64,
        place: (u64, Key),
        depth: usize,
        moved: &mut HashMap<u64, Value>,
    ) -> Result<Value, Shared> {
        let value = moved.remove(&id).ok_or(Shared)?;
        let known = self.tables.get_mut(&id).filter(|known| known.depth == depth).ok_or(Shared)?;
        known.place = place;
        Ok(value)
    }

    /// The keys that lead from the root to a table.
    fn path(&self, id: u64) -> Result<Vec<Key>, Shared> {
        let mut path = Vec::new();
        let mut id = id;
        while id != self.root {
            let known = self.tables.get(&id).ok_or(Shared)?;
            if path.len() > MAX_DEPTH {
                return Err(Shared);
            }
            path.push(known.place.1.clone());
            id = known.place.0;
        }
        path.reverse();
        Ok(path)
    }
}

/// The children of a table that is taken in.
struct Planting<'a> {
    kept: &'a mut Kept,
    id: u64,
    depth: usize,
    moved: &'a mut HashMap<u64, Value>,
    shared: bool,
}

impl Children for Planting<'_> {
    fn child(&mut self, key: Key, raw: Raw, in_list: bool) -> Result<Value, LuaError> {
        self.kept.child(self.id, key, raw, self.depth, in_list, self.moved).map_err(|Shared| {
            self.shared = true;
            LuaError::Border { reason: "a table in two places" }
        })
    }
}

impl Kept {
    /// The value of a child, whose place is noted if it is a table.
    fn child(
        &mut self,
        parent: u64,
        key: Key,
        raw: Raw,
        depth: usize,
        in_list: bool,
        moved: &mut HashMap<u64, Value>,
    ) -> Result<Value, Shared> {
        let id = match &raw {
            Raw::Table(table) => table.id,
            Raw::Known(id) => *id,
            _ => return Ok(values::scalar(raw)),
        };
        let place = (parent, key.clone());
        let value = match raw {
            Raw::Table(table) => self.plant(table, place, depth + 1, in_list, moved)?,
            _ => self.transplant(id, place, depth + 1, moved)?,
        };
        self.tables.get_mut(&parent).ok_or(Shared)?.tables.insert(key, id);
        Ok(value)
    }
}

/// The value under a key, to write to.
fn step<'a>(value: &'a mut Value, key: &Key) -> Option<&'a mut Value> {
    match value {
        Value::Map(map) => map.value_mut(&key.to_message_key()),
        Value::List(list) => list.make_mut().get_mut(key.place()?.checked_sub(1)?),
        _ => None,
    }
}

/// The value under a key.
fn look<'a>(value: &'a Value, key: &Key) -> Option<&'a Value> {
    match value {
        Value::Map(map) => map.get_exact(key.to_message_key()),
        Value::List(list) => list.get(key.place()?.checked_sub(1)?),
        _ => None,
    }
}
