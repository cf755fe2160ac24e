//! The configuration as a message.

use num_bigint::BigInt;
use oxbeam_protocol::{Atom, Key, Message, Value};

use super::error::ConfigurationError;
use super::names;
use super::option::{Change, NodeOption};
use super::options::{OPTIONS, option};
use crate::settings::Settings;

/// The configuration as a message, which `~meta@1.0/info` shows and changes, and the settings that
/// were read from it.
#[derive(Debug, Clone)]
pub struct NodeMessage {
    /// All options by their names on the wire, unknown ones too. Secret ones are in its private part.
    pub message: Message,
    /// Those that the kernel works by.
    pub settings: Settings,
}

impl Default for NodeMessage {
    /// Every option at its default.
    fn default() -> Self {
        let defaults = OPTIONS.iter().filter(|option| !option.is_secret());
        let entries = defaults.filter_map(|option| Some((option.name, option.default_value()?)));
        let message =
            entries.fold(Message::new(), |message, (name, value)| message.with(name, value));
        Self { settings: Settings::read(&message), message }
    }
}

impl NodeMessage {
    /// Defaults, with these options in their place. Values are read by their option's type; keys
    /// that name no option are kept as they are.
    ///
    /// # Errors
    /// [`ConfigurationError::WrongValue`].
    pub fn from_message(given: &Message) -> Result<Self, ConfigurationError> {
        let mut message = Self::default().message;
        for (key, value) in given.iter() {
            set(&mut message, key, value)?;
        }
        Ok(Self { settings: Settings::read(&message), message })
    }

    /// The configuration that the `start` hook makes of this one: its keys, and no others but private
    /// ones.
    ///
    /// # Errors
    /// As [`NodeMessage::changed`].
    pub(crate) fn replaced(&self, message: &Message) -> Result<Self, ConfigurationError> {
        let mut kept = self.clone();
        // What only a restart changes stays, so that its lack is no change.
        kept.message.retain(|key, _| {
            let fixed = option(&key.to_text()).is_some_and(|one| one.change == Change::Restart);
            fixed || message.contains(key)
        });
        kept.changed(message)
    }

    /// The configuration after `POST /~meta@1.0/info` with these keys: they take the place of what
    /// was there. `-` and `_` are the same in names of options; other keys are kept as they are
    /// written. Private keys are left out. Source: spec 21, section 2.3.
    ///
    /// # Errors
    /// [`ConfigurationError::WrongValue`], and [`ConfigurationError::Fixed`] for what only a restart
    /// changes. Nothing is changed then.
    pub fn changed(&self, changes: &Message) -> Result<Self, ConfigurationError> {
        let mut message = self.message.clone();
        for (key, value) in changes.iter() {
            set(&mut message, key, value)?;
        }
        let fixed = OPTIONS.iter().filter(|option| option.change == Change::Restart);
        for option in fixed {
            if message.get(option.name) != self.message.get(option.name) {
                return Err(ConfigurationError::Fixed { name: option.name });
            }
        }
        Ok(Self { settings: Settings::read(&message), message })
    }
}

/// Sets an option to a value of its type. A key that is none is set to the value as it is, or, if an
/// option of the reference node lies under it, to a value of that one's type.
fn set(message: &mut Message, key: &Key, value: &Value) -> Result<(), ConfigurationError> {
    let name = names::canonical(&key.to_text());
    if let Some(option) = option(&name) {
        return set_option(message, option, value, None);
    }
    match message.get_exact(&name) {
        Some(now) => {
            let typed = typed_as(now, value).ok_or_else(|| ConfigurationError::retyped(&name))?;
            message.insert(name, typed);
        }
        None => drop(message.insert(key.clone(), value.clone())),
    }
    Ok(())
}

/// A text as a value of the type that another value has; `None` if it is no such text.
fn typed_as(now: &Value, value: &Value) -> Option<Value> {
    let Value::Bytes(text) = value else { return Some(value.clone()) };
    let read = || std::str::from_utf8(text).ok();
    match now {
        Value::Integer(_) => read()?.parse::<BigInt>().ok().map(Value::from),
        Value::Float(_) => {
            read()?.parse().ok().filter(|float: &f64| float.is_finite()).map(Value::from)
        }
        Value::Atom(_) => Some(Atom::new(text.clone()).into()),
        _ => Some(value.clone()),
    }
}

pub(super) fn set_option(
    message: &mut Message,
    option: &NodeOption,
    value: &Value,
    origin: Option<&str>,
) -> Result<(), ConfigurationError> {
    let typed = option.kind.read(value);
    let typed = typed.ok_or_else(|| ConfigurationError::wrong(option, value, origin))?;
    if option.is_secret() {
        message.set_private(option.name, typed);
    } else {
        message.insert(option.name, typed);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_typed_by_its_option() {
        let changes = Message::from([("max-depth", "7"), ("Generate_Index", "false")]);
        let changed = NodeMessage::default().changed(&changes).unwrap();
        assert_eq!(changed.settings.max_depth, 7);
        assert_eq!(changed.message.get("max_depth"), Some(&7.into()));
        assert_eq!(changed.message.get("generate_index"), Some(&false.into()));
        assert!(!changed.message.contains("max-depth"));
    }

    #[test]
    fn a_key_that_is_no_option_keeps_its_spelling() {
        let changes = Message::from([("good-item", "yes")]);
        let changed = NodeMessage::default().changed(&changes).unwrap();
        assert_eq!(changed.message.get("good-item"), Some(&"yes".into()));
    }

    #[test]
    fn an_option_of_the_reference_node_keeps_its_type() {
        let given = Message::new().with("simple_pay_price", 1);
        let node = NodeMessage::from_message(&given).unwrap();
        let changed = node.changed(&Message::from([("simple-pay-price", "7")])).unwrap();
        assert_eq!(changed.message.get("simple_pay_price"), Some(&7.into()));
        let error = node.changed(&Message::from([("simple_pay_price", "x")])).unwrap_err();
        assert_eq!(error.to_string(), "simple_pay_price must be of the type that it has now");
    }

    #[test]
    fn a_wrong_value_changes_nothing_and_says_what_is_expected() {
        let node = NodeMessage::default();
        let error = node.changed(&Message::from([("max_depth", "deep")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "option max_depth is \"deep\", expected an integer from 1 to 1024"
        );
    }

    #[test]
    fn what_takes_a_restart_is_not_changed_by_a_request() {
        let node = NodeMessage::default();
        let error = node.changed(&Message::from([("port", "1")])).unwrap_err();
        assert!(matches!(error, ConfigurationError::Fixed { name: "port" }));
        node.changed(&Message::from([("port", "8734")])).expect("it is no change");
    }

    #[test]
    fn nothing_private_can_be_set_by_a_request() {
        let changes = Message::from([("priv_key_location", "/etc/passwd"), ("priv_wallet", "x")]);
        let changed = NodeMessage::default().changed(&changes).unwrap();
        assert_eq!(changed.message, NodeMessage::default().message);
        assert_eq!(changed.message.private("priv_key_location"), None);
    }

    #[test]
    fn secrets_are_not_among_what_is_shown() {
        for option in OPTIONS.iter().filter(|option| option.is_secret()) {
            let mut message = NodeMessage::default().message;
            set_option(&mut message, option, &"SECRET".into(), None).unwrap();
            assert!(!format!("{:?}", message.iter().collect::<Vec<_>>()).contains("SECRET"));
            assert!(message.private(option.name).is_some());
        }
    }
}
