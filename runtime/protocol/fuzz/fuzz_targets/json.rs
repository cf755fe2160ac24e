//! JSON text.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::NoContent;
use oxbeam_protocol::codec::{Json, Links};
use oxbeam_protocol_fuzz::{is_plain, use_everywhere};

fuzz_target!(|input: &[u8]| {
    let Ok(message) = Json::decode(&Bytes::copy_from_slice(input)) else { return };
    use_everywhere(&message);
    let Ok(text) = (Json { links: Links::Embed(&NoContent) }).encode(&message) else { return };
    let Ok(read) = Json::decode(&text.into()) else { return };
    if is_plain(&message) {
        assert_eq!(read, message, "the message is another when it was written and read");
    }
});
