//! What an option's value can be.

use std::net::IpAddr;

use oxbeam_protocol::{Atom, Message, Value};

/// The words of a switch.
const SWITCH: &[&str] = &["true", "false"];

/// The type of an option. Values come as text from most sources, and are read by their type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An integer of this range, bounds included.
    Integer(u64, u64),
    /// As `Integer`, or `false`.
    IntegerOrFalse(u64, u64),
    /// Any text.
    Text,
    /// An IP address.
    Ip,
    /// A list; as text, its elements with commas between them.
    List,
    /// A nested message.
    Table,
}

impl Kind {
    /// The value that an option of this type has when it is given `value`; `None` if it has none.
    pub(super) fn read(self, value: &Value) -> Option<Value> {
        match self {
            Self::Switch => word(SWITCH, value),
            Self::Word(words) => word(words, value),
            Self::Integer(min, max) => integer(min, max, value),
            Self::IntegerOrFalse(min, max) => {
                word(&["false"], value).or_else(|| integer(min, max, value))
            }
            Self::Text => text(value).map(Value::from),
            Self::Ip => text(value).filter(|text| text.parse::<IpAddr>().is_ok()).map(Value::from),
            Self::List => list(value),
            Self::Table => table(value),
        }
    }

    /// What is expected, as the end of a sentence.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::Switch => "true or false".into(),
            Self::Word(words) => match words.split_last() {
                Some((last, others)) if !others.is_empty() => {
                    format!("{} or {last}", others.join(", "))
                }
                _ => words.concat(),
            },
            Self::Integer(min, u64::MAX) => format!("an integer from {min}"),
            Self::Integer(min, max) => format!("an integer from {min} to {max}"),
            Self::IntegerOrFalse(min, u64::MAX) => format!("an integer from {min}, or false"),
            Self::IntegerOrFalse(min, max) => format!("an integer from {min} to {max}, or false"),
            Self::Text => "a text".into(),
            Self::Ip => "an IP address".into(),
            Self::List => "a list".into(),
            Self::Table => "a table".into(),
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    let text = std::str::from_utf8(value.as_name()?).ok()?.trim();
    Some(text).filter(|text| !text.is_empty() && !text.contains(char::is_control))
}

fn word(words: &[&str], value: &Value) -> Option<Value> {
    let text = text(value)?.replace('_', "-");
    let found = words.iter().find(|word| word.replace('_', "-") == text)?;
    Some(Atom::new(found.as_bytes().to_vec()).into())
}

fn integer(min: u64, max: u64, value: &Value) -> Option<Value> {
    let number = match value {
        Value::Integer(number) => u64::try_from(number).ok()?,
        value => text(value)?.parse().ok()?,
    };
    (min..=max).contains(&number).then(|| Value::Integer(number.into()))
}

fn list(value: &Value) -> Option<Value> {
    match value {
        Value::List(_) | Value::Link(_) => Some(value.clone()),
        // A list that was written without its type.
        Value::Map(map) => {
            (1..=map.len()).map(|number| map.get(number.to_string()).cloned()).collect()
        }
        Value::Bytes(text) if text.is_empty() => Some(Value::from_iter([])),
        value => Some(text(value)?.split(',').map(|element| element.trim().into()).collect()),
    }
}

fn table(value: &Value) -> Option<Value> {
    match value {
        Value::Map(_) | Value::Link(_) => Some(value.clone()),
        Value::List(list) if list.is_empty() => Some(Message::new().into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_what_the_option_is() {
        let read = |kind: Kind, text: &str| kind.read(&text.into());
        assert_eq!(read(Kind::Switch, "true"), Some(true.into()));
        assert_eq!(read(Kind::Integer(0, 9), " 9 "), Some(9.into()));
        assert_eq!(read(Kind::IntegerOrFalse(1, 9), "false"), Some(false.into()));
        assert_eq!(
            read(Kind::Word(&["on-request"]), "on_request"),
            Some(Atom::from_static("on-request").into())
        );
        assert_eq!(
            read(Kind::List, "a, b"),
            Some(["a", "b"].into_iter().map(Value::from).collect())
        );
    }

    #[test]
    fn what_does_not_fit_is_nothing() {
        for (kind, text) in [
            (Kind::Switch, "yes"),
            (Kind::Integer(0, 9), "10"),
            (Kind::Integer(0, 9), "-1"),
            (Kind::Integer(0, 9), "1.0"),
            (Kind::IntegerOrFalse(1, 9), "true"),
            (Kind::Word(&["a", "b"]), "c"),
            (Kind::Text, "a\r\nb"),
            (Kind::Ip, "localhost"),
            (Kind::Table, "a"),
        ] {
            assert_eq!(kind.read(&text.into()), None, "{kind:?} {text}");
        }
    }

    #[test]
    fn an_expectation_reads_as_a_sentence_ends() {
        assert_eq!(Kind::Word(&["a", "b", "c"]).expected(), "a, b or c");
        assert_eq!(Kind::Integer(1, 9).expected(), "an integer from 1 to 9");
    }
}
