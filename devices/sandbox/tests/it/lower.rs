//! Lowered modules do in wasmi what the originals mean.

use std::borrow::Cow;

use oxbeam_sandbox::lower::{THROWN, lower};
use wasmi::{Engine, Instance, Linker, Module, Store, Val, WasmParams, WasmResults};
use wasmparser::{Validator, WasmFeatures};

mod border;
mod legacy;
mod limits;
mod tables;

/// The bytes of a module, lowered, after a look that nothing of the exception proposals is left.
fn lowered(text: &str) -> Vec<u8> {
    let wasm = wat::parse_str(text).expect("the text is a module");
    let lowered = lower(&wasm).expect("the module can be lowered").into_owned();
    validate(&lowered);
    lowered
}

fn validate(wasm: &[u8]) {
    let proposals = WasmFeatures::EXCEPTIONS | WasmFeatures::LEGACY_EXCEPTIONS;
    let validator = Validator::new_with_features(WasmFeatures::WASM3.difference(proposals));
    let mut validator = validator;
    validator.validate_all(wasm).expect("the lowered module is valid without exceptions");
}

/// An instance of a lowered module.
struct Guest {
    store: Store<()>,
    instance: Instance,
}

impl Guest {
    fn new(text: &str) -> Self {
        Self::start(text).expect("the module starts")
    }

    fn start(text: &str) -> Result<Self, wasmi::Error> {
        let engine = Engine::default();
        let module = Module::new(&engine, lowered(text)).expect("wasmi takes the module");
        let mut store = Store::new(&engine, ());
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "twice", |n: i32| n * 2).expect("one function of the name");
        let instance = linker.instantiate_and_start(&mut store, &module)?;
        Ok(Self { store, instance })
    }

    fn call<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &str,
        params: P,
    ) -> Result<R, wasmi::Error> {
        let function = self.instance.get_typed_func::<P, R>(&self.store, name);
        function.expect("an export of the type").call(&mut self.store, params)
    }

    /// Calls a function of i32 to i32.
    fn run(&mut self, name: &str, n: i32) -> i32 {
        self.call(name, n).expect("the call returns")
    }

    fn thrown(&self) -> i32 {
        let global = self.instance.get_global(&self.store, THROWN).expect("the export");
        match global.get(&self.store) {
            Val::I32(thrown) => thrown,
            other => panic!("{other:?} is not a tag"),
        }
    }

    fn forget(&mut self) {
        let global = self.instance.get_global(&self.store, THROWN).expect("the export");
        global.set(&mut self.store, Val::I32(0)).expect("the global is mutable");
    }
}

/// `$thrower` throws `$a` with 10, `$b` with 20 and 0.5, or returns 1, for n of 0, 1, other.
const THROWER: &str = "
    (tag $a (param i32))
    (tag $b (param i64 f64))
    (func $thrower (param $n i32) (result i32)
      local.get $n i32.eqz if i32.const 10 throw $a end
      local.get $n i32.const 1 i32.eq if i64.const 20 f64.const 0.5 throw $b end
      i32.const 1)";

fn guest(functions: &str) -> Guest {
    Guest::new(&format!("(module {THROWER} {functions})"))
}

/// Whether the module was given back as it was.
fn is_untouched(text: &str) -> bool {
    let wasm = wat::parse_str(text).expect("the text is a module");
    matches!(lower(&wasm), Ok(Cow::Borrowed(_)))
}
