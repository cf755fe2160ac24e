//! The library `ao`, and what is done to a state before a script is called.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use oxbeam_protocol::{List, Message, Value};
use oxbeam_sandbox::lua::{AoError, AoFunction, AoHost, Context, LuaError, NoAo, SANDBOXED, Vm};
use oxbeam_sandbox::{HOST_CALL_FUEL, Trap};

use crate::lua::{integer, raised, vm};

/// Notes what it is asked, and answers as the first argument says.
#[derive(Debug, Default)]
struct Answers {
    asked: Vec<(AoFunction, Vec<Value>)>,
    printed: Vec<String>,
}

impl AoHost for Answers {
    fn ao<'a>(
        &'a mut self,
        function: AoFunction,
        arguments: Vec<Value>,
    ) -> BoxFuture<'a, Result<Vec<Value>, AoError>> {
        async move {
            // As a device does that waits for others.
            tokio::task::yield_now().await;
            self.asked.push((function, arguments.clone()));
            match arguments.first() {
                Some(Value::Bytes(text)) if text == "raise" => {
                    Err(AoError::Raise(Bytes::from_static(b"not today")))
                }
                Some(Value::Bytes(text)) if text == "abort" => {
                    Err(AoError::Abort("no device".into()))
                }
                Some(Value::Bytes(text)) if text == "nested" => self.nested().await,
                Some(Value::Bytes(text)) if text == "nothing" => Ok(Vec::new()),
                _ => Ok([Value::from_static("ok")].into_iter().chain(arguments).collect()),
            }
        }
        .boxed()
    }

    fn print(&mut self, text: &[u8]) {
        self.printed.push(String::from_utf8_lossy(text).into_owned());
    }
}

impl Answers {
    /// Answers with what another script says, which asks this host too.
    async fn nested(&mut self) -> Result<Vec<Value>, AoError> {
        let abort = |error: LuaError| AoError::Abort(error.into());
        let mut inner = vm("function f() return ao.resolve('inner') end").await;
        inner.install_ao().await.map_err(abort)?;
        inner.call(b"f", Vec::new(), Context::default(), self).await.map_err(abort)
    }
}

/// A state with `ao` whose function `f` is this.
async fn with_ao(body: &str) -> Vm {
    let mut vm = vm(&format!("function f(...) {body} end")).await;
    vm.install_ao().await.expect("it installs");
    vm
}

async fn ask(body: &str, arguments: Vec<Value>) -> (Result<Vec<Value>, LuaError>, Answers) {
    let mut host = Answers::default();
    let result = with_ao(body).await.call(b"f", arguments, Context::default(), &mut host).await;
    (result, host)
}

fn text(text: &'static str) -> Value {
    Value::from_static(text)
}

#[tokio::test]
async fn each_function_reaches_the_host_and_gives_what_it_answers() {
    let (result, host) = ask(
        "local status, path = ao.resolve({path = '/x'})
        assert(status == 'ok' and path.path == '/x')
        assert(select('#', ao.get('key', {key = 1})) == 3)
        local _, base = ao.set({a = 1}, 'b', 2)
        return base, select(2, ao.event('group', {1.5, true}))",
        Vec::new(),
    )
    .await;
    let base = Message::new().with("a", integer(1));
    let floats: List = [Value::Float(1.5), Value::from(true)].into_iter().collect();
    assert_eq!(
        result.expect("it returns"),
        [Value::Map(base.clone()), text("group"), Value::List(floats.clone())]
    );
    let asked = [
        (AoFunction::Resolve, vec![Value::Map(Message::new().with("path", text("/x")))]),
        (AoFunction::Get, vec![text("key"), Value::Map(Message::new().with("key", integer(1)))]),
        (AoFunction::Set, vec![Value::Map(base), text("b"), integer(2)]),
        (AoFunction::Event, vec![text("group"), Value::List(floats)]),
    ];
    assert_eq!(host.asked, asked);
}

#[tokio::test]
async fn an_answer_may_be_nothing() {
    let (result, _) = ask("return select('#', ao.get('nothing', {}))", Vec::new()).await;
    assert_eq!(result.expect("it returns"), [Value::Float(0.0)]);
}

#[tokio::test]
async fn an_error_of_the_host_can_be_caught() {
    let (result, _) = ask("return pcall(ao.resolve, 'raise')", Vec::new()).await;
    assert_eq!(result.expect("it is caught"), [Value::from(false), text("not today")]);
    let (result, _) = ask("ao.resolve('raise')", Vec::new()).await;
    let error = raised(result);
    assert_eq!(error.message, "not today");
    assert_eq!(error.line().map(AsRef::as_ref), Some(&b"main.lua:1"[..]));
}

