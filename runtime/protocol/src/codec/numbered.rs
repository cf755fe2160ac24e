//! Lists as maps whose keys count from 1. Source: spec 01, section 8.

use super::DecodeError;
use crate::{Key, List, Message, Value};

impl List {
    /// The map `1..n` of the elements: what a list is on every wire and to every path.
    #[must_use]
    pub fn to_map(&self) -> Message {
        self.iter()
            .enumerate()
            .map(|(index, value)| (Key::number(index + 1), value.clone()))
            .collect()
    }
}

impl TryFrom<Message> for List {
    type Error = DecodeError;

    /// The values of a map whose keys are consecutive integers, from any first one.
    ///
    /// # Errors
    /// A key that is no integer, or a gap. The key `commitments` does not count.
    fn try_from(map: Message) -> Result<Self, DecodeError> {
        let mut elements = Vec::with_capacity(map.len());
        for (key, value) in map.into_iter().filter(|(key, _)| *key != "commitments") {
            let number =
                str::from_utf8(key.as_bytes()).ok().and_then(|text| text.parse::<i64>().ok());
            elements.push((number.ok_or(DecodeError::NotAList { key: key.clone() })?, key, value));
        }
        elements.sort_by_key(|(number, ..)| *number);
        let mut expected = elements.first().map_or(0, |(number, ..)| *number);
        let mut values = Vec::with_capacity(elements.len());
        for (number, key, value) in elements {
            if number != expected {
                return Err(DecodeError::NotAList { key });
            }
            expected = expected.saturating_add(1);
            values.push(value);
        }
        Ok(values.into_iter().collect())
    }
}

/// A list stays what it is, a map is read as one.
impl TryFrom<Value> for List {
    type Error = DecodeError;

    fn try_from(value: Value) -> Result<Self, DecodeError> {
        match value {
            Value::List(list) => Ok(list),
            Value::Map(map) => map.try_into(),
            _ => Err(DecodeError::NotAMessage("neither a list nor a numbered map")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_becomes_a_map_from_1_and_comes_back_in_numeric_order() {
        let list: List = (1..=12).map(Value::from).collect();
        let map = list.to_map();
        assert_eq!(map.get("12"), Some(&12.into()));
        assert_eq!(List::try_from(map), Ok(list));
    }

    #[test]
    fn the_first_number_is_free_but_gaps_and_words_are_errors() {
        let map = Message::from([("0", "a"), ("1", "b")]);
        assert_eq!(List::try_from(map), Ok(["a", "b"].into_iter().map(Value::from).collect()));
        for key in ["3", "x", "01"] {
            let map = Message::from([("1", "a"), (key, "b")]);
            assert!(matches!(List::try_from(map), Err(DecodeError::NotAList { .. })), "{key}");
        }
    }
}
