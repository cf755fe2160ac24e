//! A process in Lua that counts.

use anyhow::{Result, ensure};
use oxbeam_protocol::{List, Message, Value};

use crate::node::{Node, Request, Row};
use crate::reads::again;

const PROGRAM: &str = "function compute(base) base.count = (base.count or 0) + 1 return base end";
/// Slots that are computed in one go.
const SLOTS: u32 = 100;
const READS: usize = 500;
const PUSHES: u32 = 500;

/// The definition of a process of this program.
pub(crate) fn definition(name: &str) -> Message {
    let module = Message::from([("name", "main.lua"), ("body", PROGRAM)]);
    let modules: List = [Value::from(module)].into_iter().collect();
    Message::from([("execution-device", "lua@5.3a"), ("name", name)]).with("module", modules)
}

pub(crate) fn rows(node: &Node) -> Result<()> {
    let process = node.spawn(definition("bench-lua"))?;
    let send = |numbers, key: &str| -> Result<Vec<Request>> {
        let messages = node.messages(&process, numbers, |_| Message::new())?;
        let target = format!("/{process}/{key}");
        Ok(messages.into_iter().map(|message| (target.clone(), message)).collect())
    };
    let what = "`POST schedule` to a process in Lua";
    let row = Row { what, clients: 16, reference: None };
    node.row(row, "POST", send(0..SLOTS, "schedule")?)?;
    let what = "slots of a counter in Lua, cold";
    node.computed(Row { what, clients: 1, reference: Some(38.0) }, &process, SLOTS + 1, SLOTS)?;
    let now = Row { what: "`now/count` of it, warm", clients: 1, reference: Some(13.5) };
    node.row(now, "GET", again(&format!("/{process}/now/count"), READS))?;
    let what = "its slot 50 of 100";
    let past = Row { what, clients: 1, reference: Some(16.7) };
    node.row(past, "GET", again(&format!("/{process}/compute&slot=50/count"), READS))?;
    let row = Row { what: "`push` to it", clients: 1, reference: Some(4.6) };
    node.row(row, "POST", send(SLOTS..SLOTS + PUSHES, "push")?)?;
    let counted = node.get(&format!("/{process}/now/count"))?;
    // Its definition is a slot too.
    ensure!(counted == (SLOTS + PUSHES + 1).to_string(), "the counter stands at {counted}");
    Ok(())
}
