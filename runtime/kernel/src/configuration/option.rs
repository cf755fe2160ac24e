//! One row of the table of options.

use oxbeam_protocol::{Atom, Message, Value};

use super::kind::Kind;

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// With the next request: `POST /~meta@1.0/info` changes it.
    Running,
    /// With the next start.
    Restart,
}

/// The value of an option that nobody gave one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// It has none.
    Unset,
    /// A word, `true` and `false` among them.
    Word(&'static str),
    /// A number.
    Integer(u64),
    /// A text.
    Text(&'static str),
    /// A list of texts.
    List(&'static [&'static str]),
    /// A table without entries.
    Table,
}

/// An option of the node.
#[derive(Debug, Clone, Copy)]
pub struct NodeOption {
    /// Its name on the wire and in files: snake_case. In environment variables it is in capitals
    /// behind `OXBEAM_`.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its default.
    pub preset: Preset,
    /// The unit of its number; empty if it has none.
    pub unit: &'static str,
    /// When a change takes effect.
    pub change: Change,
    /// What it does, in a line.
    pub doc: &'static str,
}

impl NodeOption {
    pub(super) const fn new(name: &'static str, kind: Kind, preset: Preset) -> Self {
        Self { name, kind, preset, unit: "", change: Change::Running, doc: "" }
    }

    pub(super) const fn unit(self, unit: &'static str) -> Self {
        Self { unit, ..self }
    }

    pub(super) const fn at_start(self) -> Self {
        Self { change: Change::Restart, ..self }
    }

    pub(super) const fn doc(self, doc: &'static str) -> Self {
        Self { doc, ..self }
    }

    /// Whether its value never leaves the node: the rule of all private keys, and no field of its
    /// own that somebody could forget.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.name.starts_with("priv")
    }

    /// Its default as a value.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        Some(match self.preset {
            Preset::Unset => return None,
            Preset::Word(word) => Atom::from_static(word).into(),
            Preset::Integer(number) => Value::Integer(number.into()),
            Preset::Text(text) => Value::from_static(text),
            Preset::List(texts) => texts.iter().map(|text| Value::from_static(text)).collect(),
            Preset::Table => Message::new().into(),
        })
    }
}
