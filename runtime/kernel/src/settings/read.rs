//! Reads options from a node message, whose values have been read by their types.

use std::time::Duration;

use oxbeam_protocol::{Message, Value};

use crate::configuration::option;

/// What stands for never: long enough, and no overflow when it is added to a moment.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// The options of a message; those that it lacks are at their defaults.
pub(super) struct Reader<'a>(pub(super) &'a Message);

impl Reader<'_> {
    fn value(&self, name: &str) -> Option<Value> {
        let given = self.0.get(name).or_else(|| self.0.private(name));
        given.cloned().or_else(|| option(name)?.default_value())
    }

    /// An integer; the largest one if the option is `false`.
    pub(super) fn number(&self, name: &str) -> u64 {
        match self.value(name) {
            Some(Value::Integer(number)) => u64::try_from(&number).unwrap_or(u64::MAX),
            _ => u64::MAX,
        }
    }

    pub(super) fn small(&self, name: &str) -> u32 {
        u32::try_from(self.number(name)).unwrap_or(u32::MAX)
    }

    pub(super) fn size(&self, name: &str) -> usize {
        usize::try_from(self.number(name)).unwrap_or(usize::MAX)
    }

    pub(super) fn millis(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name)).min(NEVER)
    }

    pub(super) fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name)).min(NEVER)
    }

    pub(super) fn is(&self, name: &str, word: &str) -> bool {
        self.value(name).is_some_and(|value| value.is_name(word))
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        value.as_name().map(|text| String::from_utf8_lossy(text).into_owned())
    }
}
