//! Random programs, each in both forms of exception handling.
//!
//! All functions take and give i32. Every call and every turn of a loop takes one from a counter, and
//! the program traps when it is empty, so that it ends.

use fastrand::Rng;

/// The tags, with the instructions that make their payload of two i32 on the stack, and that make one
/// i32 of the payload.
const TAGS: [(&str, &str, &str); 4] = [
    ("i32", "i32.add", ""),
    (
        "i64 f64",
        "local.set $q i64.extend_i32_s local.get $q f64.convert_i32_s",
        "i32.trunc_sat_f64_s local.set $q i32.wrap_i64 local.get $q i32.xor",
    ),
    ("", "drop drop", "i32.const 77"),
    (
        "f32 i32 i64",
        "local.set $q f32.convert_i32_u local.get $q local.get $q i64.extend_i32_u",
        "i32.wrap_i64 i32.sub local.set $q i32.trunc_sat_f32_s local.get $q i32.mul",
    ),
];

/// Functions of a program.
const FUNCTIONS: usize = 5;

/// One program.
pub(crate) struct Program {
    /// With `try`, `catch`, `catch_all`, `delegate`, `rethrow`.
    pub(crate) legacy: String,
    /// With `try_table`, `throw_ref`.
    pub(crate) modern: String,
}

/// A label that a branch may go to.
#[derive(Clone)]
struct Label {
    name: String,
    /// Whether a branch to it takes an i32.
    value: bool,
    /// Whether its legacy clause runs, so that a `rethrow` may name it.
    clause: bool,
    /// Where the final form throws an exception that is delegated to this label.
    landing: String,
}

struct Generator {
    rng: Rng,
    program: Program,
    labels: Vec<Label>,
    names: usize,
    /// Locals of the final form that hold exceptions.
    references: Vec<String>,
    /// What may still be generated in the function.
    room: u32,
}

impl Program {
    /// The program of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut generator = Generator {
            rng: Rng::with_seed(seed),
            program: Self { legacy: String::new(), modern: String::new() },
            labels: Vec::new(),
            names: 0,
            references: Vec::new(),
            room: 0,
        };
        generator.module();
        generator.program
    }
}

impl Generator {
    fn both(&mut self, text: &str) {
        for program in [&mut self.program.legacy, &mut self.program.modern] {
            program.push_str(text);
            program.push('\n');
        }
    }

    fn legacy(&mut self, text: &str) {
        self.program.legacy.push_str(text);
        self.program.legacy.push('\n');
    }

