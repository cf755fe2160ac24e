//! What can be wrong with a configuration, in sentences for whoever wrote it.

use std::path::PathBuf;

use oxbeam_protocol::Value;

use super::names;
use super::option::NodeOption;

/// Letters of a wrong value that are repeated.
const SHOWN: usize = 64;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// There is no such option.
    #[error("unknown option {name} in {origin}{}", hint(.suggestion))]
    Unknown {
        /// As it was written.
        name: String,
        /// The file, the environment or the command line.
        origin: String,
        /// What may have been meant.
        suggestion: Option<&'static str>,
    },
    /// The value is not of the option's type.
    #[error("option {name}{} is {value}, expected {expected}", in_origin(.origin))]
    WrongValue {
        /// Which option.
        name: &'static str,
        /// Where the value comes from; `None` at run time.
        origin: Option<String>,
        /// The value, shortened; not there if it is secret.
        value: String,
        /// What would be right.
        expected: String,
    },
    /// What is no option of this node has a value of another type.
    #[error("{name} must be of the type that it has now")]
    Retyped {
        /// Which key.
        name: String,
    },
    /// A key of one's own has the name of an option.
    #[error("custom.{name} has the name of an option: set the option itself")]
    Taken {
        /// The name.
        name: &'static str,
    },
    /// The option takes effect with a start alone.
    #[error(
        "option {name} cannot be changed while the node runs: change it in its configuration file, then restart it"
    )]
    Fixed {
        /// Which option.
        name: &'static str,
    },
    /// The file has another ending than those of known forms.
    #[error("{} is no configuration file: expected .toml, .json or .flat", file.display())]
    UnknownForm {
        /// Its path.
        file: PathBuf,
    },
    /// A source cannot be read.
    #[error("failed to read the configuration from {origin}: {reason}")]
    Unreadable {
        /// The file or the environment.
        origin: String,
        /// What is wrong.
        reason: String,
    },
}

impl ConfigurationError {
    pub(super) fn unknown(name: &str, origin: &str) -> Self {
        let suggestion = names::suggestion(&names::canonical(name));
        let name = name.chars().take(SHOWN).collect();
        Self::Unknown { name, origin: origin.to_owned(), suggestion }
    }

    pub(super) fn retyped(name: &str) -> Self {
        Self::Retyped { name: name.chars().take(SHOWN).collect() }
    }

    pub(super) fn wrong(option: &NodeOption, value: &Value, origin: Option<&str>) -> Self {
        let value = if option.is_secret() { "not usable".to_owned() } else { shown(value) };
        let expected = option.kind.expected();
        Self::WrongValue { name: option.name, origin: origin.map(str::to_owned), value, expected }
    }
}

fn hint(suggestion: &Option<&'static str>) -> String {
    match suggestion {
        Some(name) => format!(": did you mean {name}?"),
        None => ": keys of your own belong into the table `custom`".to_owned(),
    }
}

fn in_origin(origin: &Option<String>) -> String {
    origin.as_ref().map(|origin| format!(" in {origin}")).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Bytes(text) => {
            let text: String = String::from_utf8_lossy(text).chars().take(SHOWN).collect();
            format!("{text:?}")
        }
        Value::Integer(number) => number.to_string().chars().take(SHOWN).collect(),
        Value::Float(number) => number.to_string(),
        Value::Atom(atom) => String::from_utf8_lossy(atom.name()).chars().take(SHOWN).collect(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) | Value::Link(_) => "a table".to_owned(),
    }
}
