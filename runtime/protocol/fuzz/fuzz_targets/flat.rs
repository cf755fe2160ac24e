//! Lines `path: value`.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::Value;
use oxbeam_protocol::codec::Flat;
use oxbeam_protocol_fuzz::{flat_message, is_plain, use_everywhere};

fuzz_target!(|input: &[u8]| {
    if let Ok(message) = Flat::decode_text(&Bytes::copy_from_slice(input)) {
        use_everywhere(&message);
    }
    let paths = flat_message(input);
    let paths =
        paths.iter().filter_map(|(key, value)| Some((key.clone(), value.as_bytes()?.clone())));
    let Ok(tabm) = Flat::decode(&paths.collect()) else { return };
    let written = Flat::encode(&tabm).expect("what was read from paths has paths");
    if is_plain(&Value::Map(tabm.clone())) {
        assert_eq!(Flat::decode(&written), Ok(tabm), "the message is another by its own paths");
    }
});
