//! Values of configuration files as values of messages.

use config::{Value, ValueKind};
use num_bigint::BigInt;
use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::limits::MAX_DEPTH;
use oxbeam_protocol::{Atom, Message, NoContent, Value as Rich};

use crate::configuration::error::ConfigurationError;

/// The value of an option; `ao-types` in tables say what their texts are. `None` for null.
pub(super) fn read(name: &str, value: Value) -> Result<Option<Rich>, ConfigurationError> {
    let origin = value.origin().unwrap_or("its source").to_owned();
    let unreadable = |reason: String| ConfigurationError::Unreadable {
        origin: origin.clone(),
        reason: format!("option {name}: {reason}"),
    };
    let rich = rich(value, 1).map_err(|reason| unreadable(reason.into()))?;
    match rich {
        Some(Rich::Map(table)) => {
            let written = (Structured { links: Links::Embed(&NoContent) }).encode(&table.into());
            let written = written.map_err(|error| unreadable(error.to_string()))?;
            Structured::decode(&written).map(Some).map_err(|error| unreadable(error.to_string()))
        }
        rich => Ok(rich),
    }
}

fn rich(value: Value, depth: usize) -> Result<Option<Rich>, &'static str> {
    if depth > MAX_DEPTH {
        return Err("it is nested too deep");
    }
    Ok(Some(match value.kind {
        ValueKind::Nil => return Ok(None),
        ValueKind::Boolean(true) => Atom::TRUE.into(),
        ValueKind::Boolean(false) => Atom::FALSE.into(),
        ValueKind::I64(number) => Rich::Integer(number.into()),
        ValueKind::U64(number) => Rich::Integer(number.into()),
        ValueKind::I128(number) => Rich::Integer(BigInt::from(number)),
        ValueKind::U128(number) => Rich::Integer(BigInt::from(number)),
        ValueKind::Float(number) => Rich::Float(number),
        ValueKind::String(text) => text.into(),
        ValueKind::Array(values) => {
            let values = values.into_iter().filter_map(|value| rich(value, depth + 1).transpose());
            Rich::List(values.collect::<Result<_, _>>()?)
        }
        ValueKind::Table(entries) => {
            let mut table = Message::new();
            for (key, value) in entries {
                if let Some(value) = rich(value, depth + 1)? {
                    table.insert(key.as_str(), value);
                }
            }
            table.into()
        }
    }))
}
