//! A node in this program: all of its devices, no HTTP, and nothing leaves it.

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{
    Boot, CallError, Context, Node, NodeMessage, Outcome, StorePlace, Wanted, record,
};
use oxbeam_protocol::commitment::signed_id;
use oxbeam_protocol::{Id, Message, Value, Wallet};
use oxbeam_store::{Append, ContentBatch, Persist, Slot, SlotResult, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig, State, SupervisorRef};
use tokio_util::sync::CancellationToken;

use super::failure::Failure;

/// A node that runs while a command needs it.
#[derive(Debug)]
pub(super) struct Local {
    node: Arc<Node>,
    root: SupervisorRef,
}

/// Runs work with a node of its own, which is ended in order afterwards.
pub(super) fn with<T>(
    store: StorePlace,
    options: &Message,
    work: impl AsyncFnOnce(&Local) -> Result<T, Failure>,
) -> Result<T, Failure> {
    actix_rt::System::new().block_on(async {
        let local = Local::start(store, options).await?;
        let done = work(&local).await;
        local.stop().await;
        done
    })
}

impl Local {
    async fn start(store: StorePlace, options: &Message) -> Result<Self, Failure> {
        let realm = Realm::new(RealmConfig::default());
        let realm = realm.map_err(|error| failed("starting a node", &error))?;
        let boot = Boot {
            wallet: Wallet::generate_secp256k1()?,
            configuration: NodeMessage::from_message(options)
                .map_err(|error| failed("configuring a node", &error))?,
            devices: oxbeam_devices::table(),
            store,
            store_config: StoreConfig::default(),
            realm: realm.clone(),
        };
        let (node, tree) = boot.build()?;
        let root = realm.start("node", tree).await;
        Ok(Self { node, root: root.map_err(|error| failed("starting a node", &error))? })
    }

    async fn stop(self) {
        self.root.actor().shutdown();
        self.root.actor().reaches(|state| state == State::Gone).await;
    }

    /// Its address.
    pub(super) fn address(&self) -> &str {
        self.node.address()
    }

    fn context(&self) -> Context {
        self.node.context(CancellationToken::new())
    }

    /// Keeps a message of which every signature holds.
    pub(super) async fn keep(&self, message: &Message) -> Result<(), Failure> {
        let kept = async {
            let message = self.node.authenticate(message.clone()).await?;
            self.node.contents()?.keep(&message, Persist::Buffered).await
        };
        kept.await.map(drop).map_err(|error: CallError| {
            failed("keeping a message", &super::failure::with_causes(&error))
        })
    }

    /// Keeps bytes under their hash.
    pub(super) async fn keep_bytes(&self, bytes: Bytes) -> Result<(), Failure> {
        let kept = async { self.node.contents()?.keep_bytes(bytes, Persist::Buffered).await };
        kept.await.map(drop).map_err(|error| failed("keeping a message", &error))
    }

    /// Gives a message the next slot.
    pub(super) async fn schedule(&self, process: Id, message: Message) -> Result<Slot, Failure> {
        let scheduled = async {
            let message = self.node.authenticate(message).await?;
            self.node.schedule(process, message, None).await
        };
        let scheduled =
            scheduled.await.map_err(|error| failed("scheduling the message", &error))?;
        match scheduled.get("slot") {
            Some(Value::Integer(slot)) => Ok(Slot::try_from(slot).unwrap_or_default()),
            _ => Err(failed("scheduling the message", &"it has no slot")),
        }
    }

    /// Puts an assignment that another node has made into the log, as it is.
    pub(super) async fn append(
        &self,
        process: Id,
        slot: Slot,
        assignment: &Message,
    ) -> Result<(), Failure> {
        let what = || format!("copying slot {slot}");
        let said = || failed(&what(), &"the assignment has no hash chain or no message");
        let chain = assignment.get("hash-chain").and_then(Value::as_name);
        let chain = chain.and_then(|chain| Id::from_native_or_text(chain).ok()).ok_or_else(said)?;
        let body = assignment.get("body").ok_or_else(said)?;
        let appended = async {
            let append = Append {
                process,
                slot,
                assignment: record::encode(&assignment.clone().into())?,
                chain,
                body: Some(signed_id(body)?),
                origin: None,
                content: ContentBatch::default(),
            };
            Ok::<_, CallError>(self.node.store()?.append(append).await?)
        };
        appended.await.map(drop).map_err(|error| failed(&what(), &error))
    }

    /// The state after a slot, or why there is none.
    pub(super) async fn state(&self, process: Id, slot: Slot) -> Result<Message, String> {
        let state = self.node.state(&self.context(), process, Wanted::Slot(slot)).await;
        match state.map(Outcome::into_result) {
            Ok(Ok(Value::Map(state))) => Ok(state.without_private()),
            Ok(Ok(_)) => Err("the state is no message".into()),
            Ok(Err(outcome)) => Err(said(&outcome.value)),
            Err(error) => Err(super::failure::with_causes(&error)),
        }
    }

    /// What a slot came to, if it was computed.
    pub(super) async fn result(&self, process: Id, slot: Slot) -> Option<SlotResult> {
        self.node.store().ok()?.result(process, slot).await.ok().flatten()
    }
}

/// Something that this machine could not do.
fn failed(what: &str, reason: &dyn std::fmt::Display) -> Failure {
    Failure::Local { what: what.to_owned(), reason: reason.to_string() }
}

/// What an outcome says of itself.
fn said(value: &Value) -> String {
    let named = |value: &Value| value.as_name().map(|name| String::from_utf8_lossy(name).into());
    let message = value.as_map();
    let keys = ["body", "reason", "error", "details"];
    let said = keys.iter().find_map(|key| named(message?.get(key)?));
    said.or_else(|| named(value)).unwrap_or_else(|| "it gives no reason".to_owned())
}
