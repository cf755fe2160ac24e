//! WebAssembly, beside wasmtime: its compiler at its best, and with the fuel that preempts guests.

use std::time::Duration;

use oxbeam_sandbox::{Instance, Limits, Module, Val, Zeros};
use tokio::runtime::Runtime;

use crate::{medians, ratio, shown, time};

const PROGRAMS: &str = include_str!("../../../benches/guest.wat");

pub(crate) fn print() {
    let wasm = wat::parse_str(PROGRAMS).unwrap();
    println!("| WebAssembly | Oxbeam | wasmtime | ratio | wasmtime with fuel | ratio |");
    println!("|---|---|---|---|---|---|");
    let mut guest = Guest::new(&wasm);
    let mut plain = Compiled::new(&wasm, false);
    let mut metered = Compiled::new(&wasm, true);
    for (name, function, argument) in [
        ("`fib(30)`", "fib", Number::Long(30)),
        ("sieve of 5 000 000", "sieve", Number::Word(5_000_000)),
    ] {
        row(name, [
            &mut || time(|| guest.call(function, argument)),
            &mut || time(|| plain.call(function, argument)),
            &mut || time(|| metered.call(function, argument)),
        ]);
    }
    row("cold start: compile, instantiate, call", [
        &mut || time(|| Guest::new(&wasm).call("fib", Number::Long(1))),
        &mut || time(|| Compiled::new(&wasm, false).call("fib", Number::Long(1))),
        &mut || time(|| Compiled::new(&wasm, true).call("fib", Number::Long(1))),
    ]);
    let empty = Number::Word(10_000_000);
    let spent = time(|| guest.call("spin", empty));
    let slices = guest.instance.fuel_used() as f64 / Limits::default().slice as f64;
    let slice = spent.div_f64(slices);
    println!("\nA slice of {} units of fuel, of an empty loop: {}", Limits::default().slice, shown(slice));
}

fn row(name: &str, works: [&mut dyn FnMut() -> Duration; 3]) {
    let [ours, plain, metered] = medians(works);
    let (plain_ratio, metered_ratio) = (ratio(ours, plain), ratio(ours, metered));
    let [ours, plain, metered] = [ours, plain, metered].map(shown);
    println!("| {name} | {ours} | {plain} | {plain_ratio} | {metered} | {metered_ratio} |");
}

/// The one argument of a program.
#[derive(Clone, Copy)]
enum Number {
    Word(i32),
    Long(i64),
}

/// An instance in the sandbox, with its slices, budget and limits.
struct Guest {
    instance: Instance,
    runtime: Runtime,
}

impl Guest {
    fn new(wasm: &[u8]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let module = Module::compile(wasm).unwrap();
        let instance = runtime.block_on(Instance::new(&module, Limits::default(), &mut Zeros));
        Self { instance: instance.unwrap(), runtime }
    }

    fn call(&mut self, function: &str, argument: Number) -> Vec<Val> {
        let argument = match argument {
            Number::Word(number) => Val::I32(number),
            Number::Long(number) => Val::I64(number),
        };
        self.runtime.block_on(self.instance.call(function, &[argument], &mut Zeros)).unwrap()
    }
}

/// An instance compiled to the machine's own code.
struct Compiled {
    store: wasmtime::Store<()>,
    instance: wasmtime::Instance,
}

impl Compiled {
    fn new(wasm: &[u8], metered: bool) -> Self {
        let mut config = wasmtime::Config::new();
        config.cranelift_nan_canonicalization(true).consume_fuel(metered);
        let engine = wasmtime::Engine::new(&config).unwrap();
        let module = wasmtime::Module::new(&engine, wasm).unwrap();
        let mut linker = wasmtime::Linker::new(&engine);
        linker.define_unknown_imports_as_traps(&module).unwrap();
        let mut store = wasmtime::Store::new(&engine, ());
        if metered {
            store.set_fuel(u64::MAX).unwrap();
        }
        let instance = linker.instantiate(&mut store, &module).unwrap();
        Self { store, instance }
    }

    fn call(&mut self, function: &str, argument: Number) -> wasmtime::Val {
        let argument = match argument {
            Number::Word(number) => wasmtime::Val::I32(number),
            Number::Long(number) => wasmtime::Val::I64(number),
        };
        let function = self.instance.get_func(&mut self.store, function).unwrap();
        let mut results = [wasmtime::Val::I32(0)];
        let count = function.ty(&self.store).results().len();
        function.call(&mut self.store, &[argument], &mut results[..count]).unwrap();
        results[0]
    }
}
