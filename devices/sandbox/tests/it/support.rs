//! Modules from text, and a host that does as its tests say.

use std::future::Future;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_sandbox::{Guest, Host, HostError, Import, Instance, Limits, Module, Trap, Val};

/// A module from WebAssembly text.
pub(crate) fn module(text: &str) -> Module {
    Module::compile(&wat::parse_str(text).unwrap()).unwrap()
}

/// Runs a future on a runtime of one thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// An instance with default limits and a host that answers zeros.
pub(crate) fn instance(text: &str) -> Instance {
    instance_within(text, Limits::default()).unwrap()
}

/// An instance with a host that answers zeros.
pub(crate) fn instance_within(text: &str, limits: Limits) -> Result<Instance, Trap> {
    block_on(Instance::new(&module(text), limits, &mut Zeros))
}

/// Calls an export whose imports answer zeros.
pub(crate) fn call(
    instance: &mut Instance,
    function: &str,
    arguments: &[Val],
) -> Result<Vec<Val>, Trap> {
    block_on(instance.call(function, arguments, &mut Zeros))
}

/// Answers everything with nothing, which stands for zeros.
#[derive(Debug)]
pub(crate) struct Zeros;

impl Host for Zeros {
    fn call<'a>(
        &'a mut self,
        _: &'a Import,
        _: &'a [Val],
        _: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async { Ok(Vec::new()) }.boxed()
    }
}

/// Counts its calls, and answers each with the sum of its arguments and their number so far, after
/// giving the thread away.
#[derive(Debug, Default)]
pub(crate) struct Adder {
    pub(crate) calls: Vec<(String, Vec<Val>)>,
}

impl Host for Adder {
    fn call<'a>(
        &'a mut self,
        import: &'a Import,
        arguments: &'a [Val],
        _: &'a mut Guest<'_>,
    ) -> BoxFuture<'a, Result<Vec<Val>, HostError>> {
        async move {
            tokio::task::yield_now().await;
            self.calls.push((import.name.to_string(), arguments.to_vec()));
            let sum = arguments.iter().filter_map(Val::address).sum::<u64>();
            Ok(vec![Val::I32(sum as i32 + self.calls.len() as i32)])
        }
        .boxed()
    }
}
