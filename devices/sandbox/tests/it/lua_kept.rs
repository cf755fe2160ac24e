//! The state stays in the guest, and nobody sees that.

use std::time::{Duration, Instant};

use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{Context, Crossed, NoAo, Vm};

use crate::lua::{eval, integer, raised, vm};

const KEEP: Context = Context { time: 0.0, keep: true };

const SCRIPT: &str = "
function step(base, request)
    base.n = (base.n or 0) + 1
    base.balances = base.balances or {}
    base.balances['user' .. request.n % 7] = request.n
    base.queue = base.queue or {}
    table.insert(base.queue, {n = request.n})
    if #base.queue > 4 then table.remove(base.queue, 1) end
    base.deep = {a = {b = base.deep and base.deep.a.c or {}}, list = {{}, {1}}}
    base.deep.a.c = {request.n}
    base.results = {outbox = {['1'] = {target = 't' .. request.n}}}
    if request.n % 5 == 0 then base.sparse = {[3] = 'x', [9] = request.n} end
    if request.n % 11 == 0 then base.balances.user3 = nil base.shared = base.queue[1] end
    return 'ok', base
end";

/// What a process does to its state between slots.
fn between(base: &Message, slot: i64) -> Message {
    base.clone().without(&["results"]).with("at-slot", integer(slot))
}