#[tokio::test]
async fn a_crash_of_the_host_ends_the_call_until_it_is_rolled_back() {
    let mut vm = with_ao("pcall(ao.resolve, ...) return 'still here'").await;
    let before = vm.snapshot().expect("between calls");
    let mut host = Answers::default();
    let ended = vm.call(b"f", vec![text("abort")], Context::default(), &mut host).await;
    match ended {
        Err(LuaError::Trap(Trap::Host { source, .. })) => {
            assert_eq!(source.to_string(), "no device")
        }
        other => panic!("{other:?}"),
    }
    let again = vm.call(b"f", vec![text("x")], Context::default(), &mut host).await;
    assert!(matches!(again, Err(LuaError::Broken)), "{again:?}");
    vm.roll_back(&before).expect("it is its own");
    let again = vm.call(b"f", vec![text("x")], Context::default(), &mut host).await;
    assert_eq!(again.expect("it returns"), [text("still here")]);
}

#[tokio::test]
async fn a_host_may_run_another_script_for_the_answer() {
    let (result, host) = ask("return ao.resolve('nested')", Vec::new()).await;
    assert_eq!(result.expect("it returns"), [text("ok"), text("inner")]);
    assert_eq!(host.asked.len(), 2);
}

#[tokio::test]
async fn functions_of_ao_work_inside_coroutines_and_protected_calls() {
    let (result, _) = ask(
        "local coroutine = require 'coroutine'
        local step = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(select(2, ao.resolve(i))) end end)
        local ok, sum = pcall(function() return step() + step() + step() end)
        return ok, sum",
        Vec::new(),
    )
    .await;
    assert_eq!(result.expect("it returns"), [Value::from(true), integer(6)]);
}

#[tokio::test]
async fn large_values_go_there_and_back() {
    let long = Value::from(vec![b'x'; 3 << 20]);
    let many: List = (0..20_000).map(|n| Value::from(format!("value {n}"))).collect();
    let big = Value::Integer(num_bigint::BigInt::from(1) << 200_u32);
    let arguments = vec![long, Value::List(many), big];
    let (result, _) = ask("return select(2, ao.resolve(...))", arguments.clone()).await;
    assert!(result.expect("it returns") == arguments, "something was lost");
}

#[tokio::test]
async fn what_a_script_prints_goes_to_the_host() {
    let (result, host) = ask("print('a', 1, 2.5, nil) io.write('b', 2) return 1", Vec::new()).await;
    result.expect("it returns");
    assert_eq!(host.printed, ["a\t1\t2.5\tnil", "b2"]);
}

