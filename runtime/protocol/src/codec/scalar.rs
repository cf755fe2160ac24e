//! Single values as text, and back. Source: spec 01, sections 2 and 7.3.

use bytes::Bytes;
use num_bigint::BigInt;

use super::DecodeError;
use crate::limits::MAX_DIGITS;
use crate::structured_field::{self as field, Bare, Member};
use crate::{Atom, Key, List, Message, Value, codec::types::Kind};

/// Digits behind the point of a float that is written.
const FLOAT_DIGITS: usize = 20;

/// A float as C's `%.20e`: one digit, a point, 20 digits, `e`, a sign, two or three digits.
pub(super) fn float_text(float: f64) -> String {
    let text = format!("{float:.FLOAT_DIGITS$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// Reads the text of a value whose type name is known, as `ao-types` and type suffixes give it.
///
/// # Errors
/// An unknown type, or text that is not of that type.
pub fn decode_typed(key: &Key, kind: &[u8], text: &Bytes) -> Result<Value, DecodeError> {
    let unknown = || DecodeError::UnknownType {
        key: key.clone(),
        kind: String::from_utf8_lossy(kind).into_owned(),
    };
    decode(key, Kind::named(kind).ok_or_else(unknown)?, text)
}

pub(super) fn decode(key: &Key, kind: Kind, text: &Bytes) -> Result<Value, DecodeError> {
    let ill_typed = |expected| DecodeError::IllTyped { key: key.clone(), expected };
    match kind {
        Kind::Integer => {
            integer(text).ok_or_else(|| ill_typed("an integer of at most 4096 digits"))
        }
        Kind::Float => float(text).ok_or_else(|| ill_typed("a float")),
        Kind::Atom => atom(text).map(Value::Atom).ok_or_else(|| ill_typed("an atom")),
        Kind::List => flat_list(key, text),
        Kind::Map => flat_map(key, text).map(Value::Map),
    }
}

/// Decimal digits, behind a minus or not. What is written is read: a structured field ends at 15 digits.
fn integer(text: &Bytes) -> Option<Value> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let well_formed =
        (1..=MAX_DIGITS).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    well_formed.then(|| BigInt::parse_bytes(text, 10)).flatten().map(Value::Integer)
}

/// A decimal with digits on both sides of its point; sign and exponent may be there.
fn float(text: &Bytes) -> Option<Value> {
    let text = str::from_utf8(text).ok()?;
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = unsigned(mantissa).split_once('.')?;
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let well_formed = [whole, fraction, unsigned(exponent)].into_iter().all(all_digits);
    let float: f64 = well_formed.then(|| text.parse().ok()).flatten()?;
    float.is_finite().then_some(Value::Float(float))
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['+', '-']).unwrap_or(text)
}

fn atom(text: &Bytes) -> Option<Atom> {
    match field::item(text).ok()? {
        field::Item { bare: Bare::Token(name) | Bare::Text(name), parameters }
            if parameters.is_empty() =>
        {
            Some(Atom::new(name))
        }
        _ => None,
    }
}

fn flat_list(key: &Key, text: &Bytes) -> Result<Value, DecodeError> {
    let members = field::list(text);
    let members = members.map_err(|source| DecodeError::Syntax { key: key.clone(), source })?;
    let values: Result<List, _> =
        members.into_iter().map(|member| flat_member(key, member)).collect();
    values.map(Value::List)
}

fn flat_map(key: &Key, text: &Bytes) -> Result<Message, DecodeError> {
    let members = field::dictionary(text);
    let members = members.map_err(|source| DecodeError::Syntax { key: key.clone(), source })?;
    members.into_iter().map(|(name, member)| Ok((name, flat_member(key, member)?))).collect()
}

fn flat_member(key: &Key, member: Member) -> Result<Value, DecodeError> {
    let Member::Item(item) = member else {
        return Err(DecodeError::IllTyped { key: key.clone(), expected: "free of inner lists" });
    };
    Ok(match item.bare {
        Bare::Integer(integer) => Value::Integer(integer.into()),
        Bare::Decimal(decimal) => Value::Float(decimal),
        Bare::Text(text) => return marked(key, text),
        Bare::Token(name) => Value::Atom(Atom::new(name)),
        Bare::Bytes(bytes) => bytes.into(),
        Bare::Boolean(boolean) => boolean.into(),
    })
}

/// A string of a flat list or map; `(ao-type-T) X` stands for the text X read as type T.
fn marked(key: &Key, text: Bytes) -> Result<Value, DecodeError> {
    let Some(rest) = text.strip_prefix(b"(ao-type-") else { return Ok(Value::Bytes(text)) };
    let Some(end) = rest.windows(2).position(|window| window == b") ") else {
        return Ok(Value::Bytes(text));
    };
    let (kind, value) = rest.split_at(end);
    let kind = Kind::named(kind).filter(|kind| kind.is_scalar());
    let kind = kind
        .ok_or_else(|| DecodeError::IllTyped { key: key.clone(), expected: "of a known type" })?;
    decode(key, kind, &text.slice_ref(value).slice(2..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_c_writes_them() {
        assert_eq!(float_text(4.5), "4.50000000000000000000e+00");
        assert_eq!(float_text(1.0e30), "1.00000000000000001988e+30");
        assert_eq!(float_text(0.9), "9.00000000000000022204e-01");
        assert_eq!(float_text(f64::MAX), "1.79769313486231570815e+308");
        assert_eq!(float_text(-0.0), "-0.00000000000000000000e+00");
    }

    #[test]
    fn a_float_needs_digits_on_both_sides_of_a_point() {
        for text in ["1.5", "+1.5", "-2.0e3", "1.0E5", "1.0e-5"] {
            assert!(float(&Bytes::from(text)).is_some(), "{text}");
        }
        for text in ["5", "1e5", ".5", "5.", "nan", "1.0e", "1.0e400", "1.5 ", "inf", "1.0e1.0"] {
            assert!(float(&Bytes::from(text)).is_none(), "{text}");
        }
    }

    #[test]
    fn an_integer_is_digits_alone_and_as_many_as_it_takes() {
        let read = |text: &str| integer(&Bytes::copy_from_slice(text.as_bytes()));
        assert_eq!(read("-42"), Some((-42).into()));
        assert_eq!(read("007"), Some(7.into()));
        assert_eq!(read("9223372036854775807"), Some(i64::MAX.into()));
        let long: num_bigint::BigInt = "123456789012345678901234567890".parse().unwrap();
        assert_eq!(read(&long.to_string()), Some(long.into()));
        for text in ["", "-", "+5", " 5", "5 ", "--5", "1_000", "5;a", "1.0", "x"] {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_flat_list_holds_every_kind_and_marked_strings() {
        let text = Bytes::from("1, \"two\", three, ?1, :aGk=:, 1.5, \"(ao-type-integer) 7\"");
        let list = decode(&"k".into(), Kind::List, &text).unwrap();
        let expected = [
            1.into(),
            "two".into(),
            Atom::from_static("three").into(),
            true.into(),
            "hi".into(),
            1.5.into(),
            7.into(),
        ];
        assert_eq!(list, expected.into_iter().collect());
        assert!(decode(&"k".into(), Kind::List, &Bytes::from("(1 2), 3")).is_err());
    }
}
