//! A restart leaves no trace in what a script sees.

use oxbeam_protocol::{Message, Value};
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{Context, NoAo, Vm};
use proptest::prelude::*;
use proptest::sample::select;

use crate::lua::vm;

const KEEP: Context = Context { time: 0.0, keep: true };

/// Runs the lines that it is sent, with the state as `base`; `seen` is what a script can tell of the
/// history: the numbers of tables, old and new, and which tables it still holds.
const SCRIPT: &str = "
function go(base, request)
    local scope = setmetatable({base = base}, {__index = _G, __newindex = _G})
    for _, edit in ipairs(request.edits) do pcall(load(edit, 'edit', 't', scope)) end
    base.seen = tostring({}) .. tostring(base.q) .. tostring(base.r) .. tostring(Q)
    return base
end";

/// A state that is computed by one guest, in one of three ways.
struct Computed {
    vm: Vm,
    state: Value,
}

impl Computed {
    async fn new() -> Self {
        Self { vm: vm(SCRIPT).await, state: Value::Map(Message::new()) }
    }

    /// Runs edits; a call that fails is undone, as a process does it. Answers with the fuel used.
    async fn go(&mut self, edits: &[&str], context: Context) -> Option<u64> {
        let before = self.vm.snapshot().expect("between calls");
        let edits: oxbeam_protocol::List = edits.iter().map(|it| Value::from(*it)).collect();
        let request = Message::new().with("edits", Value::List(edits));
        let arguments = vec![self.state.clone(), Value::Map(request)];
        match self.vm.call(b"go", arguments, context, &mut NoAo).await {
            Ok(mut results) => {
                self.state = results.pop().expect("a state");
                Some(self.vm.fuel_used())
            }
            Err(_) => {
                self.vm.roll_back(&before).expect("it is its own");
                None
            }
        }
    }

    fn restart(&mut self) {
        let snapshot = self.vm.snapshot().expect("between calls");
        self.vm = Vm::restore(&snapshot, Limits::default()).expect("it is its own");
    }

    /// The state without what tells how it came to be.
    fn plain(&self) -> Value {
        match &self.state {
            Value::Map(state) => Value::Map(state.clone().without(&["seen"])),
            other => other.clone(),
        }
    }
}

/// Computes the same slots without a restart, with one after each and, unless a global holds on to
/// tables of the state, with a state that crosses the border whole.
async fn a_restart_cannot_be_told(slots: &[Vec<&str>]) {
    let mut live = Computed::new().await;
    let mut restored = Computed::new().await;
    let mut full = Computed::new().await;
    // What a global holds of a state that crosses whole is no part of the next one.
    let holds_on = slots.iter().flatten().any(|edit| edit.contains('Q'));
    for (slot, edits) in slots.iter().enumerate() {
        let fuel = live.go(edits, KEEP).await;
        assert_eq!(restored.go(edits, KEEP).await, fuel, "fuel of slot {slot} of {slots:?}");
        full.go(edits, Context::default()).await;
        let (a, b) = (format!("{:?}", live.state), format!("{:?}", restored.state));
        assert_eq!(a, b, "slot {slot} of {slots:?}");
        if !holds_on {
            let (a, b) = (format!("{:?}", live.plain()), format!("{:?}", full.plain()));
            assert_eq!(a, b, "slot {slot} of {slots:?}, crossing whole");
        }
        restored.restart();
    }
    let [live, restored] = [live, restored].map(|it| it.vm.snapshot().expect("between calls"));
    assert!(live.instance == restored.instance, "a restart left a trace: {slots:?}");
}

