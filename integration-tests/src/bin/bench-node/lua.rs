//! A process in Lua that counts.

use anyhow::{Result, ensure};
use oxbeam_protocol::{List, Message, Value};

use crate::node::{Node, Request, Row};
use crate::reads::again;

const PROGRAM: &str = "function compute(base) base.count = (base.count or 0) + 1 return base end";
/// Slots that are computed in one go: as many as the reference node was given, and so many that starting
/// the script hardly counts.
const SLOTS: u32 = 100;
const MANY: u32 = 2_000;
const READS: usize = 500;
const PUSHES: u32 = 500;

/// The definition of a process of this program.
pub(crate) fn definition(name: &str) -> Message {
    let module = Message::from([("name", "main.lua"), ("body", PROGRAM)]);
    let modules: List = [Value::from(module)].into_iter().collect();
    Message::from([("execution-device", "lua@5.3a"), ("name", name)]).with("module", modules)
}

pub(crate) fn rows(node: &Node) -> Result<()> {
    let send = |process: &str, numbers, key: &str| -> Result<Vec<Request>> {
        let messages = node.messages(process, numbers, |_| Message::new())?;
        let target = format!("/{process}/{key}");
        Ok(messages.into_iter().map(|message| (target.clone(), message)).collect())
    };
    let cold = |name: &str, slots: u32| -> Result<String> {
        let process = node.spawn(definition(name))?;
        let what = "`POST schedule` to a process in Lua";
        let row = Row { what, clients: 16, reference: None };
        node.row(row, "POST", send(&process, 0..slots, "schedule")?)?;
        let what = "slots of a counter in Lua, cold";
        let row = Row { what, clients: 1, reference: Some(38.0) };
        node.computed(row, &process, slots + 1, slots)?;
        Ok(process)
    };
    let process = cold("bench-lua", SLOTS)?;
    cold("bench-lua-long", MANY)?;
    let now = Row { what: "`now/count` of it, warm", clients: 1, reference: Some(13.5) };
    node.row(now, "GET", again(&format!("/{process}/now/count"), READS))?;
    let what = "its slot 50 of 100";
    let past = Row { what, clients: 1, reference: Some(16.7) };
    node.row(past, "GET", again(&format!("/{process}/compute&slot=50/count"), READS))?;
    let row = Row { what: "`push` to it", clients: 1, reference: Some(4.6) };
    node.row(row, "POST", send(&process, SLOTS..SLOTS + PUSHES, "push")?)?;
    let counted = node.get(&format!("/{process}/now/count"))?;
    // Its definition is a slot too.
    ensure!(counted == (SLOTS + PUSHES + 1).to_string(), "the counter stands at {counted}");
    Ok(())
}
