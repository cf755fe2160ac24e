//! Lua 5.3 itself, as scripts of assertions that run in the guest.

use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{NoAo, Vm};

async fn passes(name: &str, source: &str) {
    let mut vm = Vm::new(Limits::default()).await.expect("a fresh state");
    if let Err(error) = vm.load(name.as_bytes(), source.as_bytes(), &mut NoAo).await {
        panic!("{error}");
    }
}

macro_rules! scripts {
    ($($name:ident)*) => {$(
        #[tokio::test]
        async fn $name() {
            passes(stringify!($name), include_str!(concat!("../lua/", stringify!($name), ".lua"))).await;
        }
    )*};
}

scripts! { closures coroutines errors goto metatables numbers packing patterns strings tables }
