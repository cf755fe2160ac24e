//! Modules as they come, and modules that are valid: compiled, started and called within tight limits,
//! they end, take what they may, and go on from a snapshot as they do without one.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::{
    arbitrary::{Arbitrary, Unstructured},
    fuzz_target,
};
use oxbeam_sandbox::{ExportKind, Instance, Limits, Module, Trap, Val, Zeros};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime without drivers"));

fuzz_target!(|input: &[u8]| {
    run(input);
    if let Ok(module) = wasm_smith::Module::arbitrary(&mut Unstructured::new(input)) {
        run(&module.to_bytes());
    }
});

fn limits(slice: u64) -> Limits {
    Limits { fuel: 50_000, slice, memory_bytes: 1 << 20, table_elements: 1_000, suspended_calls: 4 }
}

fn run(wasm: &[u8]) {
    let Ok(module) = Module::compile(wasm) else { return };
    let make = |slice| RUNTIME.block_on(Instance::new(&module, limits(slice), &mut Zeros));
    let (Ok(mut whole), Ok(mut sliced)) = (make(50_000), make(97)) else { return };
    for export in module.exports().iter().take(8) {
        let ExportKind::Function(signature) = &export.kind else { continue };
        let Some(arguments) = signature.params.iter().map(|ty| Val::zero(*ty)).collect() else {
            continue;
        };
        let arguments: Vec<Val> = arguments;
        let call = |instance: &mut Instance| {
            RUNTIME.block_on(instance.call(&export.name, &arguments, &mut Zeros))
        };
        let (expected, found) = (call(&mut whole), call(&mut sliced));
        assert!(!matches!(expected, Err(Trap::Engine { .. })), "{expected:?}");
        assert_eq!(format!("{expected:?}"), format!("{found:?}"));
        assert_eq!(whole.fuel_used(), sliced.fuel_used());
        let snapshot = whole.snapshot().expect("no call is open");
        assert_eq!(snapshot, sliced.snapshot().expect("no call is open"));
        sliced = Instance::restore(&module, &snapshot, limits(97)).expect("it fitted before");
    }
}
