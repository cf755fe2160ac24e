//! Signatures that must not hold: whatever is changed of what they cover, and wherever.

use oxbeam_protocol::codec::{Ans104, HttpSig, Links, Structured};
use oxbeam_protocol::commitment::{
    ANS104, COMMITMENTS, CommitRequest, Commitment, Selection, VerifyError, commit, committers,
    only_committed, verify,
};
use oxbeam_protocol::{Atom, Key, Message, NoContent, Value, base64};
use proptest::prelude::*;
use proptest::sample::Index;

use super::generators::{cases, signable, some_message, within_ans104};
use super::support::{Signer, ed25519, rsa, secp256k1, signed, signer};

const EMBED: Links<'static> = Links::Embed(&NoContent);

/// One way to change an entry of a message.
#[derive(Debug, Clone, Copy)]
enum Change {
    /// Another byte, number or name, or one more.
    Value(usize),
    /// The same text as a value of another type.
    Type,
    /// Another byte in the key.
    Key(usize),
    /// One byte more in the key.
    LongerKey,
    /// No entry.
    Removed,
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => any::<usize>().prop_map(Change::Value),
        2 => Just(Change::Type),
        2 => any::<usize>().prop_map(Change::Key),
        1 => Just(Change::LongerKey),
        1 => Just(Change::Removed),
    ]
}

impl Change {
    fn of(self, key: &Key, value: &Value) -> Option<(Key, Value)> {
        match self {
            Self::Value(at) => Some((key.clone(), other_value(value, at))),
            Self::Type => Some((key.clone(), other_type(value))),
            Self::Key(at) => {
                let mut bytes = key.as_bytes().to_vec();
                let at = at % bytes.len();
                bytes[at] ^= 1;
                Some((bytes.into(), value.clone()))
            }
            Self::LongerKey => Some(([key.as_bytes(), b"x"].concat().into(), value.clone())),
            Self::Removed => None,
        }
    }
}

fn other_value(value: &Value, at: usize) -> Value {
    match value {
        Value::Bytes(bytes) if bytes.is_empty() => "x".into(),
        Value::Bytes(bytes) => {
            let mut bytes = bytes.to_vec();
            let at = at % bytes.len();
            bytes[at] ^= 1;
            bytes.into()
        }
        Value::Integer(integer) => Value::Integer(integer + 1),
        Value::Float(float) => f64::from_bits(float.to_bits() ^ 1).into(),
        Value::Atom(atom) => Atom::new([atom.name(), b"x".as_slice()].concat()).into(),
        Value::List(list) => list.iter().cloned().chain([Value::from("x")]).collect(),
        Value::Map(map) => map.clone().with("one-more", "x").into(),
        Value::Link(_) => Value::from("x"),
    }
}

fn other_type(value: &Value) -> Value {
    let text = || {
        let tabm =
            Structured { links: EMBED }.encode(&Message::new().with("k", value.clone()).into());
        tabm.unwrap().as_map().unwrap().get("k").unwrap().clone()
    };
    match value {
        Value::Bytes(bytes) => Atom::new(bytes.clone()).into(),
        Value::List(list) => list.to_map().into(),
        Value::Link(link) => link.text().clone().into(),
        Value::Map(map) if map.is_empty() => Value::from_iter([]),
        Value::Map(map) => Value::from_iter([map.clone().into()]),
        _ => text(),
    }
}

/// Number of entries of a message and of those within, commitments aside.
fn entries(message: &Message) -> usize {
    let own = message.iter().filter(|(key, _)| **key != COMMITMENTS);
    own.map(|(_, value)| 1 + value.as_map().map_or(0, entries)).sum()
}

/// The message with its entry of this number changed.
fn changed(message: &Message, mut number: usize, change: Change) -> Message {
    let mut result = Message::new();
    for (key, value) in message {
        if *key == COMMITMENTS {
            result.insert(key.clone(), value.clone());
            continue;
        }
        let within = value.as_map().map_or(0, entries);
        match number {
            0 => result.extend(change.of(key, value)),
            at if at <= within => {
                let child = changed(value.as_map().unwrap(), at - 1, change);
                result.insert(key.clone(), child);
            }
            _ => drop(result.insert(key.clone(), value.clone())),
        }
        // The rest lies before this entry, or this was it.
        number = if number > within { number - within - 1 } else { usize::MAX };
    }
    result
}

fn refused(message: &Message) -> Result<(), TestCaseError> {
    let found = verify(message, &Selection::all(), None, &NoContent);
    prop_assert!(matches!(found, Err(VerifyError::Invalid { .. })), "{found:?} of {message:?}");
    Ok(())
}

