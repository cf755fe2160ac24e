//! What goes into the guest. The form is described in `lua/border.h`.

use bytes::{BufMut, Bytes};
use num_bigint::BigInt;
use oxbeam_protocol::{Atom, Message, Value};

use super::incoming::Key;

/// The key of a nested map that scripts seldom look into, and of which every signed message has one.
const SELDOM_READ: &str = "commitments";

/// Bytes for the guest.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    bytes: Vec<u8>,
    /// How many values with an identity were written: tables, and integers that are objects.
    objects: usize,
    /// What is written lies in a packed table, which holds no other.
    packs: bool,
}

impl Outgoing {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// What another has written.
    pub(super) fn append(&mut self, written: &[u8]) {
        self.bytes.put_slice(written);
    }

    pub(super) fn count(&mut self, count: usize) {
        // More than fits would not fit into the guest's memory either.
        self.bytes.put_u32_le(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(super) fn flags(&mut self, flags: u32) {
        self.bytes.put_u32_le(flags);
    }

    pub(super) fn float(&mut self, float: f64) {
        self.bytes.put_f64_le(float);
    }

    pub(super) fn integer(&mut self, integer: i64) {
        self.bytes.put_i64_le(integer);
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        self.count(text.len());
        self.bytes.put_slice(text);
    }

    pub(super) fn tag(&mut self, tag: u8) {
        self.bytes.put_u8(tag);
    }

    /// A value as scripts see it. Source: spec 14, section 4.
    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Bytes(bytes) => self.string(bytes),
            Value::Integer(integer) => self.whole(integer),
            Value::Float(float) => {
                self.tag(b'd');
                self.float(*float);
            }
            Value::Atom(atom) if *atom == Atom::TRUE => self.tag(b'T'),
            Value::Atom(atom) if *atom == Atom::FALSE => self.tag(b'F'),
            Value::Atom(atom) => self.string(atom.name()),
            Value::Link(link) => self.string(link.text()),
            Value::List(list) => self.list(list.iter(), list.len()),
            Value::Map(map) => self.map(map),
        }
    }

    /// A map whose keys are exactly 1 to n is an array.
    fn map(&mut self, map: &Message) {
        let elements = (1..=map.len()).map_while(|number| map.get_exact(number.to_string()));
        let elements: Vec<&Value> = elements.collect();
        if elements.len() == map.len() {
            return self.list(elements.into_iter(), map.len());
        }
        self.objects += 1;
        self.tag(b'm');
        self.count(map.len());
        for (key, value) in map.iter() {
            self.string(key.as_bytes());
            match value {
                Value::Map(nested) if *key == SELDOM_READ && !self.packs => self.packed(nested),
                value => self.value(value),
            }
        }
    }

    fn list<'a>(&mut self, elements: impl Iterator<Item = &'a Value>, count: usize) {
        self.objects += 1;
        self.tag(b'l');
        self.count(count);
        elements.for_each(|element| self.value(element));
    }

    /// A map that the guest unpacks when somebody looks into it.
    fn packed(&mut self, map: &Message) {
        let mut packed = Self { packs: true, ..Self::default() };
        packed.map(map);
        // The table itself has a number as soon as it is there.
        let inside = packed.objects - 1;
        self.tag(b'z');
        self.count(inside);
        self.text(&packed.bytes);
    }

    fn string(&mut self, bytes: &[u8]) {
        self.tag(b's');
        self.text(bytes);
    }

    fn whole(&mut self, integer: &BigInt) {
        if let Ok(small) = i64::try_from(integer) {
            self.tag(b'i');
            self.integer(small);
        } else {
            self.objects += 1;
            self.tag(b'b');
            self.text(integer.to_string().as_bytes());
        }
    }

    /// A key as the guest has it.
    pub(super) fn key(&mut self, key: &Key) {
        match key {
            Key::Number(number) => {
                self.tag(b'i');
                self.integer(*number);
            }
            Key::Boolean(true) => self.tag(b'T'),
            Key::Boolean(false) => self.tag(b'F'),
            Key::Text(text) => self.string(text),
        }
    }

    /// A change of the kept table: where, and the value or nothing.
    pub(super) fn change(&mut self, path: &[Key], value: Option<&Value>) {
        self.count(path.len());
        path.iter().for_each(|key| self.key(key));
        match value {
            Some(value) => self.value(value),
            None => self.tag(b'n'),
        }
    }

    /// An error that the script can catch.
    pub(super) fn error(&mut self, text: &Bytes) {
        self.tag(b'x');
        self.string(text);
    }
}
