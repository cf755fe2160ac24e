//! The bytes of data items.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::ans104::Item;

fuzz_target!(|input: &[u8]| {
    let Ok(item) = Item::parse(Bytes::copy_from_slice(input)) else { return };
    let _ = item.verify();
    let _ = item.public_key();
    assert_eq!(item.signed_id().is_some(), item.is_signed());
    // What is read may be longer than what is written.
    let Ok(bytes) = item.to_bytes() else { return };
    let read = Item::parse(bytes.clone());
    assert_eq!(read.as_ref(), Ok(&item), "the item is another when it was written and read");
    assert_eq!(read.map(|item| item.unsigned_id()), Ok(item.unsigned_id()));
    assert_eq!(item.to_bytes(), Ok(bytes));
});
