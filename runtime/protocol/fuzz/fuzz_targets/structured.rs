//! TABMs of any shape.

#![no_main]

use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::commitment::unsigned_id;
use oxbeam_protocol::{NoContent, Value};
use oxbeam_protocol_fuzz::{is_plain, tabm, use_everywhere};

fuzz_target!(|input: &[u8]| {
    let tabm = Value::Map(tabm(input));
    let Ok(rich) = Structured::decode(&tabm) else { return };
    use_everywhere(&rich);
    if !is_plain(&rich) {
        return;
    }
    let written = Structured { links: Links::Embed(&NoContent) }.encode(&rich);
    // The text of an atom need not be one that is read as an atom.
    let Ok(Ok(read)) = written.map(|tabm| Structured::decode(&tabm)) else { return };
    assert_eq!(read, rich, "the message is another when it was written and read");
    let linked = Structured { links: Links::Discard }.encode(&rich);
    let linked = linked.ok().and_then(|tabm| Structured::decode(&tabm).ok());
    if let Some(linked) = linked {
        assert_eq!(unsigned_id(&linked), unsigned_id(&rich), "links change the id");
    }
});
