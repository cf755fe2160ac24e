//! RSA keys as JSON Web Keys. Source: RFC 7517; RFC 7518, section 6.3.

use ::base64::Engine;
use ::base64::engine::general_purpose::URL_SAFE_NO_PAD;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::{WalletError, der, factors};
use crate::signature::rsa::{EXPONENT, is_modulus};

/// The members that hold numbers, in the order of RFC 8017's private key.
const MEMBERS: [&str; 8] = ["n", "e", "d", "p", "q", "dp", "dq", "qi"];

type Number = Zeroizing<Vec<u8>>;

pub(super) fn read(text: &str) -> Result<KeyPair, WalletError> {
    let mut members: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
        // The library's own text may quote the input.
        WalletError::Json { line: error.line(), column: error.column() }
    })?;
    let pair = from_members(&mut members);
    members.values_mut().for_each(wipe);
    pair
}

fn from_members(members: &mut Map<String, Value>) -> Result<KeyPair, WalletError> {
    if members.get("kty").and_then(Value::as_str) != Some("RSA") {
        return Err(WalletError::Member { member: "kty" });
    }
    let [n, e, d, p, q, dp, dq, qi] = MEMBERS.map(|member| number(members, member));
    let [n, e, d] = required([("n", n?), ("e", e?), ("d", d?)])?;
    if *e != EXPONENT || !is_modulus(&n) {
        return Err(WalletError::Inconsistent);
    }
    let [p, q, dp, dq, qi] = match [p?, q?, dp?, dq?, qi?] {
        [Some(p), Some(q), Some(dp), Some(dq), Some(qi)] => [p, q, dp, dq, qi],
        _ => factors::crt_numbers(&n, &e, &d).ok_or(WalletError::Inconsistent)?,
    };
    let components = KeyPairComponents {
        public_key: PublicKeyComponents { n, e },
        d,
        p,
        q,
        dP: dp,
        dQ: dq,
        qInv: qi,
    };
    KeyPair::from_components(&components).map_err(|_| WalletError::Inconsistent)
}

fn required(numbers: [(&'static str, Option<Number>); 3]) -> Result<[Number; 3], WalletError> {
    let [n, e, d] = numbers.map(|(member, number)| number.ok_or(WalletError::Member { member }));
    Ok([n?, e?, d?])
}

/// The number of a member, or `None` if there is no such member.
fn number(
    members: &Map<String, Value>,
    member: &'static str,
) -> Result<Option<Number>, WalletError> {
    let malformed = WalletError::Member { member };
    match members.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => {
            // Not this crate's lenient reader, which may leave a copy of the text behind.
            let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
            Ok(Some(Zeroizing::new(bytes.map_err(|_| malformed)?)))
        }
        Some(_) => Err(malformed),
    }
}

/// Zeroes the texts of one member; arrays and maps hold no number that was read.
fn wipe(value: &mut Value) {
    if let Value::String(text) = value {
        text.zeroize();
    }
}

pub(super) fn write(pair: &KeyPair) -> Result<Zeroizing<String>, WalletError> {
    let document = pair.as_der().map_err(|_| WalletError::Library)?;
    let numbers = der::private_numbers(document.as_ref()).ok_or(WalletError::Library)?;
    // Room for all members at once: a string that grows would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(document.as_ref().len() * 2));
    text.push_str(r#"{"kty":"RSA""#);
    for (member, number) in MEMBERS.iter().zip(numbers) {
        text.extend([",\"", member, "\":\""]);
        URL_SAFE_NO_PAD.encode_string(number, &mut text);
        text.push('"');
    }
    text.push('}');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rsa::KeySize;
    use aws_lc_rs::signature::KeyPair as _;

    use super::*;

    fn written() -> (KeyPair, Map<String, Value>) {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let members = serde_json::from_str(&write(&pair).unwrap()).unwrap();
        (pair, members)
    }

    fn read_members(members: &Map<String, Value>) -> Result<KeyPair, WalletError> {
        read(&serde_json::to_string(members).unwrap())
    }

    #[test]
    fn a_key_without_its_crt_members_is_read_and_written_with_them() {
        let (pair, members) = written();
        let mut short = members.clone();
        for absent in [["p", "q"].as_slice(), &["dp"], &["dq", "qi"]] {
            absent.iter().for_each(|member| drop(short.remove(*member)));
            let read = read_members(&short).unwrap();
            assert_eq!(read.public_key().as_ref(), pair.public_key().as_ref());
            let read = read_members(&serde_json::from_str(&write(&read).unwrap()).unwrap());
            assert!(read.is_ok());
        }
    }

    #[test]
    fn members_that_are_missing_or_malformed_are_named() {
        let (_, members) = written();
        for member in ["kty", "n", "e", "d"] {
            let mut short = members.clone();
            short.remove(member);
            assert_eq!(read_members(&short).unwrap_err(), WalletError::Member { member });
        }
        for wrong in [Value::from("no base64!"), Value::from(5), Value::Null] {
            let mut malformed = members.clone();
            malformed.insert("dq".into(), wrong);
            let expected = WalletError::Member { member: "dq" };
            assert_eq!(read_members(&malformed).unwrap_err(), expected);
        }
    }

    #[test]
    fn numbers_that_do_not_agree_are_refused() {
        let (_, members) = written();
        let (_, other) = written();
        for member in ["n", "d", "p", "dp", "qi"] {
            let mut mixed = members.clone();
            mixed.insert(member.into(), other[member].clone());
            assert_eq!(read_members(&mixed).unwrap_err(), WalletError::Inconsistent, "{member}");
        }
        let mut exponent_three = members;
        exponent_three.insert("e".into(), "Aw".into());
        assert_eq!(read_members(&exponent_three).unwrap_err(), WalletError::Inconsistent);
    }

    #[test]
    fn numbers_of_no_key_are_refused_though_nothing_is_missing_to_derive() {
        let garbage = r#"{"kty":"RSA","n":"AQAB","e":"AQAB","d":"Aw"}"#;
        assert_eq!(read(garbage).unwrap_err(), WalletError::Inconsistent);
    }
}
