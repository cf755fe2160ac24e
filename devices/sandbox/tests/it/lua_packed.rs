//! Tables that come in packed: nobody sees that they are. `commitments` come so, `commitment5` does not.

use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{Context, LuaError, NoAo, Vm};

use crate::lua::{integer, raised, vm};

/// What scripts do with a table `c`, whose entries come from [`entries`].
const LOOKS: [&str; 41] = [
    "return c.alg, c['none'], c[1], c[2.0], c[true]",
    "return #c, rawlen(c)",
    "return next(c), next(c, 'alg')",
    "local s = '' for k, v in pairs(c) do s = s .. k .. tostring(v) .. ';' end return s",
    "local n = 0 for i, v in ipairs(c) do n = n + i end return n",
    "c.alg = 'new' return c.alg, c.keyid, c",
    "c.alg = nil return c",
    "c.more = {} return c, tostring(c.more)",
    "rawset(c, 'alg', 1) return rawget(c, 'alg'), c",
    "c[1] = 'one' return #c, c",
    "table.insert(c, 'x') return #c, c[1]",
    "return table.unpack(c, 1, 2)",
    "return tostring(c), tostring(c.nested), tostring({}), tostring(c.list)",
    "local t = {} return tostring(t), tostring(c), tostring(c.nested.deep)",
    "return c.nested.deep.number, c.list[2], #c.list, c.big == c.big, tostring(c.big)",
    "setmetatable(c, {__index = function() return 'meta' end}) return c.alg, c.none",
    "return setmetatable({}, {__index = c}).alg, setmetatable({}, {__index = c}).none",
    "return setmetatable({}, c).alg, pcall(function() return setmetatable({}, c)() end)",
    "return getmetatable(setmetatable({}, c)) == c, rawequal(c, c)",
    "setmetatable(c, {__mode = 'v'}) collectgarbage() return c.nested, c.alg",
    "setmetatable(c, {__mode = 'k'}) collectgarbage() return c",
    "collectgarbage() return c",
    "for i = 1, 200 do local t = {i} end collectgarbage('step') return c.nested, c",
    "return require('coroutine').wrap(function() return c.alg, c end)()",
    "local co = require('coroutine') return co.wrap(function() co.yield(c.keyid) end)(), c",
    "return pcall(function() error(c) end)",
    "return pcall(function() return c.alg.x.y end)",
    "return pcall(function() return c + 1 end)",
    "return select('#', table.unpack({c, c.list}))",
    "return c == c, c ~= request, c.nested == c.nested",
    "return table.concat(c.list, ','), string.format('%s', c.alg)",
    "local t = {[c] = 1} return t[c], next(t) == c",
    "kept = c return kept.alg, request",
    "return request, c.nested, c.nested",
    "local t = setmetatable({}, {__gc = print}) setmetatable(t, c) t = nil \
     collectgarbage() collectgarbage() return c.nested.deep.number, c",
    "local t = setmetatable(setmetatable({}, {__gc = print}), c) collectgarbage() return c, t",
    "for i = 1, 50 do setmetatable(setmetatable({}, {__gc = print}), c) end \
     for i = 1, 500 do local t = {i} end collectgarbage() return c.list, c.nested",
    "local mt = setmetatable({__index = c}, {__mode = 'v'}) local t = setmetatable({}, mt) \
     return t.alg, t.none",
    "return pcall(os.time, c), c",
    "return pcall(table.sort, c), c",
    "local t = setmetatable({}, {__newindex = c}) t.new = 1 return c.new, t.new, c",
];

/// Entries of all kinds.
fn entries(number: i64) -> Message {
    let large: num_bigint::BigInt = "123456789012345678901234567890".parse().expect("digits");
    let nested = Message::new().with("deep", Message::new().with("number", number));
    let list: Value = ["a", "b", "c"].map(Value::from).into_iter().collect();
    Message::from([("alg", "rsa-pss-sha512"), ("keyid", &"k".repeat(5000))])
        .with("nested", nested)
        .with("list", list)
        .with("big", large)
        .with("empty", Message::new())
}

fn request(key: &str, number: i64) -> Value {
    let body = Message::new().with("data", "x").with(key, entries(number + 1));
    Message::new().with("body", body).with(key, entries(number)).into()
}

fn keep() -> Context {
    Context { time: 0.0, keep: true }
}

/// The results as text, in which both keys are the same.
fn told(results: &Result<Vec<Value>, LuaError>) -> String {
    match results {
        Ok(values) => format!("{values:?}"),
        Err(error) => format!("{error:?} {error}"),
    }
    .replace("commitment5", "commitments")
}

