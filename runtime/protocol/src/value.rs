//! What a message can hold. Source: spec 01, section 2.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use num_bigint::BigInt;

use crate::{Id, InvalidId, Message};

/// One value of a message.
///
/// | Variant    | Type name | Written as                                             |
/// |------------|-----------|--------------------------------------------------------|
/// | `Bytes`    | none      | the bytes                                              |
/// | `Integer`  | `integer` | decimal digits                                         |
/// | `Float`    | `float`   | C's `%.20e`                                            |
/// | `Atom`     | `atom`    | its name; booleans and null are the atoms of that name |
/// | `List`     | `list`    | the map of its elements, numbered from 1               |
/// | `Map`      | none      | nested, or the id of the map under `key+link`          |
/// | `Link`     | none      | the id under `key+link`                                |
#[derive(Clone, PartialEq)]
pub enum Value {
    /// A byte string, often text.
    Bytes(Bytes),
    /// An integer of any size.
    Integer(BigInt),
    /// A double. Never infinite or NaN when it was read from a wire.
    Float(f64),
    /// A symbol.
    Atom(Atom),
    /// Ordered values.
    List(List),
    /// A nested message.
    Map(Message),
    /// The id of a message that is kept elsewhere.
    Link(Link),
}

/// A symbol: `true`, `false`, `null`, `ok`, `not_found` …
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom(Bytes);

impl Atom {
    /// The atom `true`.
    pub const TRUE: Self = Self::from_static("true");
    /// The atom `false`.
    pub const FALSE: Self = Self::from_static("false");
    /// The atom `null`.
    pub const NULL: Self = Self::from_static("null");

    /// An atom that is known when the program is written.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        Self(Bytes::from_static(name.as_bytes()))
    }

    /// The atom of this name.
    #[must_use]
    pub fn new(name: impl Into<Bytes>) -> Self {
        Self(name.into())
    }

    /// The atom's name.
    #[must_use]
    pub const fn name(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", String::from_utf8_lossy(&self.0))
    }
}

/// An ordered list of values: shared when cloned, copied when a shared one is written to.
#[derive(Clone, PartialEq, Default)]
pub struct List(pub(crate) Arc<Vec<Value>>);

impl List {
    /// The elements, to write to.
    pub fn make_mut(&mut self) -> &mut Vec<Value> {
        Arc::make_mut(&mut self.0)
    }

    /// Whether both share their elements, so that they are equal without a look at them.
    #[must_use]
    pub fn shares_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::ops::Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.0
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self(Arc::new(values.into_iter().collect()))
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// A reference to a message by its id, in the text in which it was written.
///
/// The text is kept as it came, because it is signed; one that is no id fails when it is loaded.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Link(Bytes);

impl Link {
    /// A link of this text.
    #[must_use]
    pub fn new(text: impl Into<Bytes>) -> Self {
        Self(text.into())
    }

    /// The text of the link.
    #[must_use]
    pub const fn text(&self) -> &Bytes {
        &self.0
    }

    /// The id that the link names.
    ///
    /// # Errors
    /// The text is not an id.
    pub fn id(&self) -> Result<Id, InvalidId> {
        Id::from_native_or_text(&self.0)
    }
}

impl From<Id> for Link {
    fn from(id: Id) -> Self {
        Self(id.to_string().into())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "link({})", String::from_utf8_lossy(&self.0))
    }
}

impl Value {
    /// Text or bytes, without copying.
    #[must_use]
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// Text or bytes that are known when the program is written.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self::Bytes(Bytes::from_static(text.as_bytes()))
    }

    /// The byte string, if it is one.
    #[must_use]
    pub const fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The nested message, if it is one.
    #[must_use]
    pub const fn as_map(&self) -> Option<&Message> {
        match self {
            Self::Map(message) => Some(message),
            _ => None,
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub const fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The text that the value stands for where only its name matters: bytes or an atom's name.
    #[must_use]
    pub const fn as_name(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Atom(atom) => Some(atom.name()),
            _ => None,
        }
    }

    /// Whether the value is `name` as text or as an atom.
    #[must_use]
    pub fn is_name(&self, name: &str) -> bool {
        self.as_name().is_some_and(|bytes| bytes == name)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => fmt::Debug::fmt(bytes, f),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Float(float) => write!(f, "{float:?}"),
            Self::Atom(atom) => fmt::Debug::fmt(atom, f),
            Self::List(list) => fmt::Debug::fmt(list, f),
            Self::Map(message) => fmt::Debug::fmt(message, f),
            Self::Link(link) => fmt::Debug::fmt(link, f),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Self {
        Self::Integer(integer.into())
    }
}

impl From<BigInt> for Value {
    fn from(integer: BigInt) -> Self {
        Self::Integer(integer)
    }
}

impl From<f64> for Value {
    fn from(float: f64) -> Self {
        Self::Float(float)
    }
}

impl From<bool> for Value {
    fn from(boolean: bool) -> Self {
        Self::Atom(if boolean { Atom::TRUE } else { Atom::FALSE })
    }
}

impl From<Atom> for Value {
    fn from(atom: Atom) -> Self {
        Self::Atom(atom)
    }
}

impl From<List> for Value {
    fn from(list: List) -> Self {
        Self::List(list)
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Self {
        Self::Map(message)
    }
}

impl From<Link> for Value {
    fn from(link: Link) -> Self {
        Self::Link(link)
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self::List(values.into_iter().collect())
    }
}
