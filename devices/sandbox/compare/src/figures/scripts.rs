//! Lua, beside Debian's `lua5.3`.

use oxbeam_protocol::Value;
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{Context, NoAo, Vm};
use tokio::runtime::Runtime;

#[path = "../../../benches/lua/scripts.rs"]
mod shared;

pub(crate) use shared::PROCESS;

use crate::{medians, ratio, shown, time};

pub(crate) fn print() {
    println!("| Lua | Oxbeam | native `lua5.3` | ratio |");
    println!("|---|---|---|---|");
    for (name, source) in shared::SCRIPTS {
        let mut script = Script::new(source);
        let mut call = || time(|| script.call("run", Vec::new(), false));
        if shared::native(source, 1).is_none() {
            println!("| {name} | {} | not installed | – |", shown(medians([&mut call])[0]));
            continue;
        }
        let mut native = || shared::native(source, 1).unwrap();
        let [ours, native] = medians([&mut call, &mut native]);
        println!("| {name} | {} | {} | {} |", shown(ours), shown(native), ratio(ours, native));
    }
    let [fresh] = medians([&mut || time(|| Script::new(""))]);
    println!("| cold start: a fresh state with its libraries | {} | – | – |", shown(fresh));
}

/// A state that has run a chunk.
pub(crate) struct Script {
    pub(crate) vm: Vm,
    runtime: Runtime,
}

impl Script {
    pub(crate) fn new(source: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let vm = runtime.block_on(async {
            let mut vm = Vm::new(Limits::default()).await.unwrap();
            vm.load(b"bench.lua", source.as_bytes(), &mut NoAo).await.unwrap();
            vm
        });
        Self { vm, runtime }
    }

    /// The last result of a function.
    pub(crate) fn call(&mut self, function: &str, arguments: Vec<Value>, keep: bool) -> Value {
        let context = Context { keep, ..Context::default() };
        let mut host = NoAo;
        let results = self.vm.call(function.as_bytes(), arguments, context, &mut host);
        self.runtime.block_on(results).unwrap().pop().unwrap()
    }
}
