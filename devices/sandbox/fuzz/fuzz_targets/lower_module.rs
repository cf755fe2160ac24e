//! Modules as they come, and modules that are valid: what is lowered is valid without exceptions.

#![no_main]

use libfuzzer_sys::{
    arbitrary::{Arbitrary, Unstructured},
    fuzz_target,
};
use oxbeam_sandbox::lower::lower;
use wasmparser::{Validator, WasmFeatures};

fuzz_target!(|input: &[u8]| {
    check(input);
    if let Ok(module) = wasm_smith::Module::arbitrary(&mut Unstructured::new(input)) {
        check(&module.to_bytes());
    }
});

fn check(wasm: &[u8]) {
    let Ok(lowered) = lower(wasm) else { return };
    let exceptions = WasmFeatures::EXCEPTIONS | WasmFeatures::LEGACY_EXCEPTIONS;
    let features = WasmFeatures::WASM3.difference(exceptions);
    let valid = Validator::new_with_features(features).validate_all(&lowered).map(drop);
    assert!(valid.is_ok(), "lowering broke the module: {valid:?}");
}
