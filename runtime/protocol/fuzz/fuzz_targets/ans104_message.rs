//! Messages in data items: the input as an item, as the rest of one, and as a message to write.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::ans104::Item;
use oxbeam_protocol::codec::{Ans104, Links};
use oxbeam_protocol::{Id, NoContent};
use oxbeam_protocol_fuzz::{tabm, use_everywhere};

fuzz_target!(|input: &[u8]| {
    check(input);
    let links = Links::Embed(&NoContent);
    if let Ok(bytes) = (Ans104 { links }).encode(&tabm(input).into()) {
        check(&bytes);
    }
    // Without the thousand bytes of signature and owner, which say nothing about the message.
    let bare: Option<(&[u8; 2], &[u8])> = input.split_first_chunk();
    if let Some(([number, filler], rest)) = bare {
        let [signature, owner] = match number {
            2 | 4 => [64, 32],
            3 => [65, 65],
            _ => [512, 512],
        };
        let header = vec![*filler; signature + owner];
        check(&[[(*number).clamp(1, 4), 0].as_slice(), &header, rest].concat());
    }
});

fn check(bytes: &[u8]) {
    let Ok(item) = Item::parse(Bytes::copy_from_slice(bytes)) else { return };
    let Ok(message) = Ans104::decode_item(&item) else { return };
    use_everywhere(&message);
    for links in [Links::Discard, Links::Embed(&NoContent)] {
        let Ok(written) = (Ans104 { links }).encode_item(&message) else { continue };
        if let Ok(read) = Ans104::decode_item(&written) {
            use_everywhere(&read);
        }
        let _: Id = written.unsigned_id();
    }
}
