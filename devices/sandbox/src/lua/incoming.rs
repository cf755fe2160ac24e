//! What comes out of the guest. The form is described in `lua/border.h`.

use bytes::{Buf, Bytes};
use num_bigint::BigInt;
use oxbeam_protocol::limits::MAX_DEPTH;

use super::LuaError;
use crate::GUEST_VALUES;

/// A value as the guest wrote it.
#[derive(Debug, Clone)]
pub(super) enum Raw {
    Nil,
    Boolean(bool),
    Number(i64),
    Float(f64),
    Text(Bytes),
    Big(BigInt),
    Table(Table),
    /// A table that the host knows by this number.
    Known(u64),
}

/// A table as the guest wrote it, in the order of its keys.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Its number, which no other table of the guest ever has.
    pub(super) id: u64,
    /// It has a metatable, which does not cross the border.
    pub(super) has_metatable: bool,
    /// Values from 1 on.
    pub(super) array: Vec<Raw>,
    /// The others.
    pub(super) rest: Vec<(Key, Raw)>,
}

/// A key of a table, in the order of traversal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    Number(i64),
    Boolean(bool),
    Text(Bytes),
}

/// What changed in a table that the host knows; `Nil` is a key that is gone.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) id: u64,
    pub(super) has_metatable: bool,
    pub(super) entries: Vec<(Key, Raw)>,
}

/// One thing that a call gave.
#[derive(Debug)]
pub(super) enum Item {
    Value(Raw),
    Change(Change),
}

impl Key {
    /// The key as a message has it.
    pub(super) fn to_message_key(&self) -> oxbeam_protocol::Key {
        match self {
            Self::Number(number) => Bytes::from(number.to_string()).into(),
            Self::Boolean(true) => oxbeam_protocol::Key::from_static("true"),
            Self::Boolean(false) => oxbeam_protocol::Key::from_static("false"),
            Self::Text(text) => text.clone().into(),
        }
    }

    /// The place in a list that the key stands for, as a number or in decimal digits.
    pub(super) fn place(&self) -> Option<usize> {
        match self {
            Self::Number(number) => usize::try_from(*number).ok().filter(|place| *place > 0),
            Self::Boolean(_) => None,
            Self::Text(text) => place(text),
        }
    }
}

/// The place in a list that a text stands for: decimal digits without a leading zero.
pub(super) fn place(text: &[u8]) -> Option<usize> {
    let is_number = matches!(text, [b'1'..=b'9', ..]) && text.len() < 16;
    is_number.then(|| std::str::from_utf8(text).ok()?.parse().ok()).flatten()
}

/// Reads what the guest wrote.
pub(super) struct Incoming<'a> {
    bytes: &'a [u8],
    /// How many values have been read.
    values: usize,
    limit: usize,
}

const CUT: LuaError = LuaError::Border { reason: "a value is cut off" };

impl<'a> Incoming<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, values: 0, limit: GUEST_VALUES }
    }

    /// Reads a table that came into being call by call, so that no bound of one call holds for it.
    pub(super) const fn kept(bytes: &'a [u8]) -> Self {
        Self { bytes, values: 0, limit: usize::MAX }
    }

    /// How many values have been read, those in tables and their keys included.
    pub(super) const fn values(&self) -> usize {
        self.values
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The next tag, left where it is.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.first().copied()
    }

    pub(super) fn tag(&mut self) -> Result<u8, LuaError> {
        self.bytes.try_get_u8().map_err(|_| CUT)
    }

    pub(super) fn count(&mut self) -> Result<u32, LuaError> {
        self.bytes.try_get_u32_le().map_err(|_| CUT)
    }

    fn text(&mut self) -> Result<Bytes, LuaError> {
        let length = self.count()? as usize;
        let (text, rest) = self.bytes.split_at_checked(length).ok_or(CUT)?;
        self.bytes = rest;
        // A copy: a slice would keep everything that the call gave in memory.
        Ok(Bytes::copy_from_slice(text))
    }

    fn id(&mut self) -> Result<u64, LuaError> {
        self.bytes.try_get_u64_le().map_err(|_| CUT)
    }

    /// Everything there is.
    pub(super) fn items(&mut self) -> Result<Vec<Item>, LuaError> {
        let mut items = Vec::new();
        while let Some(tag) = self.peek() {
            items.push(match tag {
                b'c' | b'C' => Item::Change(self.change()?),
                _ => Item::Value(self.value()?),
            });
        }
        Ok(items)
    }

    /// The next value.
    pub(super) fn value(&mut self) -> Result<Raw, LuaError> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Result<Raw, LuaError> {
        // One level more than the guest writes, so that it is the guest that says where.
        if depth > MAX_DEPTH + 1 {
            return Err(LuaError::Border { reason: "values nested too deep" });
        }
        self.values += 1;
        if self.values > self.limit {
            return Err(LuaError::TooManyValues { limit: self.limit });
        }
        Ok(match self.tag()? {
            b'n' => Raw::Nil,
            b'T' => Raw::Boolean(true),
            b'F' => Raw::Boolean(false),
            b'i' => Raw::Number(self.bytes.try_get_i64_le().map_err(|_| CUT)?),
            b'd' => Raw::Float(self.bytes.try_get_f64_le().map_err(|_| CUT)?),
            b's' => Raw::Text(self.text()?),
            b'b' => Raw::Big(self.big()?),
            b'r' => Raw::Known(self.id()?),
            tag @ (b't' | b'u') => Raw::Table(self.table(tag == b'u', depth)?),
            _ => return Err(LuaError::Border { reason: "an unknown tag" }),
        })
    }

    fn big(&mut self) -> Result<BigInt, LuaError> {
        let digits = self.text()?;
        BigInt::parse_bytes(&digits, 10)
            .ok_or(LuaError::Border { reason: "an integer that is none" })
    }

    fn table(&mut self, has_metatable: bool, depth: usize) -> Result<Table, LuaError> {
        let id = self.id()?;
        let mut array = Vec::new();
        while !matches!(self.peek(), Some(b'p' | b'e')) {
            array.push(self.nested(depth + 1)?);
        }
        let rest = if self.tag()? == b'p' { self.entries(depth)? } else { Vec::new() };
        Ok(Table { id, has_metatable, array, rest })
    }

    fn change(&mut self) -> Result<Change, LuaError> {
        let has_metatable = self.tag()? == b'C';
        Ok(Change { id: self.id()?, has_metatable, entries: self.entries(0)? })
    }

    /// Pairs up to the end of their table.
    fn entries(&mut self, depth: usize) -> Result<Vec<(Key, Raw)>, LuaError> {
        let mut entries = Vec::new();
        while self.peek() != Some(b'e') {
            let key = match self.nested(depth)? {
                Raw::Number(number) => Key::Number(number),
                Raw::Boolean(boolean) => Key::Boolean(boolean),
                Raw::Text(text) => Key::Text(text),
                _ => return Err(LuaError::Border { reason: "a key that is none" }),
            };
            entries.push((key, self.nested(depth + 1)?));
        }
        self.tag()?;
        Ok(entries)
    }
}
