//! The processes that are written to: on a native device, of Lua, and of WebAssembly.

use std::net::SocketAddr;

use oxbeam_protocol::{List, Message, Value, Wallet};

use crate::person::Person;

/// Counts, passes tokens on, and rings with them later.
const PROGRAM: &str = r#"function compute(base, assignment)
  local message = assignment.body
  base.count = (base.count or 0) + 1
  base.told = base.told or {}
  local sent = {}
  if message.action == "Tell" then
    sent = { { target = message.whom, action = "Told", token = message.token } }
  elseif message.action == "Later" then
    local at = string.format("%d", assignment.timestamp + 200)
    sent = { { target = message.whom, action = "Told", token = message.token, ["deliver-at"] = at } }
  elseif message.action == "Told" then
    base.told[message.token] = (base.told[message.token] or 0) + 1
  end
  base.results = { outbox = sent, output = { data = string.format("%d", base.count) } }
  return base
end
"#;
/// Never comes to an end.
pub(super) const POISON: &str = "function compute(base) while true do end end";
/// `mul`: the product of two numbers.
const MODULE: &str = r#"(module (func (export "mul") (param i32 i32) (result i32)
    (i32.mul (local.get 0) (local.get 1))))"#;

/// How many there are of each kind.
const NATIVE: usize = 20;
const LUA: usize = 20;
const WASM: usize = 10;

/// What a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Native,
    Lua,
    Wasm,
}

/// The processes, by their ids.
#[derive(Debug)]
pub(super) struct World {
    pub(super) processes: Vec<(Kind, String)>,
}

impl World {
    /// Starts the processes on a node.
    pub(super) fn made(host: SocketAddr) -> Self {
        let mut owner = Person::at(host, Wallet::generate_secp256k1().unwrap());
        let kinds = [(Kind::Native, NATIVE), (Kind::Lua, LUA), (Kind::Wasm, WASM)];
        let kinds = kinds.into_iter().flat_map(|(kind, count)| vec![kind; count]);
        let spawn = |(number, kind): (usize, Kind)| {
            (kind, owner.spawn(definition(kind).with("name", number.to_string())))
        };
        Self { processes: kinds.enumerate().map(spawn).collect() }
    }

    /// A process of Lua, by any number.
    pub(super) fn lua(&self, number: usize) -> &str {
        let lua = self.processes.iter().filter(|(kind, _)| *kind == Kind::Lua);
        &lua.cycle().nth(number % LUA).unwrap().1
    }
}

fn definition(kind: Kind) -> Message {
    match kind {
        Kind::Native => Message::from([("execution-device", "test-device@1.0")]),
        Kind::Lua => lua(PROGRAM),
        Kind::Wasm => {
            let stack: List = [Value::from("wasm-64@1.0")].into_iter().collect();
            Message::from([("execution-device", "stack@1.0")])
                .with("device-stack", stack)
                .with("image", wat::parse_str(MODULE).unwrap())
        }
    }
}

/// The definition of a process of a program in Lua.
pub(super) fn lua(program: &str) -> Message {
    let module = Message::from([("name", "main.lua"), ("body", program)]);
    let modules: List = [Value::from(module)].into_iter().collect();
    Message::from([("execution-device", "lua@5.3a")]).with("module", modules)
}
