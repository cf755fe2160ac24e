//! Bundles of data items.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use oxbeam_protocol::ans104::{Bundle, BundleForm};

fuzz_target!(|input: &[u8]| {
    let input = Bytes::copy_from_slice(input);
    for form in [BundleForm::Reference, BundleForm::Standard] {
        let Ok(bundle) = Bundle::parse(form, &input) else { continue };
        assert_eq!(bundle.to_bytes(form), input, "a bundle has one form of bytes");
        for entry in &bundle.entries {
            if let Ok(item) = entry.parse(form) {
                assert_eq!(form.id(&item), Ok(entry.id));
            }
        }
    }
});
