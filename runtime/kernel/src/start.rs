//! What the node does once before it answers anybody: its `start` hook.
//!
//! The hook sees the configuration, and what it makes of it is in force when the port is opened. A
//! hook that ends in anything else ends the program. Source: spec 21, section 5.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorFutureExt, AsyncContext, Context as ActorContext};
use oxbeam_protocol::{Message, Value};
use oxbeam_supervisor::{ActorSpec, ChildSpec, ContextExt, ExitReason};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::error::CallError;
use crate::node::Node;
use crate::outcome::Outcome;
use crate::resolver::{self, Hooked};

/// What is given to the hook besides the time that a request may take, to be told of its end.
const MARGIN: Duration = Duration::from_secs(5);

/// Runs the hook when it starts. What is started after it, is only if the hook went well.
pub(crate) struct StartActor {
    node: Arc<Node>,
    /// Whether the hook ran: what is started again later is started without it.
    done: Arc<AtomicBool>,
}

impl StartActor {
    pub(crate) fn spec(node: &Arc<Node>) -> ChildSpec {
        let (node, done) = (node.clone(), Arc::<AtomicBool>::default());
        let limit = node.configuration().settings.request_timeout.saturating_add(MARGIN);
        let make = move || Self { node: node.clone(), done: done.clone() };
        ChildSpec::worker("start", ActorSpec::new(make).acknowledged()).start_limit(limit)
    }
}

impl Actor for StartActor {
    type Context = ActorContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.done.load(Relaxed) {
            ctx.acknowledge(Ok(()));
            return;
        }
        let hook = wrap_future::<_, Self>(hook(self.node.clone()));
        ctx.wait(hook.map(|ended, actor, ctx| match ended {
            Ok(()) => {
                actor.done.store(true, Relaxed);
                ctx.acknowledge(Ok(()));
            }
            Err(reason) => {
                let reason = format!("the start hook failed: {reason}");
                ctx.acknowledge(Err(ExitReason::Failed(reason.into())));
            }
        }));
    }
}

impl fmt::Debug for StartActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartActor").field("done", &self.done).finish_non_exhaustive()
    }
}

/// Runs the hook, and makes what it answers the configuration. An error is a sentence.
async fn hook(node: Arc<Node>) -> Result<(), String> {
    let limit = node.configuration().settings.request_timeout;
    let cancelled = CancellationToken::new();
    let _ends = cancelled.clone().drop_guard();
    let context = node.context(cancelled);
    let handlers = resolver::handlers(&context, "start").await;
    if handlers.map_err(|error| error.to_string())?.is_empty() {
        return Ok(());
    }
    let seen = Message::new().with("body", node.configuration().message.clone());
    let hooked = timeout(limit, resolver::hook(&context, "start", seen)).await;
    let hooked = hooked.unwrap_or(Err(CallError::Timeout { limit }));
    let answer = match hooked.map_err(|error| error.to_string())? {
        Hooked::Passed(answer) => answer,
        Hooked::Ended(outcome) => return Err(said(&outcome)),
    };
    match context.get(&answer, "body").await.map_err(|error| error.to_string())? {
        Some(Value::Map(body)) => {
            let replaced = node.configure(|now| now.replaced(&body));
            replaced.map(drop).map_err(|error| error.to_string())
        }
        _ => Err("it answers without the node's configuration as its body".into()),
    }
}

/// What an outcome says.
fn said(outcome: &Outcome) -> String {
    let text = |value: &Value| value.as_name().map(|text| String::from_utf8_lossy(text).into());
    let said = match &outcome.value {
        Value::Map(message) => {
            ["body", "reason", "details"].iter().find_map(|key| text(message.get(key)?))
        }
        value => text(value),
    };
    said.unwrap_or_else(|| format!("it ended with status {}", outcome.status))
}