fn map(value: Value) -> Message {
    match value {
        Value::Map(map) => map,
        other => panic!("not a map: {other:?}"),
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn another_entry_is_another_message(
        message in some_message(), bundle: bool, signer in signer(), at in any::<Index>(), change in change(),
    ) {
        // Types are covered where `ao-types` is, and that is where any value has one.
        let signed = signed(&signable(&message).with("typed", 1), signer, bundle);
        let forged = changed(&signed, at.index(entries(&signed)), change);
        prop_assume!(forged != signed);
        refused(&forged)?;
    }

    #[test]
    fn another_entry_is_another_item(
        message in some_message(), bundle: bool, number in 0..3_usize, at in any::<Index>(), change in change(),
    ) {
        let message = map(within_ans104(&message.into())).with("typed", 1);
        let wallet = [secp256k1(), ed25519(), rsa()][number];
        let request =
            CommitRequest { device: Some(ANS104.into()), bundle, ..CommitRequest::default() };
        let signed = commit(&message, &request, wallet, &NoContent).unwrap();
        let forged = changed(&signed, at.index(entries(&signed)), change);
        prop_assume!(forged != signed);
        refused(&forged)?;
    }
}

/// A message with every kind of value, a body, and nested messages.
fn sample() -> Message {
    let list: Value = [Value::from(1), true.into(), "two".into()].into_iter().collect();
    let nested = Message::new().with("n", 5).with("text", "x").with("body", "inner");
    Message::new()
        .with("Capital", "C")
        .with("atom", Atom::from_static("ok"))
        .with("body", "a body")
        .with("empty", "")
        .with("float", 1.5)
        .with("integer", 42)
        .with("list", list)
        .with("nested", nested)
        .with("text", "some text")
}

/// A text with another letter in one place, for every place.
fn each_letter_changed(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..text.len()).map(|at| {
        let mut other = text.to_vec();
        other[at] = if other[at] == b'A' { b'B' } else { b'A' };
        other
    })
}

/// Every way to change one field of a commitment.
fn other_fields(commitment: &Commitment<'_>) -> Vec<Message> {
    let fields = commitment.fields;
    let mut others = Vec::new();
    for (key, value) in fields {
        match value {
            Value::Bytes(text) if *key == "signature" => {
                let signature = base64::decode(text).unwrap();
                for at in 0..signature.len() {
                    let mut other = signature.clone();
                    other[at] ^= 1;
                    others.push(fields.clone().with(key.clone(), base64::encode_url(&other)));
                }
                let shorter = &signature[1..];
                others.push(fields.clone().with(key.clone(), base64::encode_url(shorter)));
            }
            Value::Bytes(text) => {
                let texts = each_letter_changed(text).filter(|other| text != other);
                others.extend(texts.map(|other| fields.clone().with(key.clone(), other)));
            }
            _ => {}
        }
        others.push(fields.clone().without(&[&key.to_text()]));
    }
    for key in commitment.committed() {
        let fewer = commitment.committed().into_iter().filter(|other| *other != key);
        let fewer: Value = fewer.map(|key| Value::Bytes(key.to_bytes())).collect();
        others.push(fields.clone().with("committed", fewer));
    }
    for (key, value) in [("nonce", "n"), ("tag", "t"), ("bundle", "other")] {
        others.push(fields.clone().with(key, value));
    }
    others.push(fields.clone().with("created", 1));
    others.push(fields.clone().with("expires", 1));
    others
}

#[test]
fn no_field_of_a_commitment_can_be_changed_and_the_error_names_it() {
    for (signer, bundle) in [Signer::Rsa, Signer::Secp256k1, Signer::Hmac]
        .into_iter()
        .flat_map(|s| [(s, false), (s, true)])
    {
        let signed = signed(&sample(), signer, bundle);
        assert_eq!(verify(&signed, &Selection::all(), None, &NoContent), Ok(()));
        let commitments = map(signed.get_exact(COMMITMENTS).cloned().unwrap());
        for commitment in Commitment::all(&signed) {
            for fields in other_fields(&commitment) {
                let forged = commitments.clone().with(commitment.id.clone(), fields.clone());
                let forged = signed.clone().with(COMMITMENTS, forged);
                let found = verify(&forged, &Selection::all(), None, &NoContent);
                let is_named =
                    matches!(&found, Err(VerifyError::Invalid { id, .. }) if id == commitment.id);
                assert!(is_named, "{found:?} of {fields:?}");
            }
            let mut moved = commitments.clone();
            moved.remove(commitment.id);
            let other = oxbeam_protocol::Id::of(b"other");
            let moved = moved.with(other, commitment.fields.clone());
            refused(&signed.clone().with(COMMITMENTS, moved)).unwrap();
        }
    }
}

