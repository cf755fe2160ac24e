//! Commitments as the HTTP headers `signature` and `signature-input`. Source: spec 03, section 6.2.

use bytes::Bytes;

use super::base::{Listed, Surface, write_parameter};
use super::{Commitment, Forms, HTTPSIG, keyid, numbered};
use crate::codec::{CONTENT_DIGEST, DecodeError, EncodeError};
use crate::limits::{MAX_COMMITMENTS, MAX_VALUES};
use crate::structured_field::{self as field, Bare, Member, Parameters};
use crate::{Id, Key, Message, Value, base64, order};

/// What every label starts with. Signatures under other labels are none of ours.
const LABEL_PREFIX: &[u8] = b"comm-";

/// Parameters that come first, in their order.
const LEADING_PARAMETERS: [&str; 5] = ["keyid", "tag", "created", "expires", "nonce"];
/// Keys of a commitment that are no parameters.
const NOT_PARAMETERS: [&str; 5] =
    ["committed", "signature", "type", "commitment-device", "committer"];

const INPUT: Key = Key::from_static("signature-input");
const SIGNATURE: Key = Key::from_static("signature");

/// The values of both headers; empty when no commitment has a signature.
pub(crate) fn encode(commitments: &Message, forms: &Forms<'_>) -> Result<[Bytes; 2], EncodeError> {
    let mut entries = Vec::new();
    for commitment in Commitment::each(commitments) {
        if let Some(signature) = commitment.signature() {
            let label = Id::of(&signature).to_string().to_ascii_lowercase();
            entries.push((Key::from(label), signature, commitment));
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    order::enumerate(&mut entries, |entry| &entry.0);
    let (mut signatures, mut inputs) = (Vec::new(), Vec::new());
    for (label, signature, commitment) in entries {
        for header in [&mut signatures, &mut inputs] {
            if !header.is_empty() {
                header.extend_from_slice(b", ");
            }
            header.extend_from_slice(LABEL_PREFIX);
            header.extend_from_slice(label.as_bytes());
            header.push(b'=');
        }
        field::write_bytes(&mut signatures, &signature);
        write_input(&mut inputs, &commitment, forms)?;
    }
    Ok([signatures.into(), inputs.into()])
}

fn write_input(
    out: &mut Vec<u8>,
    commitment: &Commitment<'_>,
    forms: &Forms<'_>,
) -> Result<(), EncodeError> {
    let is_httpsig = commitment.device().is_none_or(|device| device == HTTPSIG);
    let tabm = forms.tabm(is_httpsig && commitment.is_bundle())?;
    let surface = Surface::of(tabm, Some(&commitment.committed()))?;
    out.push(b'(');
    for (index, (key, _)) in surface.components.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        field::write_text(out, key.as_bytes().strip_prefix(b"@").unwrap_or(key.as_bytes()));
    }
    out.push(b')');
    write_parameter(out, b"alg", &algorithm(commitment).into());
    for name in LEADING_PARAMETERS {
        if let Some(value) = commitment.fields.get_exact(name) {
            write_parameter(out, name.as_bytes(), value);
        }
    }
    for (key, value) in commitment.fields {
        if LEADING_PARAMETERS.iter().chain(&NOT_PARAMETERS).all(|known| *key != *known) {
            write_parameter(out, key.as_bytes(), &other_parameter(commitment, key, value)?);
        }
    }
    Ok(())
}

/// The type, behind its device if that is not the usual one.
fn algorithm(commitment: &Commitment<'_>) -> Vec<u8> {
    let kind = commitment.text("type").map_or(&[][..], |kind| kind);
    match commitment.device() {
        Some(device) if device != HTTPSIG => [device, b"/".as_slice(), kind].concat(),
        _ => kind.to_vec(),
    }
}

fn other_parameter(
    commitment: &Commitment<'_>,
    key: &Key,
    value: &Value,
) -> Result<Value, EncodeError> {
    let unwritable = || EncodeError::Commitment {
        id: commitment.id.clone(),
        reason: format!("its key {key} is neither a text nor an integer"),
    };
    match value {
        Value::Bytes(_) | Value::Atom(_) | Value::Integer(_) => Ok(value.clone()),
        Value::Map(tags) => tag_map_text(tags).map(Value::from).ok_or_else(unwritable),
        _ => Err(unwritable()),
    }
}

/// `{1: {name, value}, …}` as `1:name:value, …`.
fn tag_map_text(tags: &Message) -> Option<Vec<u8>> {
    let mut numbered: Vec<_> = tags.iter().collect();
    numbered.sort_by_key(|(key, _)| key.to_text().parse::<u64>().unwrap_or(u64::MAX));
    let tag = |(key, tag): (&Key, &Value)| {
        let tag = tag.as_map()?;
        let (name, value) = (tag.get("name")?.as_bytes()?, tag.get("value")?.as_bytes()?);
        Some([key.as_bytes(), name, value].join(b":".as_slice()))
    };
    let tags: Option<Vec<_>> = numbered.into_iter().map(tag).collect();
    Some(tags?.join(b", ".as_slice()))
}

/// What the other headers say about the components that a signature lists.
pub(crate) struct Received<'a> {
    /// First components of the body's keys, in the order of their appearance.
    pub(crate) body_keys: &'a [Key],
    /// The value of `ao-body-key`.
    pub(crate) body_key: Option<&'a Bytes>,
    /// Whether the body is multipart.
    pub(crate) is_multipart: bool,
}