async fn step(vm: &mut Vm, base: Message, n: i64, context: Context) -> Message {
    let request = Message::new().with("n", integer(n));
    let arguments = vec![Value::Map(base), Value::Map(request)];
    let results = vm.call(b"step", arguments, context, &mut NoAo).await.expect("it returns");
    match results.as_slice() {
        [_, Value::Map(base)] => base.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_kept_state_is_the_state_that_crosses_in_full() {
    let (mut kept, mut full, mut restored) = (vm(SCRIPT).await, vm(SCRIPT).await, vm(SCRIPT).await);
    let (mut a, mut b, mut c) = (Message::new(), Message::new(), Message::new());
    for slot in 1..=60 {
        a = step(&mut kept, between(&a, slot), slot, KEEP).await;
        b = step(&mut full, between(&b, slot), slot, Context::default()).await;
        let snapshot = restored.snapshot().expect("between calls");
        restored = Vm::restore(&snapshot, Limits::default()).expect("it is its own");
        c = step(&mut restored, between(&c, slot), slot, KEEP).await;
        assert_eq!(a, b, "slot {slot}");
        assert_eq!(a, c, "slot {slot}");
    }
    let (kept, restored) = (kept.snapshot().expect("state"), restored.snapshot().expect("state"));
    assert!(kept.instance == restored.instance, "restoring left a trace in the guest");
}

#[tokio::test]
async fn a_failed_call_leaves_nothing_behind_once_it_is_rolled_back() {
    let mut vm = vm("function f(base) base.n = (base.n or 0) + 1 if base.fail then error('no') end return base end").await;
    let call = |vm: &mut Vm, base: Message| {
        let arguments = vec![Value::Map(base)];
        let mut vm = std::mem::replace(vm, vm.fork().expect("a fork"));
        async move {
            let result = vm.call(b"f", arguments, KEEP, &mut NoAo).await;
            (vm, result)
        }
    };
    let (mut first, result) = call(&mut vm, Message::new()).await;
    let base = match result.expect("it returns").as_slice() {
        [Value::Map(base)] => base.clone(),
        other => panic!("{other:?}"),
    };
    let before = first.snapshot().expect("between calls");
    let failing = vec![Value::Map(base.clone().with("fail", Value::from_static("x")))];
    raised(first.call(b"f", failing, KEEP, &mut NoAo).await);
    first.roll_back(&before).expect("it is its own");
    let results = first.call(b"f", vec![Value::Map(base)], KEEP, &mut NoAo).await;
    assert_eq!(results.expect("it returns"), [Value::Map(Message::new().with("n", integer(2)))]);
}

/// What crosses in a slot of a state with so many balances, of which the script changes one, and the
/// node another between two slots.
async fn crossed(balances: i64) -> Crossed {
    let mut vm = vm("function fill(base, request)
            base.balances = {}
            for i = 1, request.n do base.balances['holder-' .. i] = i end
            return 'ok', base
        end
        function step(base, request)
            base.balances['holder-7'] = request.n
            return 'ok', base
        end")
    .await;
    let request = Message::new().with("n", integer(balances));
    let arguments = vec![Value::Map(Message::new()), Value::Map(request)];
    let filled = vm.call(b"fill", arguments, KEEP, &mut NoAo).await.expect("it returns");
    let [_, Value::Map(mut base)] = <[Value; 2]>::try_from(filled).expect("two values") else {
        panic!("a state is a message");
    };
    let mut most = Crossed::default();
    for slot in 1..=5 {
        let own = base.child_mut(&"balances".into()).expect("they are there");
        own.insert("holder-3", integer(slot));
        own.insert(format!("new-{slot}"), integer(slot));
        base = step(&mut vm, base, slot, KEEP).await;
        let Crossed { inward, outward } = vm.crossed();
        most = Crossed { inward: inward.max(most.inward), outward: outward.max(most.outward) };
    }
    let balances = base.get("balances").and_then(Value::as_map).expect("they are there");
    assert_eq!(balances.get("holder-3"), Some(&integer(5)));
    assert_eq!(balances.get("holder-7"), Some(&integer(5)));
    most
}

#[tokio::test]
async fn as_much_crosses_in_a_slot_of_a_large_state_as_of_a_small_one() {
    let small = crossed(10).await;
    assert!(small.inward < 300 && small.outward < 300, "{small:?}");
    assert_eq!(crossed(20_000).await, small);
}

/// A script whose state holds tables with metatables, which do not cross the border.
const OBJECTS: &str = "
function make(base, request)
    base.objects = {}
    for i = 1, request.n do base.objects['k' .. i] = setmetatable({x = 1}, {}) end
    return base
end
function look(base)
    local plain = 0
    for _, object in pairs(base.objects) do
        if getmetatable(object) == nil then plain = plain + 1 end
    end
    base.plain = plain
    return base
end";

/// How long the making of a state of so many objects took, and the call after it.
async fn made_and_looked_at(objects: i64) -> (Duration, Duration) {
    let mut vm = vm(OBJECTS).await;
    let request = Value::Map(Message::new().with("n", integer(objects)));
    let begun = Instant::now();
    let made = vm.call(b"make", vec![Message::new().into(), request], KEEP, &mut NoAo).await;
    let state = made.expect("it returns").pop().expect("a state");
    let made = begun.elapsed();
    let seen = vm.call(b"look", vec![state], KEEP, &mut NoAo).await.expect("it returns");
    let plain = seen.first().and_then(Value::as_map).and_then(|state| state.get("plain"));
    assert_eq!(plain, Some(&integer(objects)));
    (made, begun.elapsed() - made)
}

#[tokio::test]
async fn a_state_of_many_objects_does_not_hold_up_the_next_call() {
    for objects in [4096, 20_000] {
        let (made, looked_at) = made_and_looked_at(objects).await;
        assert!(looked_at < 20 * made, "{objects} objects: {looked_at:?}, made in {made:?}");
    }
}

#[tokio::test]
async fn a_state_that_grew_call_by_call_is_not_lost_with_a_restart() {
    let script = "function grow(base)
        base.list = base.list or {}
        for i = 1, 300000 do table.insert(base.list, true) end
        return base
    end
    function length(base) return {n = #base.list} end";
    let mut vm = vm(script).await;
    let mut state = Value::Map(Message::new());
    for _ in 0..4 {
        let grown = vm.call(b"grow", vec![state], KEEP, &mut NoAo).await;
        state = grown.expect("it returns").pop().expect("a state");
    }
    let snapshot = vm.snapshot().expect("between calls");
    let mut restored = Vm::restore(&snapshot, Limits::default()).expect("it is its own");
    let length = restored.call(b"length", vec![state], KEEP, &mut NoAo).await;
    let expected = Message::new().with("n", integer(1_200_000));
    assert_eq!(length.expect("it returns"), [Value::Map(expected)]);
}

#[tokio::test]
async fn what_cannot_be_a_message_is_an_error_that_says_where() {
    for (source, expected) in [
        ("local t = {} t.a = {b = t} return t", "a table that contains itself at a.b"),
        ("return {x = {print}}", "a function at x.1"),
        ("return {[{}] = 1}", "a key that is neither text nor a whole number"),
        ("return {c = require 'coroutine'.create(print)}", "a thread at c"),
    ] {
        let message = raised(eval(source).await).message;
        assert!(String::from_utf8_lossy(&message).starts_with(expected), "{message:?}");
    }
}

#[tokio::test]
async fn programs_that_want_too_much_are_told_the_limit() {
    let limits = Limits { fuel: 300_000_000, memory_bytes: 32 << 20, ..Limits::default() };
    let fuel = "out of fuel: the limit is 300000000";
    let memory = "not enough memory: the limit is 33554432 bytes";
    for (source, end) in [
        ("while true do end", fuel),
        ("local t = {} while true do t[#t + 1] = ('x'):rep(1000) .. #t end", memory),
        ("return ('x'):rep(1000000000)", memory),
        ("return ('x'):rep(1 << 40)", memory),
        ("return ('x'):rep(1 << 40, 'and')", memory),
        ("local function f() return 1 + f() end return f()", fuel),
        ("local s = ('a'):rep(30) return s:find(('a*'):rep(30) .. 'b')", fuel),
        ("while true do pcall(error) end", fuel),
        ("local function f() return pcall(f) end while true do f() end", fuel),
        ("for i = 1, 1e9 do _G['g' .. i] = i end", fuel),
        ("local s = 'x' while true do s = s .. s end", memory),
        ("local t = {} for i = 1, 1e9 do t = {t} end", fuel),
        ("return require 'coroutine'.wrap(function() while true do end end)()", fuel),
        ("string.gsub(('x'):rep(100000), '.', function() while true do end end)", fuel),
        ("return table.concat(setmetatable({}, {__len = function() return 1e9 end}))", "concat"),
    ] {
        let mut vm = Vm::new(limits.clone()).await.expect("a fresh state");
        let ended = vm.load(b"attack", source.as_bytes(), &mut NoAo).await;
        let told = ended.expect_err(source).to_string();
        assert!(told.contains(end), "{source}: {told}");
    }
}

#[tokio::test]
async fn ten_thousand_errors_in_a_row_leave_the_state_as_good_as_new() {
    let mut vm = vm("function f(n) local t = {n} return t.x.y end").await;
    let mut memory = Vec::new();
    for errors in [1_000, 10_000] {
        for n in 0..errors {
            raised(vm.call(b"f", vec![integer(n)], Context::default(), &mut NoAo).await);
        }
        memory.push(vm.snapshot().expect("it is between calls").instance.memory.len());
    }
    assert_eq!(memory[0], memory[1], "bytes");
}

#[tokio::test]
async fn recursion_without_end_is_an_error_that_can_be_caught() {
    let mut vm = vm("local function deep(n) return 1 + deep(n + 1) end
        local function own() return (setmetatable({}, {__index = function(t, k) return t[k] end})).x end
        function f()
            local ok, text = pcall(deep, 1)
            local again, _ = pcall(own)
            local third = pcall(string.gsub, 'x', 'x', function() return deep(1) end)
            return ok, text, again, third
        end
        function uncaught() return deep(1) end")
    .await;
    let results = vm.call(b"f", Vec::new(), Context::default(), &mut NoAo).await;
    let results = results.expect("it is caught");
    let Value::Bytes(message) = &results[1] else { panic!("{results:?}") };
    assert!(message.starts_with(b"stack overflow"), "{message:?}");
    assert_eq!([&results[0], &results[2], &results[3]], [&Value::from(false); 3]);
    let error = raised(vm.call(b"uncaught", Vec::new(), Context::default(), &mut NoAo).await);
    assert!(error.message.starts_with(b"stack overflow"), "{error:?}");
    assert!(error.trace.len() <= 32);
}
