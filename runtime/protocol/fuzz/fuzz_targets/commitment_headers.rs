//! The headers `signature` and `signature-input` over a fixed message: the input is the value of one,
//! a line feed, and the value of the other.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::codec::{HttpMessage, HttpSig};
use oxbeam_protocol::commitment::Commitment;
use oxbeam_protocol_fuzz::use_everywhere;

fuzz_target!(|input: &[u8]| {
    let (signature, signature_input) = match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input[..at], &input[at + 1..]),
        None => (input, input),
    };
    let headers = [("signature", signature), ("signature-input", signature_input)];
    let headers = headers.map(|(name, value)| (name, Bytes::copy_from_slice(value)));
    let fixed = [("a", "1"), ("path", "/x"), ("child+link", "cjJRWmxyWHpTaHRrUFhOb3ZJX1BuTlc3")];
    let fixed = fixed.map(|(name, value)| (name, Bytes::from_static(value.as_bytes())));
    let mut http: HttpMessage = headers.into_iter().chain(fixed).collect();
    http.body = Some(Bytes::from_static(b"body"));
    let Ok(message) = HttpSig::decode(&http) else { return };
    use_everywhere(&message);
    for commitment in message.as_map().into_iter().flat_map(Commitment::all) {
        assert!(commitment.signature().is_some(), "a commitment without its signature");
    }
});