/// The commitments that both headers state. Signatures under foreign labels are ignored.
pub(crate) fn decode(
    signature: &Bytes,
    input: &Bytes,
    received: &Received<'_>,
) -> Result<Message, DecodeError> {
    if !signature.starts_with(LABEL_PREFIX) || !input.starts_with(LABEL_PREFIX) {
        return Ok(Message::new());
    }
    let read = |key: Key, header| {
        field::dictionary(header).map_err(|source| DecodeError::Syntax { key, source })
    };
    let signatures = read(SIGNATURE, signature)?;
    let inputs = read(INPUT, input)?;
    if signatures.first().map(|entry| &entry.0) != inputs.first().map(|entry| &entry.0) {
        let expected = "in the same order as signature";
        return Err(DecodeError::IllTyped { key: INPUT, expected });
    }
    if inputs.len() > MAX_COMMITMENTS {
        return Err(DecodeError::TooManyCommitments { count: inputs.len() });
    }
    check_committed(&inputs, received)?;
    let mut signatures: std::collections::BTreeMap<Key, Member> = signatures.into_iter().collect();
    let mut commitments = Message::new();
    for (label, input) in inputs {
        let signature = signatures.remove(&label).and_then(signature_bytes);
        let signature = signature.ok_or(DecodeError::IllTyped {
            key: SIGNATURE,
            expected: "a byte sequence for every label of signature-input",
        })?;
        let (id, fields) = commitment(&signature, input, received)?;
        commitments.insert(id, fields);
    }
    if !signatures.is_empty() {
        let expected = "there for every label of signature";
        return Err(DecodeError::IllTyped { key: INPUT, expected });
    }
    Ok(commitments)
}

/// Counts the keys that all commitments cover before any is listed: each time that one names the
/// body's digest, it covers all keys in the body.
fn check_committed(inputs: &[(Key, Member)], received: &Received<'_>) -> Result<(), DecodeError> {
    let is_digest =
        |name: &[u8]| name.strip_prefix(b"@").unwrap_or(name) == CONTENT_DIGEST.as_bytes();
    let keys = |item: &field::Item| match &item.bare {
        Bare::Text(name) if is_digest(name) => received.body_keys.len(),
        _ => 1,
    };
    let items = inputs.iter().flat_map(|(_, input)| match input {
        Member::Inner(items, _) => items.as_slice(),
        Member::Item(_) => &[],
    });
    if items.map(keys).fold(0, usize::saturating_add) > MAX_VALUES {
        return Err(DecodeError::TooManyValues);
    }
    Ok(())
}

fn signature_bytes(member: Member) -> Option<Vec<u8>> {
    match member {
        Member::Item(field::Item { bare: Bare::Bytes(bytes), parameters })
            if parameters.is_empty() =>
        {
            Some(bytes)
        }
        _ => None,
    }
}

fn commitment(
    signature: &[u8],
    input: Member,
    received: &Received<'_>,
) -> Result<(Key, Message), DecodeError> {
    let malformed =
        DecodeError::IllTyped { key: INPUT, expected: "lists of texts with parameters" };
    let Member::Inner(names, parameters) = input else { return Err(malformed) };
    let names: Option<Vec<Key>> = names.into_iter().map(component_name).collect();
    let listed = Listed { body_key: received.body_key, is_multipart: received.is_multipart };
    let committed = listed.committed(names.ok_or(malformed)?.into_iter(), received.body_keys);
    let mut fields = fields(parameters)?;
    if let Some(committer) =
        fields.get_exact("keyid").and_then(Value::as_bytes).and_then(keyid::committer)
    {
        fields.insert("committer", committer);
    }
    fields.insert("signature", base64::encode_url(signature));
    fields.insert("committed", numbered(committed));
    Ok((commitment_id(signature), fields))
}

