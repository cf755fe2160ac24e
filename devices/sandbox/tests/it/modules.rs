//! The cache of compiled modules.

use std::sync::Barrier;
use std::thread;

use oxbeam_sandbox::{Modules, Val, Zeros};

use crate::support::block_on;

fn wasm(number: i32) -> Vec<u8> {
    wat::parse_str(format!(r#"(module (func (export "n") (result i32) (i32.const {number})))"#))
        .unwrap()
}

#[test]
fn a_module_is_compiled_once_for_all_who_ask_at_once() {
    let modules = Modules::new(1 << 20);
    let barrier = Barrier::new(8);

    let ids: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    modules.compile(&wasm(1)).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    assert!(ids.iter().all(|module| module.is_same(&ids[0])));
}

#[test]
fn what_was_used_longest_ago_leaves_first() {
    let modules = Modules::new(2 * (1_024 + wasm(1).len()));
    let first = modules.compile(&wasm(1)).unwrap();
    let second = modules.compile(&wasm(2)).unwrap();
    assert!(modules.get(&first.id()).is_some(), "used again");

    modules.compile(&wasm(3)).unwrap();

    assert!(modules.get(&first.id()).is_some());
    assert!(modules.get(&second.id()).is_none());
}

#[test]
fn a_module_larger_than_the_cache_still_runs() {
    let modules = Modules::new(0);

    let module = modules.compile(&wasm(7)).unwrap();

    let mut instance =
        block_on(oxbeam_sandbox::Instance::new(&module, Default::default(), &mut Zeros)).unwrap();
    assert_eq!(block_on(instance.call("n", &[], &mut Zeros)).unwrap(), [Val::I32(7)]);
}

#[test]
fn a_refusal_is_the_same_the_second_time() {
    let modules = Modules::new(1 << 20);

    assert_eq!(
        modules.compile(b"no module").unwrap_err(),
        modules.compile(b"no module").unwrap_err()
    );
}
