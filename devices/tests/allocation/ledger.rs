//! A process with many balances, of which each slot changes one.

use std::sync::Arc;

use oxbeam_kernel::{Boot, Node, NodeMessage, StorePlace, Wanted};
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Id, List, Message, Value, Wallet};
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig, SupervisorRef};
use tokio_util::sync::CancellationToken;

/// Who changes the balance.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Writer {
    /// The script itself, in the state that it was given.
    Script,
    /// The device `patch@1.0`, as the script asks it to: in this way tokens publish their balances.
    Patch,
}

const SCRIPT: &str = "
function compute(base, req)
    local body = req.body
    if body.fill then
        base.balances = {}
        for i = 1, body.fill do base.balances['holder-' .. i] = i end
    elseif body.credit then
        local credited = { [body.credit] = base.balances[body.credit] + 1 }
        if body.writer == 'Patch' then
            base.results = { outbox = { ['1'] = { method = 'PATCH', balances = credited } } }
        else
            base.balances[body.credit] = credited[body.credit]
        end
    end
    return base
end";

/// The process, on a node of its own whose store lies in memory.
pub(crate) struct Ledger {
    node: Arc<Node>,
    root: SupervisorRef,
    process: Id,
    writer: Writer,
}

impl Ledger {
    /// A process with this many balances.
    pub(crate) async fn of(balances: usize, writer: Writer, options: Message) -> Self {
        let boot = Boot {
            wallet: Wallet::generate_secp256k1().unwrap(),
            configuration: NodeMessage::from_message(&options).unwrap(),
            devices: oxbeam_devices::table(),
            store: StorePlace::Memory(MemoryDisk::default()),
            store_config: StoreConfig::default(),
            realm: Realm::new(RealmConfig::default()).unwrap(),
        };
        let realm = boot.realm.clone();
        let (node, spec) = boot.build().unwrap();
        let root = realm.start("node", spec).await.unwrap();
        let process = spawn(&node, writer).await;
        let ledger = Self { node, root, process, writer };
        let fill = i64::try_from(balances).unwrap();
        ledger.schedule(Message::new().with("fill", fill)).await;
        ledger.compute().await;
        ledger
    }

    /// Puts this many credits of one balance into the log. Nothing is computed.
    pub(crate) async fn credits(&self, slots: u64) {
        for _ in 0..slots {
            let writer = format!("{:?}", self.writer);
            self.schedule(Message::from([("credit", "holder-7")]).with("writer", writer)).await;
        }
    }

    /// Computes all that lies in the log, and answers with the state.
    pub(crate) async fn compute(&self) -> Message {
        let context = self.node.context(CancellationToken::new());
        let state = self.node.state(&context, self.process, Wanted::Now).await.unwrap();
        match state.into_result().unwrap() {
            Value::Map(state) => state,
            other => panic!("no state: {other:?}"),
        }
    }

    async fn schedule(&self, message: Message) {
        let message = message.with("target", self.process.to_string()).with("type", "Message");
        schedule(&self.node, Some(self.process), message).await;
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.root.actor().kill();
    }
}

async fn spawn(node: &Node, writer: Writer) -> Id {
    let chunk = Message::from([("name", "ledger.lua"), ("body", SCRIPT)]);
    let modules: List = [Value::from(chunk)].into_iter().collect();
    let definition = Message::from([("device", "process@1.0"), ("type", "Process")])
        .with("scheduler", node.address())
        .with("module", modules);
    let definition = match writer {
        Writer::Script => definition.with("execution-device", "lua@5.3a"),
        Writer::Patch => {
            let devices: List = ["lua@5.3a", "patch@1.0"].map(Value::from).into_iter().collect();
            definition
                .with("execution-device", "stack@1.0")
                .with("device-stack", devices)
                .with("patch-from", "/results/outbox")
        }
    };
    schedule(node, None, definition).await
}

/// Puts a message into the log of a process, or of the one that it defines.
async fn schedule(node: &Node, process: Option<Id>, message: Message) -> Id {
    let message = node.sign(message, None).await.unwrap();
    let process = process.unwrap_or_else(|| signed_id(&message.clone().into()).unwrap());
    let message = node.authenticate(message).await.unwrap();
    node.schedule(process, message, None).await.unwrap();
    process
}
