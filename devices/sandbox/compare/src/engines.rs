//! Runs a program on either engine.

use crate::sandbox::lower::{THROWN, lower};

/// Arguments of the calls that each program gets, one after another on one instance.
const CALLS: [(i32, i32); 4] = [(0, 1), (3, 2), (-1, 7), (100, 0)];

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Returned(i32),
    Thrown,
    Trapped,
}

impl Ending {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Returned(_) => "returned",
            Self::Thrown => "thrown",
            Self::Trapped => "trapped",
        }
    }
}

/// What can be seen after a call.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) ending: Ending,
    global: i32,
    memory: Vec<u8>,
}

pub(crate) struct Engines {
    wasmtime: wasmtime::Engine,
    wasmi: wasmi::Engine,
}

impl Engines {
    pub(crate) fn new() -> Self {
        let mut config = wasmtime::Config::new();
        config.wasm_exceptions(true);
        config.cranelift_nan_canonicalization(true);
        config.cranelift_opt_level(wasmtime::OptLevel::None);
        let wasmtime = wasmtime::Engine::new(&config).expect("wasmtime has exceptions");
        Self { wasmtime, wasmi: wasmi::Engine::default() }
    }

    pub(crate) fn native(&self, text: &str) -> Vec<Step> {
        let wasm = wat::parse_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let module = wasmtime::Module::new(&self.wasmtime, wasm).expect("wasmtime takes it");
        let mut store = wasmtime::Store::new(&self.wasmtime, ());
        let instance = wasmtime::Instance::new(&mut store, &module, &[]).expect("it starts");
        let run = instance.get_typed_func::<(i32, i32), i32>(&mut store, "run").unwrap();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        let global = instance.get_global(&mut store, "g").unwrap();
        let fuel = instance.get_global(&mut store, "fuel").unwrap();
        let mut steps = Vec::new();
        for call in CALLS {
            fuel.set(&mut store, wasmtime::Val::I32(300)).unwrap();
            let ending = match run.call(&mut store, call) {
                Ok(result) => Ending::Returned(result),
                Err(error) if error.is::<wasmtime::ThrownException>() => {
                    store.take_pending_exception();
                    Ending::Thrown
                }
                Err(_) => Ending::Trapped,
            };
            let global = global.get(&mut store).unwrap_i32();
            steps.push(Step { ending, global, memory: memory.data(&store)[..256].to_vec() });
        }
        steps
    }

    pub(crate) fn lowered(&self, text: &str) -> Vec<Step> {
        let wasm = wat::parse_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let lowered = lower(&wasm).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let module =
            wasmi::Module::new(&self.wasmi, &lowered[..]).unwrap_or_else(|e| panic!("{e}\n{text}"));
        let mut store = wasmi::Store::new(&self.wasmi, ());
        let linker = wasmi::Linker::new(&self.wasmi);
        let instance = linker.instantiate_and_start(&mut store, &module).expect("it starts");
        let run = instance.get_typed_func::<(i32, i32), i32>(&store, "run").unwrap();
        let memory = instance.get_memory(&store, "memory").unwrap();
        let global = instance.get_global(&store, "g").unwrap();
        let fuel = instance.get_global(&store, "fuel").unwrap();
        let thrown = instance.get_global(&store, THROWN).unwrap();
        let mut steps = Vec::new();
        for call in CALLS {
            fuel.set(&mut store, wasmi::Val::I32(300)).unwrap();
            let result = run.call(&mut store, call);
            let ending = match (result, thrown.get(&store).i32()) {
                (Ok(result), Some(0)) => Ending::Returned(result),
                (Err(_), Some(0)) => Ending::Trapped,
                (Err(_), _) => Ending::Thrown,
                (Ok(_), tag) => panic!("returned with {tag:?} pending\n{text}"),
            };
            let global = global.get(&store).i32().unwrap();
            steps.push(Step { ending, global, memory: memory.data(&store)[..256].to_vec() });
        }
        steps
    }
}
