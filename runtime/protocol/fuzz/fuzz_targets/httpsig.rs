//! Headers and bodies of HTTP messages.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::codec::{HttpSig, Links};
use oxbeam_protocol::{NoContent, Value};
use oxbeam_protocol_fuzz::{http_message, use_everywhere};

fuzz_target!(|input: &[u8]| {
    let Ok(message) = HttpSig::decode(&http_message(input)) else { return };
    use_everywhere(&message);
    // Reading cleans up what nobody would write; after one writing it has nothing left to do.
    let codec = HttpSig { links: Links::Embed(&NoContent) };
    let Ok(written) = codec.encode(&message) else { return };
    let Ok(read) = HttpSig::decode(&written) else { return };
    use_everywhere(&read);
    let is_map = matches!(read, Value::Map(_));
    assert!(is_map || matches!(read, Value::List(_)), "headers are a map or a list");
});