#[test]
fn no_byte_of_a_message_can_be_changed() {
    for (signer, bundle) in [Signer::Rsa, Signer::Secp256k1, Signer::Hmac]
        .into_iter()
        .flat_map(|s| [(s, false), (s, true)])
    {
        let signed = signed(&sample(), signer, bundle);
        for number in 0..entries(&signed) {
            for at in 0..12 {
                for change in [
                    Change::Value(at),
                    Change::Key(at),
                    Change::Type,
                    Change::LongerKey,
                    Change::Removed,
                ] {
                    let forged = changed(&signed, number, change);
                    assert_ne!(forged, signed);
                    refused(&forged).unwrap();
                }
            }
        }
    }
}

#[test]
fn a_key_that_is_claimed_but_never_signed_is_refused() {
    let signed = signed(&sample(), Signer::Secp256k1, true);
    // The multipart body's own content type is what is signed, whatever the message says.
    for key in ["content-type", "signature", "signature-input"] {
        let mut commitments = map(signed.get_exact(COMMITMENTS).cloned().unwrap());
        for commitment in Commitment::all(&signed) {
            let claimed = commitment.committed().into_iter().chain([key.into()]);
            let claimed: Value = claimed.map(|key| Value::Bytes(key.to_bytes())).collect();
            commitments.insert(
                commitment.id.clone(),
                commitment.fields.clone().with("committed", claimed),
            );
        }
        refused(&signed.clone().with(COMMITMENTS, commitments).with(key, "text/html")).unwrap();
    }
}

#[test]
fn a_byte_that_changed_on_the_way_over_http_is_found_or_does_not_matter() {
    for bundle in [false, true] {
        let message = signed(&sample(), Signer::Secp256k1, bundle);
        let links = if bundle { EMBED } else { Links::Discard };
        let wire = HttpSig { links }.encode(&message.clone().into()).unwrap();
        let original = map(HttpSig::decode(&wire).unwrap());
        let believed = |wire| {
            let received = HttpSig::decode(&wire).ok()?.as_map()?.clone();
            let is_signed = committers(&received) == committers(&original);
            let holds = verify(&received, &Selection::all(), None, &NoContent).is_ok();
            (is_signed && holds).then(|| only_committed(&received).without(&["commitments"]))
        };
        let expected = Some(original.clone().without(&["commitments"]));
        assert_eq!(believed(wire.clone()), expected);
        for (name, value) in &wire.headers {
            for other in each_letter_changed(value) {
                let mut wire = wire.clone();
                wire.headers.insert(name.clone(), other.into());
                let found = believed(wire);
                assert!(found.is_none() || found == expected, "{name}: {found:?}");
            }
        }
        for other in wire.body.iter().flat_map(|body| each_letter_changed(body)) {
            let mut wire = wire.clone();
            wire.body = Some(other.into());
            let found = believed(wire);
            assert!(found.is_none() || found == expected, "{found:?}");
        }
    }
}

#[test]
fn a_byte_of_an_item_that_changed_on_the_way_is_found_or_does_not_matter() {
    // Once is enough for a bundle: its items are some thousand bytes, whoever signs it.
    for (wallet, bundle) in
        [(secp256k1(), false), (rsa(), false), (ed25519(), false), (ed25519(), true)]
    {
        let message = map(within_ans104(&sample().into()));
        let request =
            CommitRequest { device: Some(ANS104.into()), bundle, ..CommitRequest::default() };
        let signed = commit(&message, &request, wallet, &NoContent).unwrap();
        let links = if bundle { EMBED } else { Links::Discard };
        let bytes = Ans104 { links }.encode(&signed.into()).unwrap();
        let original = Ans104::decode(&bytes).unwrap();
        for at in 0..bytes.len() {
            let mut other = bytes.to_vec();
            other[at] ^= 1;
            let Ok(Value::Map(received)) = Ans104::decode(&other.into()) else { continue };
            let holds = verify(&received, &Selection::all(), None, &NoContent).is_ok();
            let is_signed = !committers(&received).is_empty();
            assert!(!holds || !is_signed || Value::Map(received) == original, "byte {at}");
        }
    }
}