async fn looked(look: &str, key: &str) -> Vec<String> {
    let source = format!(
        "seen = 0 \
         function look(base, request) \
           seen = seen + 1 local c = request.{key} {look} \
         end \
         function both(base, request) \
           look(base, request.body) base.last = request base.seen = seen return base \
         end"
    );
    let mut vm = vm(&source).await;
    let mut told_of = Vec::new();
    let mut base: Value = Message::new().with("balance", 1).into();
    for number in 0..3 {
        let arguments = || vec![base.clone(), request(key, number)];
        let results = vm.call(b"look", arguments(), Context::default(), &mut NoAo).await;
        told_of.push(told(&results));
        let kept = vm.call(b"both", arguments(), keep(), &mut NoAo).await;
        told_of.push(told(&kept));
        if let Ok([state]) = kept.as_deref() {
            base = state.clone();
        }
        let stored = vm.snapshot().expect("it is whole");
        vm = Vm::restore(&stored, Limits::default()).expect("it goes on");
    }
    told_of
}

#[tokio::test]
async fn whatever_a_script_does_with_it_a_packed_table_is_as_any_other() {
    for look in LOOKS {
        let (packed, plain) =
            (looked(look, "commitments").await, looked(look, "commitment5").await);
        assert_eq!(packed, plain, "{look}");
    }
}

#[tokio::test]
async fn what_nobody_looks_into_costs_little() {
    let mut used = Vec::new();
    for key in ["commitments", "commitment5"] {
        let mut vm = vm("function f(base, request) return request.body.data end").await;
        let arguments = vec![Message::new().into(), request(key, 1)];
        vm.call(b"f", arguments, Context::default(), &mut NoAo).await.expect("it runs");
        used.push(vm.fuel_used());
    }
    assert!(used[0] * 2 < used[1], "{used:?}");
}

#[tokio::test]
async fn who_looks_when_memory_is_used_up_is_told_and_may_look_again() {
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let mut vm = Vm::new(limits).await.expect("a fresh state");
    let source = "function f(base, request) \
        local c, hoard = request.commitments, {} \
        local full = pcall(function() while true do hoard = {hoard} end end) \
        for i = 1, 20 do hoard = hoard[1] end \
        local looked, why = pcall(function() return c.alg end) \
        local co = require('coroutine') \
        local inside = co.wrap(function() return pcall(function() return c.alg end) end)() \
        hoard = nil collectgarbage() \
        return full, looked, why, inside, c.alg, #c.list, c.nested.deep.number end";
    vm.load(b"main.lua", source.as_bytes(), &mut NoAo).await.expect("the source runs");
    let arguments = vec![Message::new().into(), request("commitments", 7)];
    let results = vm.call(b"f", arguments, Context::default(), &mut NoAo).await.expect("it runs");
    let no = Value::Atom(oxbeam_protocol::Atom::FALSE);
    let told = Value::from_static("not enough memory");
    let alg = Value::from_static("rsa-pss-sha512");
    assert_eq!(results, [no.clone(), no.clone(), told, no, alg, integer(3), integer(7)]);
}

#[tokio::test]
async fn a_metatable_that_there_is_no_memory_for_harms_nothing() {
    let limits = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let mut vm = Vm::new(limits).await.expect("a fresh state");
    let source = "function f(base, request) \
        local c, hoard, t = request.commitments, {}, {} \
        pcall(function() while true do hoard = {hoard} end end) \
        for i = 1, 20 do hoard = hoard[1] end \
        local set = pcall(setmetatable, t, c) \
        hoard = nil collectgarbage() collectgarbage() \
        return set, getmetatable(t), c.nested.deep.number, #c.list end";
    vm.load(b"main.lua", source.as_bytes(), &mut NoAo).await.expect("the source runs");
    let arguments = vec![Message::new().into(), request("commitments", 7)];
    let results = vm.call(b"f", arguments, Context::default(), &mut NoAo).await.expect("it runs");
    let [no, nothing] =
        [oxbeam_protocol::Atom::FALSE, oxbeam_protocol::Atom::from_static("nil")].map(Value::Atom);
    assert_eq!(results, [no, nothing, integer(7), integer(3)]);
}

#[tokio::test]
async fn a_trace_shows_what_is_in_it() {
    let mut vm = vm("function f(base, request) error('no') end").await;
    let arguments = vec![Message::new().into(), request("commitments", 1)];
    let raised = raised(vm.call(b"f", arguments, Context::default(), &mut NoAo).await);
    assert!(format!("{raised:?}").contains("rsa-pss-sha512"), "{raised:?}");
}