/// The id of the commitment of this signature: a MAC is its own, a signature's is its hash.
pub(crate) fn commitment_id(signature: &[u8]) -> Key {
    match <[u8; 32]>::try_from(signature) {
        Ok(mac) => Id::from(mac).into(),
        Err(_) => Id::of(signature).into(),
    }
}

fn component_name(item: field::Item) -> Option<Key> {
    match item {
        field::Item { bare: Bare::Text(name), parameters } if parameters.is_empty() => {
            Some(name.into())
        }
        _ => None,
    }
}

fn fields(parameters: Parameters) -> Result<Message, DecodeError> {
    let mut fields = Message::new();
    for (key, value) in parameters {
        // What the rest of the headers say cannot be overridden by a parameter of that name.
        if NOT_PARAMETERS.iter().any(|name| key == *name) {
            return Err(DecodeError::IllTyped {
                key: INPUT,
                expected: "free of derived parameters",
            });
        }
        let value = match value {
            Bare::Text(text) if key == "alg" => {
                let (device, kind) = split_algorithm(&text);
                fields.insert("commitment-device", device);
                fields.insert("type", kind);
                continue;
            }
            Bare::Text(text) => tag_map(&text)?,
            Bare::Bytes(bytes) => base64::encode_url(&bytes).into(),
            Bare::Integer(integer) => integer.into(),
            Bare::Decimal(decimal) => decimal.into(),
            Bare::Token(name) => Value::Atom(crate::Atom::new(name)),
            Bare::Boolean(boolean) => boolean.into(),
        };
        fields.insert(key, value);
    }
    Ok(fields)
}

/// `dev@v/type`, or a type of the usual device.
fn split_algorithm(text: &Bytes) -> (Bytes, Bytes) {
    let slash = text.iter().position(|byte| *byte == b'/');
    match slash.filter(|_| text.contains(&b'@')) {
        Some(at) => (text.slice(..at), text.slice(at + 1..)),
        None => (Bytes::from_static(HTTPSIG.as_bytes()), text.clone()),
    }
}

/// A text as a parameter: pieces of three parts between `, ` are a map of tags; otherwise the last
/// piece is the value. Source: spec 03, section 6.2, decoding step 4.
fn tag_map(text: &Bytes) -> Result<Value, DecodeError> {
    let mut tags = Message::new();
    let mut plain = None;
    for piece in pieces(text) {
        let parts: Vec<&[u8]> = piece.split(|byte| *byte == b':').collect();
        match (parts.as_slice(), &plain) {
            ([number, name, value], None) => {
                let tag = [("name", *name), ("value", *value)];
                let tag: Message =
                    tag.into_iter().map(|(key, part)| (key, text.slice_ref(part))).collect();
                tags.insert(text.slice_ref(number), tag);
            }
            ([_, _, _], Some(_)) => {
                let expected = "either a map of tags or a text, not both";
                return Err(DecodeError::IllTyped { key: INPUT, expected });
            }
            _ => plain = Some(text.slice_ref(piece)),
        }
    }
    Ok(plain.map_or_else(|| tags.into(), Value::Bytes))
}

fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (piece, tail) = match memchr::memmem::find(text, b", ") {
            Some(at) => (text.get(..at)?, text.get(at + 2..)),
            None => (text, None),
        };
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIVED: Received<'static> =
        Received { body_keys: &[], body_key: None, is_multipart: false };

    fn read(parameters: &str) -> Result<Message, DecodeError> {
        let input = format!("comm-x=(\"a\");alg=\"rsa-pss-sha512\"{parameters}");
        decode(&Bytes::from_static(b"comm-x=:AAAA:"), &input.into(), &RECEIVED)
    }

    #[test]
    fn nothing_overrides_what_the_headers_say_otherwise() {
        let plain = read(";nonce=\"n\"").unwrap();
        let one = plain.iter().next().unwrap().1.as_map().unwrap();
        assert_eq!(one.get("nonce"), Some(&"n".into()));
        assert!(!one.contains("committer"), "without a keyid there is no committer");
        for name in NOT_PARAMETERS {
            assert!(read(&format!(";{name}=\"forged\"")).is_err(), "{name}");
        }
    }

    #[test]
    fn a_map_of_tags_reads_back_and_a_text_keeps_its_last_piece() {
        let tags = tag_map(&Bytes::from("1:Name:v, 2:Other:w")).unwrap();
        let written = tag_map_text(tags.as_map().unwrap()).unwrap();
        assert_eq!(written, b"1:Name:v, 2:Other:w");
        assert_eq!(tag_map(&Bytes::from("x, y")), Ok("y".into()));
        assert!(tag_map(&Bytes::from("x, 1:a:b")).is_err());
    }
}
