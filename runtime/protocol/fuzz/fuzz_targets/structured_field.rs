//! Structured fields, and the typed values that are written as such.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::Key;
use oxbeam_protocol::codec::decode_typed;
use oxbeam_protocol::structured_field::{Bare, dictionary, item, list, write_bytes, write_text};

fuzz_target!(|input: &[u8]| {
    let field = Bytes::copy_from_slice(input);
    let errors = [dictionary(&field).err(), list(&field).err(), item(&field).err()];
    for error in errors.into_iter().flatten() {
        assert!(error.at <= field.len(), "an error behind the end of the field");
    }
    for kind in ["integer", "float", "atom", "list", "map"] {
        let _ = decode_typed(&Key::from_static("key"), kind.as_bytes(), &field);
    }
    let written = |write: fn(&mut Vec<u8>, &[u8])| {
        let mut text = Vec::new();
        write(&mut text, &field);
        item(&text.into()).map(|item| item.bare)
    };
    assert_eq!(written(write_bytes), Ok(Bare::Bytes(field.to_vec())));
    if field.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        assert_eq!(written(write_text), Ok(Bare::Text(field.clone())));
    }
});
