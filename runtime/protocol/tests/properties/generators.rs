//! Messages of every shape, and what each form can carry of them.
//!
//! [`message`] makes what `structured@1.0` promises to carry. The other forms lose some of it, by
//! design of the network; the functions `within_*` turn a message into one that they promise to carry.

use oxbeam_protocol::{Atom, Key, List, Message, Value};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// Keys that some form gives a meaning of its own.
const RESERVED: [&str; 15] = [
    "ao-body-key",
    "ao-data-key",
    "ao-ids",
    "ao-type",
    "ao-types",
    "bundle-format",
    "bundle-map",
    "bundle-version",
    "commitments",
    "content-digest",
    "content-disposition",
    "content-type",
    "signature",
    "signature-input",
    "target",
];

/// Configuration of a property: failing cases are not kept in files, they become tests.
///
/// Every run tries the same cases, so that a failure belongs to the change that it shows up with;
/// `PROPTEST_RNG_SEED` tries others.
pub(super) fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        given @ RngSeed::Fixed(_) => given,
    };
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..default }
}

/// A message, also one with more than 32 keys.
pub(super) fn message() -> impl Strategy<Value = Message> {
    let narrow = btree_map(key(), value(), 0..8);
    let wide = (btree_map(key(), scalar(), 33..45), btree_map(key(), value(), 0..3));
    prop_oneof![
        5 => narrow.prop_map(|entries| entries.into_iter().collect::<Message>()),
        1 => wide.prop_map(|(many, few)| many.into_iter().chain(few).collect::<Message>()),
    ]
}

/// A message with at least one key.
pub(super) fn some_message() -> impl Strategy<Value = Message> {
    message().prop_map(|message| match message.is_empty() {
        true => message.with("k", "v"),
        false => message,
    })
}

/// A key: a word, one with capitals or punctuation, one as long as an id, or bytes that are no text.
pub(super) fn key() -> impl Strategy<Value = Key> {
    let text = prop_oneof![
        8 => "[a-z][a-z0-9_-]{0,11}",
        2 => "[A-Z][A-Za-z0-9-]{0,8}",
        1 => "[a-z][a-z0-9 .%+@:]{0,8}",
        1 => "[A-Za-z0-9_-]{43}",
        1 => "0x[0-9a-fA-F]{40}",
        1 => "[a-z0-9]{32}",
        1 => prop::sample::select(vec!["body", "data", "path", "method", "status", "device"])
            .prop_map(str::to_owned),
    ];
    let bytes = vec(any::<u8>(), 1..10)
        .prop_filter("typed keys cannot hold these", |key| !key.iter().any(|b| b"/?&".contains(b)));
    prop_oneof![
        15 => text.prop_map(Key::from),
        1 => bytes.prop_map(Key::from),
    ]
    .prop_filter("reserved, private, or a link", |key| {
        let is_reserved = RESERVED.iter().any(|name| *key == *name) || *key == "unsigned_id";
        let is_mark = key.as_bytes().starts_with(b".");
        !is_reserved && !is_mark && !key.is_private() && key.without_link().is_none()
    })
}

/// Any value, nested ones too.
pub(super) fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..5).prop_map(|values| values.into_iter().collect::<Value>()),
            3 => btree_map(key(), inner, 0..5)
                .prop_map(|entries| entries.into_iter().collect::<Message>().into()),
        ]
    })
}

/// A value that holds no others.
pub(super) fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => "\\PC{0,40}".prop_map(Value::from),
        2 => vec(any::<u8>(), 0..60).prop_map(Value::from),
        1 => big().prop_map(Value::from),
        3 => any::<i64>().prop_map(Value::from),
        1 => any::<i128>().prop_map(|number| Value::Integer(number.into())),
        2 => any::<f64>().prop_filter("finite", |float| float.is_finite()).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Atom::NULL.into()),
        // No list can hold `undefined`.
        2 => "[a-z*][a-zA-Z0-9_:/-]{0,10}"
            .prop_filter("a hole", |name| name != "undefined")
            .prop_map(|name| Atom::new(name).into()),
    ]
}

/// A text about as long as the longest header or tag, or longer.
fn big() -> impl Strategy<Value = String> {
    let length = prop_oneof![3070..=3075_usize, 4094..=4099_usize, 6000..=6001_usize];
    ("[a-z]", length).prop_map(|(letter, length)| letter.repeat(length))
}

/// What `httpsig@1.0` carries with nested messages in place. Lost are: empty bodies, bodies that
/// alone are typed, `data` beside a nested `body`; header lines and the names of parts hold no line
/// ends and quotes; ids as keys hold printable values. Source: spec 02, section 3.6.
pub(super) fn within_httpsig(message: &Message) -> Message {
    let entries = message.iter().map(|(key, value)| {
        let value = httpsig_value(value);
        let is_unquotable = |text: &[u8]| !text.iter().all(|byte| matches!(byte, b' '..=b'~'));
        match value {
            Value::Bytes(bytes) if key.is_id_like() && is_unquotable(&bytes) => {
                (key.clone(), hex(&bytes).into())
            }
            value => (httpsig_key(key), not_empty(key, value)),
        }
    });
    entries.collect()
}