    fn modern(&mut self, text: &str) {
        self.program.modern.push_str(text);
        self.program.modern.push('\n');
    }

    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("${kind}{}", self.names)
    }

    fn module(&mut self) {
        self.both("(module (memory (export \"memory\") 1)");
        self.both("(global $g (export \"g\") (mut i32) (i32.const 0))");
        self.both("(global $fuel (export \"fuel\") (mut i32) (i32.const 0))");
        self.both("(type $f (func (param i32 i32) (result i32)))");
        for (index, (payload, ..)) in TAGS.iter().enumerate() {
            self.both(&format!("(tag $t{index} (param {payload}))"));
        }
        let elements: String = (0..FUNCTIONS).map(|n| format!(" $f{n}")).collect();
        self.both(&format!("(table funcref (elem{elements}))"));
        self.both("(export \"run\" (func $f0))");
        self.both("(func (export \"refuel\") i32.const 300 global.set $fuel)");
        self.both("(func $tick global.get $fuel i32.eqz if unreachable end");
        self.both("global.get $fuel i32.const 1 i32.sub global.set $fuel)");
        for index in 0..FUNCTIONS {
            self.function(index);
        }
        self.both(")");
    }

    fn function(&mut self, index: usize) {
        let head = format!(
            "(func $f{index} (type $f) (param $x i32) (param $y i32) (result i32) (local $z i32) (local $q i32)"
        );
        self.both(&head);
        let locals = self.program.modern.len();
        self.references.clear();
        self.room = 60;
        self.both("call $tick");
        self.modern("block $landing (result exnref)");
        let landing = "$landing".to_owned();
        let name = self.name("function");
        self.both(&format!("block {name} (result i32)"));
        self.labels = vec![Label { name, value: true, clause: false, landing }];
        self.statements(6);
        self.expression(6);
        self.both("end");
        self.modern("return end throw_ref");
        self.both(")");
        let references: String =
            self.references.iter().map(|name| format!("(local {name} exnref)")).collect();
        self.program.modern.insert_str(locals, &references);
    }

    fn statements(&mut self, depth: u32) {
        for _ in 0..self.rng.u32(0..4) {
            self.statement(depth);
        }
    }

    fn statement(&mut self, depth: u32) {
        if depth == 0 || self.room == 0 {
            return self.assign(0);
        }
        self.room -= 1;
        match self.rng.u32(0..20) {
            0..4 => self.assign(depth - 1),
            4..7 => self.attempt(depth - 1, false),
            7 => self.delegate(depth - 1, false),
            8 => self.store(depth - 1),
            9..12 => self.throw(depth - 1),
            12 => self.rethrow(depth - 1),
            13 => self.turn(depth - 1),
            14 => self.choose(depth - 1),
            15 => self.branch(depth - 1),
            16 => self.table(depth - 1),
            17 => self.leave(depth - 1),
            _ => {
                self.expression(depth - 1);
                self.both("drop");
            }
        }
    }

    fn assign(&mut self, depth: u32) {
        self.expression(depth);
        let target = *self
            .rng
            .choice(&["local.set $x", "local.set $y", "local.set $z", "global.set $g"])
            .unwrap();
        self.both(target);
    }

    fn store(&mut self, depth: u32) {
        self.expression(depth);
        self.both("i32.const 31 i32.and i32.const 4 i32.mul");
        self.expression(depth);
        self.both("i32.store");
    }

    /// Under a condition, since nothing runs after it.
    fn throw(&mut self, depth: u32) {
        self.expression(depth);
        self.both("i32.const 3 i32.and i32.eqz if");
        let tag = self.rng.usize(0..TAGS.len());
        self.expression(depth);
        self.expression(0);
        self.both(TAGS[tag].1);
        self.both(&format!("throw $t{tag} end"));
    }

    fn rethrow(&mut self, depth: u32) {
        let clauses: Vec<_> = self.labels.iter().filter(|label| label.clause).cloned().collect();
        let Some(label) = self.rng.choice(&clauses).cloned() else { return };
        self.expression(depth);
        self.both("i32.const 1 i32.and if");
        self.legacy(&format!("rethrow {}", label.name));
        self.modern(&format!("local.get {} throw_ref", reference(&label.name)));
        self.both("end");
    }

    fn turn(&mut self, depth: u32) {
        let name = self.name("loop");
        self.both(&format!("loop {name} call $tick"));
        self.push(name.clone(), false);
        self.statements(depth);
        self.expression(depth);
        self.both(&format!("i32.const 3 i32.and i32.eqz br_if {name} end"));
        self.labels.pop();
    }

    fn choose(&mut self, depth: u32) {
        let name = self.name("if");
        self.expression(depth);
        self.both(&format!("if {name}"));
        self.push(name, false);
        self.statements(depth);
        self.both("else");
        self.statements(depth);
        self.both("end");
        self.labels.pop();
    }

    fn branch(&mut self, depth: u32) {
        let Some(label) = self.rng.choice(&self.labels).cloned() else { return };
        if label.name.starts_with("$loop") {
            return;
        }
        if label.value {
            self.expression(depth);
        }
        self.expression(0);
        self.both(&format!("i32.const 1 i32.and br_if {}", label.name));
        if label.value {
            self.both("drop");
        }
    }

    fn table(&mut self, depth: u32) {
        let value = self.rng.bool();
        let fits: Vec<_> = self
            .labels
            .iter()
            .filter(|label| label.value == value && !label.name.starts_with("$loop"))
            .map(|label| label.name.clone())
            .collect();
        let Some(default) = self.rng.choice(&fits).cloned() else { return };
        let other = self.rng.choice(&fits).cloned().unwrap_or_default();
        self.expression(0);
        self.both("i32.const 3 i32.and i32.eqz if");
        if value {
            self.expression(depth);
        }
        self.expression(0);
        self.both(&format!("i32.const 1 i32.and br_table {other} {default} end"));
    }

    fn leave(&mut self, depth: u32) {
        self.expression(0);
        self.both("i32.const 7 i32.and i32.eqz if");
        self.expression(depth);
        if self.rng.bool() {
            self.both("return end");
            return;
        }
        self.expression(0);
        let callee = self.rng.usize(0..FUNCTIONS);
        if self.rng.bool() {
            self.both(&format!("return_call $f{callee} end"));
        } else {
            self.both(&format!("i32.const {callee} return_call_indirect (type $f) end"));
        }
    }

    /// Pushes an i32.
    fn expression(&mut self, depth: u32) {
        if depth == 0 || self.room == 0 {
            return self.leaf();
        }
        self.room -= 1;
        match self.rng.u32(0..16) {
            0..3 => self.leaf(),
            3..6 => {
                self.expression(depth - 1);
                self.expression(depth - 1);
                let operator = *self.rng.choice(&["add", "sub", "mul", "xor", "lt_s"]).unwrap();
                self.both(&format!("i32.{operator}"));
            }
            6..9 => self.call(depth - 1),
            9..12 => self.attempt(depth - 1, true),
            12 => self.delegate(depth - 1, true),
            13 => self.float(depth - 1),
            14 => {
                let name = self.name("block");
                self.both(&format!("block {name} (result i32)"));
                self.push(name, true);
                self.statements(depth - 1);
                self.expression(depth - 1);
                self.both("end");
                self.labels.pop();
            }
            _ => {
                self.expression(depth - 1);
                self.both("i32.const 31 i32.and i32.const 4 i32.mul i32.load");
            }
        }
    }

    fn leaf(&mut self) {
        match self.rng.u32(0..5) {
            0 => self.both("local.get $x"),
            1 => self.both("local.get $y"),
            2 => self.both("local.get $z"),
            3 => self.both("global.get $g"),
            _ => {
                let number = self.rng.i32(-4..12);
                self.both(&format!("i32.const {number}"));
            }
        }
    }

    fn call(&mut self, depth: u32) {
        self.expression(depth);
        self.expression(0);
        let callee = self.rng.usize(0..FUNCTIONS);
        if self.rng.bool() {
            self.both(&format!("call $f{callee}"));
        } else {
            self.both(&format!("i32.const {callee} call_indirect (type $f)"));
        }
    }

    /// The upper halves of two f64, and of what an operation makes of them: with NaNs among them.
    fn float(&mut self, depth: u32) {
        let operand =
            "i32.const 20 i32.rotl i64.extend_i32_u i64.const 32 i64.shl f64.reinterpret_i64";
        self.expression(depth);
        self.both(operand);
        self.expression(0);
        self.both(operand);
        let names = ["add", "sub", "mul", "div", "min", "max"];
        let operator = *self.rng.choice(&names).unwrap();
        self.both(&format!("f64.{operator}"));
        if self.rng.bool() {
            let operator = *self.rng.choice(&["sqrt", "ceil", "nearest", "neg", "abs"]).unwrap();
            self.both(&format!("f64.{operator}"));
        }
        if self.rng.bool() {
            self.both("f32.demote_f64 i32.reinterpret_f32");
        } else {
            self.both("i64.reinterpret_f64 i64.const 32 i64.shr_u i32.wrap_i64");
        }
    }

    fn push(&mut self, name: String, value: bool) {
        let landing = self.landing();
        self.labels.push(Label { name, value, clause: false, landing });
    }

    fn landing(&self) -> String {
        self.labels.last().map_or_else(|| "$landing".to_owned(), |label| label.landing.clone())
    }

    /// A body of statements, and an expression if it has a value.
    fn body(&mut self, depth: u32, value: bool) {
        self.statements(depth);
        if value {
            self.expression(depth);
        }
    }

    /// A `try` with clauses.
    fn attempt(&mut self, depth: u32, value: bool) {
        let name = self.name("try");
        let landing = self.name("landing");
        let outer = self.landing();
        let result = if value { "(result i32)" } else { "" };
        let mut tags: Vec<usize> = (0..TAGS.len()).filter(|_| self.rng.u32(0..3) == 0).collect();
        self.rng.shuffle(&mut tags);
        let all = tags.is_empty() || self.rng.u32(0..3) == 0;

        self.legacy(&format!("try {name} {result}"));
        self.modern(&format!("block {name} {result}"));
        if all {
            self.modern(&format!("block {name}_all (result exnref)"));
        }
        for tag in tags.iter().rev() {
            let payload = TAGS[*tag].0;
            self.modern(&format!("block {name}_t{tag} (result {payload} exnref)"));
        }
        let mut clauses: String =
            tags.iter().map(|tag| format!("(catch_ref $t{tag} {name}_t{tag})")).collect();
        if all {
            clauses.push_str(&format!("(catch_all_ref {name}_all)"));
        }
        self.modern(&format!("try_table {result} {clauses}"));
        self.modern(&format!("block {landing} (result exnref)"));
        self.labels.push(Label { name: name.clone(), value, clause: false, landing });
        self.body(depth, value);
        self.labels.pop();
        self.modern(&format!("br {name} end throw_ref end br {name}"));
        let label = Label { name: name.clone(), value, clause: true, landing: outer };
        self.references.push(reference(&name));
        for tag in tags {
            self.legacy(&format!("catch $t{tag}"));
            self.modern(&format!("end local.set {}", reference(&name)));
            self.both(TAGS[tag].2);
            self.both("local.set $z");
            self.clause(label.clone(), depth);
        }
        if all {
            self.legacy("catch_all");
            self.modern(&format!("end local.set {}", reference(&name)));
            self.clause(label, depth);
        }
        self.both("end");
    }

    fn clause(&mut self, label: Label, depth: u32) {
        let (name, value) = (label.name.clone(), label.value);
        self.labels.push(label);
        self.body(depth, value);
        self.labels.pop();
        self.modern(&format!("br {name}"));
    }

    /// A `try` that hands its exceptions to another label.
    fn delegate(&mut self, depth: u32, value: bool) {
        let Some(target) = self.rng.choice(&self.labels).cloned() else { return };
        let name = self.name("delegate");
        let result = if value { "(result i32)" } else { "" };
        self.legacy(&format!("try {name} {result}"));
        self.modern(&format!("block {name} {result} block {name}_any (result exnref)"));
        self.modern(&format!("try_table {result} (catch_all_ref {name}_any)"));
        let landing = target.landing.clone();
        self.labels.push(Label { name: name.clone(), value, clause: false, landing });
        self.body(depth, value);
        self.labels.pop();
        self.legacy(&format!("delegate {}", target.name));
        self.modern(&format!("end br {name} end br {} end", target.landing));
    }
}

/// The local of the final form that keeps the exception of a `try`.
fn reference(name: &str) -> String {
    format!("$e_{}", name.trim_start_matches('$'))
}