#[tokio::test]
async fn ao_joins_the_table_that_the_script_made_in_a_new_one() {
    let mut vm = vm("ao = {send = function() return 'sent' end, get = 'replaced', id = 7}
        local old = ao
        function f()
            local keys = {}
            for key in pairs(ao) do keys[#keys + 1] = key end
            return table.concat(keys, ','), ao.send(), type(ao.get), old == ao, old.resolve
        end")
    .await;
    vm.install_ao().await.expect("it installs");
    let results = vm.call(b"f", Vec::new(), Context::default(), &mut NoAo).await;
    let nil = Value::Atom(oxbeam_protocol::Atom::from_static("nil"));
    assert_eq!(
        results.expect("it returns"),
        [
            text("event,get,id,resolve,send,set"),
            text("sent"),
            text("function"),
            Value::from(false),
            nil
        ]
    );
}

#[tokio::test]
async fn the_sandbox_replaces_what_is_listed_and_nothing_else() {
    let mut vm = vm("function f()
            local found = {}
            for _, name in ipairs{'io', 'package', 'loadfile', 'require', 'dofile', 'load', 'loadstring'} do
                found[#found + 1] = _G[name]
            end
            for _, name in ipairs{'execute', 'exit', 'getenv', 'remove', 'rename', 'tmpname'} do
                found[#found + 1] = os[name]
            end
            return table.concat(found, ' '), file, type(os.time), type(print), type(math.random), pcall(load, 'x')
        end")
    .await;
    vm.sandbox(SANDBOXED.map(|path| (path, text("sandboxed")))).await.expect("it replaces");
    let results = vm.call(b"f", Vec::new(), Context::default(), &mut NoAo).await;
    let results = results.expect("it returns");
    assert_eq!(results[0], Value::from(["sandboxed"; 13].join(" ")));
    assert_eq!(
        results[1..5],
        [text("sandboxed"), text("function"), text("function"), text("function")]
    );
    assert_eq!(results[5..], [Value::from(false), text("undefined function 'sandboxed'")]);
}

#[tokio::test]
async fn a_sandbox_replaces_by_any_value_and_ignores_paths_to_nowhere() {
    let mut vm = vm("a = {b = {c = 1}} n = 5 function f() return a.b.c, n, x end").await;
    let replacements = [("a.b.c", integer(2)), ("n.m.o", integer(3)), ("x.y", integer(4))];
    vm.sandbox(replacements).await.expect("it replaces");
    let results = vm.call(b"f", Vec::new(), Context::default(), &mut NoAo).await;
    let nil = Value::Atom(oxbeam_protocol::Atom::from_static("nil"));
    assert_eq!(results.expect("it returns"), [integer(2), integer(5), nil]);
}

#[tokio::test]
async fn functions_are_listed_by_the_bytes_of_their_names() {
    let mut vm =
        vm("function zeta() end function Alpha() end _G['credit-notice'] = print x = 1").await;
    let names = vm.functions().await.expect("between calls");
    assert!(names.is_sorted(), "{names:?}");
    for name in ["Alpha", "credit-notice", "zeta", "print", "eprint", "loadstring"] {
        assert!(names.contains(&Bytes::from_static(name.as_bytes())), "{name}");
    }
    assert!(!names.iter().any(|name| name == "x" || name == "string"), "{names:?}");
}

#[tokio::test]
async fn random_numbers_follow_from_the_seed() {
    async fn drawn(seed: Option<i64>) -> Vec<Value> {
        let mut vm = vm("function f() return math.random(1 << 30), math.random(1 << 30) end").await;
        if let Some(seed) = seed {
            vm.seed(seed).await.expect("between calls");
        }
        vm.call(b"f", Vec::new(), Context::default(), &mut NoAo).await.expect("it returns")
    }
    assert_eq!(drawn(Some(1)).await, drawn(Some(1)).await);
    assert_eq!(drawn(None).await, drawn(None).await);
    assert_ne!(drawn(Some(1)).await, drawn(Some(2)).await);
    assert_ne!(drawn(Some(1)).await, drawn(None).await);
}

/// How often a call gave its thread away before it ended.
async fn turns<T>(call: impl Future<Output = T>) -> (T, usize) {
    let mut call = std::pin::pin!(call);
    let mut turns = 0;
    let result = std::future::poll_fn(|context| {
        turns += 1;
        call.as_mut().poll(context)
    });
    (result.await, turns)
}

const LARGE: &str = "local s = string.rep('x', 8000000) for i = 1, ... do ao.event(s) end";

#[tokio::test]
async fn what_is_handed_to_the_host_costs_fuel_by_its_size() {
    let mut vm = with_ao(LARGE).await;
    vm.call(b"f", vec![integer(0)], Context::default(), &mut NoAo).await.expect("it returns");
    let none = vm.fuel_used();
    let event = vec![integer(1)];
    let mut host = Answers::default();
    vm.call(b"f", event, Context::default(), &mut host).await.expect("it returns");
    let one = vm.fuel_used() - none;
    // Out of the guest, and into it again: this host says what it was told.
    assert!(one > 2 * 8_000_000 / 8, "an event of 8 MB costs {one} of fuel");
}

#[tokio::test]
async fn a_script_that_does_nothing_but_call_its_host_gives_its_thread_away() {
    let mut vm = with_ao(LARGE).await;
    let mut host = Answers::default();
    let call = vm.call(b"f", vec![integer(20)], Context::default(), &mut host);
    let (result, turns) = turns(call).await;
    result.expect("it returns");
    assert!(turns > 100, "160 MB crossed the border in {turns} turns");
}

#[tokio::test]
async fn a_call_to_the_host_costs_a_script_what_it_costs_other_guests() {
    let mut vm = with_ao("for i = 1, ... do ao.event('x') end").await;
    let mut host = Answers::default();
    let calls = vec![integer(1000)];
    vm.call(b"f", calls, Context::default(), &mut host).await.expect("it returns");
    let each = vm.fuel_used() / 1000;
    assert!(each > HOST_CALL_FUEL, "a call costs {each} of fuel");
}

#[tokio::test]
async fn a_table_that_is_named_over_and_over_is_no_more_than_the_values_it_stands_for() {
    let table = "local one, all = {}, {}
        for i = 1, 1050 do one[i] = true end
        for i = 1, 1000 do all[i] = one end ";
    for last in ["return all", "ao.event(all)"] {
        let (result, _) = ask(&format!("{table}{last}"), Vec::new()).await;
        let error = result.expect_err("1 050 000 values").to_string();
        assert_eq!(error, "more than 1048576 values left the script at once", "{last}");
    }
}