#[tokio::test]
async fn a_restart_cannot_be_told_when_a_table_changes_its_kind() {
    for (first, then) in [
        ("base.q = {'job'}", "base.q[1] = nil base.q.head = 1"),
        ("base.q = {{}}", "base.q[1].name = 'a'"),
        ("base.q = {head = 1}", "base.q.head = nil base.q[1] = 'job'"),
        ("base.q = {1, 2, 3}", "base.q[2] = nil"),
        ("base.q = {1, 2, 3, x = 1}", "base.q.x = nil"),
        ("base.q = {[2] = 'b'}", "base.q[1] = 'a'"),
        ("base.q = {[2] = 'b'}", "base.q[2] = nil base.q.two = 'b'"),
        ("base.q = {['2'] = 'b'}", "base.q[1] = 'a' base.q[2] = 'c'"),
        ("base.q = {['2'] = 'b'}", "base.q[2] = 'c' base.q['2'] = nil"),
        ("base.q = {1, 2}", "base.q['2'] = nil"),
        ("base.q = {[true] = 1}", "base.q[true] = nil base.q['true'] = 2"),
        ("base.q = setmetatable({x = 1}, {})", "setmetatable(base.q, nil) base.q.y = 1"),
        ("base.q = {x = 1}", "setmetatable(base.q, {})"),
        ("base.q = {priv1 = 1, [1] = 2}", "base.q[1] = nil"),
        ("base.q = {x = 0/0, l = {0/0, {y = 0/0}}}", "base.n = 1"),
    ] {
        let look = "Q = Q or base.q";
        a_restart_cannot_be_told(&[
            vec![first, look],
            vec![then],
            vec![look],
            vec!["Q = base.q", "Q.later = 1"],
            vec!["base.m = 1"],
        ])
        .await;
    }
}

#[tokio::test]
async fn what_is_written_to_a_table_that_was_replaced_is_not_in_the_new_one() {
    let replaced = ["local p = base.q p.x = 1 base.q = {y = 2}"];
    a_restart_cannot_be_told(&[vec!["base.q = {}"], replaced.to_vec(), replaced.to_vec()]).await;
}

#[tokio::test]
async fn nothing_that_moves_from_a_list_into_a_map_is_a_map() {
    let moved = "base.r.x = base.q[2] base.q[2] = nil";
    a_restart_cannot_be_told(&[vec!["base.q = {1, {}} base.r = {y = 1}"], vec![moved]]).await;
}

/// A table to write to, or to take from.
fn place() -> impl Strategy<Value = &'static str> {
    select(vec!["base", "base.q", "base.r", "base.q[1]", "base.q.a", "base.r[2]", "base.r.a", "Q"])
}

fn key() -> impl Strategy<Value = &'static str> {
    let keys = [
        "1", "2", "3", "4", "0", "-1", "'1'", "'2'", "'3'", "'a'", "'b'", "true", "'true'",
        "'priva'", "'q'", "'r'",
    ];
    select(keys.to_vec())
}

fn made() -> impl Strategy<Value = &'static str> {
    select(vec![
        "nil",
        "nil",
        "nil",
        "7",
        "'x'",
        "0/0",
        "-0.0",
        "{}",
        "{'a', 'b'}",
        "{a = 1}",
        "{{}, {}}",
        "{a = {}, [2] = {}}",
        "{1, 2, ['3'] = 3}",
        "setmetatable({x = 1}, {})",
    ])
}

fn edit() -> impl Strategy<Value = String> {
    let set = |(to, key, value)| format!("local t = {to} t[{key}] = {value}");
    prop_oneof![
        6 => (place(), key(), made()).prop_map(set),
        3 => (place(), key(), place()).prop_map(set),
        1 => (place(), key(), place(), key(), place()).prop_map(|(to, at, from, of, then)| {
            format!("local t, f, u = {to}, {from}, {then} local v = f[{of}] f[{of}] = nil t[{at}] = v u[{of}] = 1")
        }),
        1 => place().prop_map(|of| format!("table.insert({of}, {{}})")),
        1 => place().prop_map(|of| format!("table.remove({of}, 1)")),
        1 => place().prop_map(|of| format!("setmetatable({of}, nil)")),
        1 => place().prop_map(|of| format!("Q = {of}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_restart_cannot_be_told_whatever_a_script_does_to_its_tables(
        (q, r) in (made(), made()),
        mut slots in prop::collection::vec(prop::collection::vec(edit(), 1..5), 2..7),
    ) {
        slots.insert(0, vec![format!("base.q = {q}"), format!("base.r = {r}")]);
        let slots: Vec<Vec<&str>> =
            slots.iter().map(|edits| edits.iter().map(String::as_str).collect()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(a_restart_cannot_be_told(&slots));
    }
}
