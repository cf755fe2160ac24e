//! JSON text to rich values.

use bytes::Bytes;
use json_event_parser::{JsonEvent, JsonSyntaxError, SliceJsonParser};

use crate::codec::types::{self, AO_TYPES, Kind, LIST_MARK};
use crate::codec::{DecodeError, scalar};
use crate::limits::{MAX_DEPTH, MAX_KEY_LENGTH, MAX_VALUES};
use crate::{Atom, Key, List, Message, Value};

/// The value of a text: an object, an array or a string.
pub(super) fn value(text: &Bytes) -> Result<Value, DecodeError> {
    let mut reader = Reader { parser: SliceJsonParser::new(text), values: 0 };
    let first = reader.next()?;
    let value = match first {
        JsonEvent::StartObject | JsonEvent::StartArray | JsonEvent::String(_) => {
            reader.read(first, &Key::default(), Place { depth: 1, in_array: false })?
        }
        _ => return Err(DecodeError::NotAMessage("only an object, an array or a string is one")),
    };
    match reader.next()? {
        JsonEvent::Eof => Ok(value),
        _ => Err(DecodeError::NotAMessage("text follows its end")),
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    /// Whether it lies in an array, however deep. There, `ao-types` speaks for all members of its
    /// object: types that it does not name, those of numbers too, are lost.
    in_array: bool,
}

impl Place {
    const fn within(self, array: bool) -> Self {
        Self { depth: self.depth + 1, in_array: self.in_array || array }
    }
}

struct Reader<'a> {
    parser: SliceJsonParser<'a>,
    /// How many values have been read.
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<JsonEvent<'a>, DecodeError> {
        self.parser.parse_next().map_err(|error| malformed(&error))
    }

    fn read(
        &mut self,
        event: JsonEvent<'_>,
        key: &Key,
        place: Place,
    ) -> Result<Value, DecodeError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(DecodeError::TooManyValues);
        }
        match event {
            JsonEvent::StartArray | JsonEvent::StartObject if place.depth > MAX_DEPTH => {
                Err(DecodeError::TooDeep)
            }
            JsonEvent::String(text) => Ok(text.into_owned().into()),
            JsonEvent::Number(text) => number(key, &text),
            JsonEvent::Boolean(boolean) => Ok(boolean.into()),
            JsonEvent::Null => Ok(Atom::NULL.into()),
            JsonEvent::StartArray => self.read_array(place),
            JsonEvent::StartObject => self.read_object(place),
            _ => Err(DecodeError::NotAMessage("its text ends within a value")),
        }
    }

    fn read_array(&mut self, place: Place) -> Result<Value, DecodeError> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                JsonEvent::EndArray => return Ok(values.into_iter().collect()),
                event => {
                    let key = Key::number(values.len() + 1);
                    values.push(self.read(event, &key, place.within(true))?);
                }
            }
        }
    }

    /// Of members of one name the first counts.
    fn read_object(&mut self, place: Place) -> Result<Value, DecodeError> {
        let mut members = Message::new();
        loop {
            match self.next()? {
                JsonEvent::EndObject if place.in_array => return Ok(members.into()),
                JsonEvent::EndObject => return typed(members),
                JsonEvent::ObjectKey(name) if name.len() > MAX_KEY_LENGTH => {
                    return Err(DecodeError::KeyTooLong { length: name.len() });
                }
                JsonEvent::ObjectKey(name) => {
                    let key = Key::from(name.into_owned());
                    let event = self.next()?;
                    let value = self.read(event, &key, place.within(false))?;
                    if !members.contains(&key) {
                        members.insert(key, value);
                    }
                }
                _ => return Err(DecodeError::NotAMessage("its text ends within an object")),
            }
        }
    }
}

fn malformed(error: &JsonSyntaxError) -> DecodeError {
    let start = error.location().start;
    DecodeError::Json {
        reason: error.message().to_owned(),
        line: usize::try_from(start.line).map_or(usize::MAX, |line| line + 1),
        column: usize::try_from(start.column).map_or(usize::MAX, |column| column + 1),
    }
}

/// Gives string members the types that `ao-types` says; others have theirs already.
fn typed(mut members: Message) -> Result<Value, DecodeError> {
    let Some(Value::Bytes(text)) = members.remove(AO_TYPES) else { return Ok(members.into()) };
    let types = types::decode(&text)?;
    for (key, kind) in &types {
        if let Some(Value::Bytes(text)) = members.get_exact(key).cloned() {
            members.insert(key.clone(), scalar::decode_typed(key, kind, &text)?);
        }
    }
    match types.get(LIST_MARK.as_bytes()).and_then(|name| Kind::named(name)) {
        Some(Kind::List) => List::try_from(members).map(Value::List),
        _ => Ok(members.into()),
    }
}

/// An integer, or a double if there is a point or an exponent.
fn number(key: &Key, text: &str) -> Result<Value, DecodeError> {
    let ill_typed = |expected| DecodeError::IllTyped { key: key.clone(), expected };
    if text.contains(['.', 'e', 'E']) {
        let float: f64 = text.parse().map_err(|_| ill_typed("a float"))?;
        return if float.is_finite() { Ok(float.into()) } else { Err(ill_typed("a finite float")) };
    }
    scalar::decode(key, Kind::Integer, &Bytes::copy_from_slice(text.as_bytes()))
}