fn httpsig_key(key: &Key) -> Key {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~') && !b"\"\\:/".contains(byte);
    if key.as_bytes().iter().all(is_plain) { key.clone() } else { readable(key) }
}

fn httpsig_value(value: &Value) -> Value {
    match value {
        Value::Bytes(bytes) if bytes.iter().any(|byte| b"\r\n".contains(byte)) => hex(bytes).into(),
        Value::List(list) => list.iter().map(httpsig_value).collect(),
        Value::Map(map) => httpsig_part(map).into(),
        other => other.clone(),
    }
}

fn httpsig_part(map: &Message) -> Message {
    let mut part: Message = map
        .iter()
        .map(|(key, value)| (httpsig_key(key), not_empty(key, httpsig_value(value))))
        .collect();
    if part.get_exact("body").is_some_and(|body| !matches!(body, Value::Map(_) | Value::List(_))) {
        part.remove("data");
        part.insert("note", "n");
    }
    part
}

/// A body that is there has bytes.
fn not_empty(key: &Key, value: Value) -> Value {
    let is_body = *key == "body" || *key == "data";
    match value {
        Value::Bytes(bytes) if bytes.is_empty() && is_body => "b".into(),
        value => value,
    }
}

/// What can be signed for `httpsig@1.0`: ids as keys of the whole message cannot, nor can keys that
/// start with `@`. Source: spec 03, section 4.
pub(super) fn signable(message: &Message) -> Message {
    let plain = within_httpsig(message);
    plain
        .into_iter()
        .map(|(key, value)| match key.as_bytes() {
            _ if key.is_id_like() => ("id".into(), value),
            [b'@', ..] => (readable(&key), value),
            _ => (key, value),
        })
        .collect()
}

/// What `flat@1.0` carries: no empty maps. Source: spec 02, section 6.
pub(super) fn within_flat(value: &Value) -> Value {
    match value {
        Value::Map(map) if map.is_empty() => Message::from([("k", "v")]).into(),
        Value::Map(map) => {
            Value::Map(map.iter().map(|(key, value)| (flat_key(key), within_flat(value))).collect())
        }
        Value::List(list) => list.iter().map(within_flat).collect(),
        other => other.clone(),
    }
}

fn flat_key(key: &Key) -> Key {
    if key.as_bytes().contains(&b'/') { readable(key) } else { key.clone() }
}

/// What the lines of flat texts carry besides: keys and values of one line without `: `.
pub(super) fn within_flat_text(value: &Value) -> Value {
    let is_plain = |text: &[u8]| !text.iter().any(|byte| b"\n:".contains(byte));
    match value {
        Value::Bytes(bytes) if !is_plain(bytes) => hex(bytes).into(),
        Value::Map(map) => {
            let key =
                |key: &Key| if is_plain(key.as_bytes()) { key.clone() } else { readable(key) };
            let entries = map.iter().map(|(name, value)| (key(name), within_flat_text(value)));
            Value::Map(entries.collect())
        }
        Value::List(list) => list.iter().map(within_flat_text).collect(),
        other => other.clone(),
    }
}

/// What `json@1.0` carries: text, and atoms only where no array is around them, because there
/// `ao-types` replaces the types of the numbers beside them. Source: spec 02, section 7.
pub(super) fn within_json(value: &Value) -> Value {
    json_value(value, false)
}

fn json_value(value: &Value, in_array: bool) -> Value {
    let has_atoms = |list: &List| list.iter().any(|value| matches!(value, Value::Atom(_)));
    match value {
        Value::Bytes(bytes) if str::from_utf8(bytes).is_err() => hex(bytes).into(),
        Value::Atom(atom) if in_array => atom.name().clone().into(),
        Value::List(list) => {
            let in_array = in_array || !has_atoms(list);
            list.iter().map(|value| json_value(value, in_array)).collect()
        }
        Value::Map(map) => {
            let key = |key: &Key| match str::from_utf8(key.as_bytes()) {
                Ok(_) => key.clone(),
                Err(_) => readable(key),
            };
            let entries = map.iter().map(|(name, value)| (key(name), json_value(value, in_array)));
            Value::Map(entries.collect())
        }
        other => other.clone(),
    }
}

/// What `ans104@1.0` carries: keys in lower case, and data that is not empty. Source: spec 02,
/// section 8.
pub(super) fn within_ans104(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let entries = map
                .iter()
                .map(|(key, value)| (ans104_key(key), not_empty(key, within_ans104(value))));
            Value::Map(entries.collect())
        }
        Value::List(list) => list.iter().map(within_ans104).collect(),
        other => other.clone(),
    }
}

fn ans104_key(key: &Key) -> Key {
    match str::from_utf8(key.as_bytes()) {
        Ok(text) => text.to_ascii_lowercase().into(),
        Err(_) => readable(key),
    }
}

/// A key of letters and digits that is another for every key.
fn readable(key: &Key) -> Key {
    format!("k{}", hex(key.as_bytes())).into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
