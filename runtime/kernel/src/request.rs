//! Requests from outside: from a singleton to the message that answers it.
//!
//! ```text
//! singleton ─► steps ─► request hook ─► resolved ─► status ─► response hook ─► answer
//! ```
//!
//! Source: spec 05, section 10, and spec 20, sections 4 and 5.

mod status;

use std::fmt;
use std::sync::Arc;

use actix::{Actor, Context as ActorContext, Handler};
use oxbeam_protocol::path::{self, Step};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_supervisor::{ActorSpec, Address, Concurrent};
use tokio_util::sync::CancellationToken;

pub use status::http_status;

use crate::context::Context;
use crate::error::CallError;
use crate::node::Node;
use crate::outcome::{Outcome, Status};
use crate::resolver::{self, Hooked};
use crate::trace::Trace;

/// Requests under way on one thread. The gateway admits fewer.
const MAX_REQUESTS: usize = 65_536;
/// The group of the actors that take requests.
const GROUP: &str = "requests";
/// Where a message of a hook's list keeps the device that it is to be run as.
const AS: &str = "as";

/// The answer to a request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP code, which is also under the message's key `status`.
    pub status: u16,
    /// What is answered.
    pub message: Message,
    /// Whether the node signs it, if nobody else has: it says what was computed.
    pub signed: bool,
    /// What went wrong, where the node has no outcome.
    pub error: Option<CallError>,
}

/// A request from outside. Its commitments have been verified.
#[derive(Debug, actix::Message)]
#[rtype(result = "Answer")]
struct Take {
    singleton: Message,
    cancelled: CancellationToken,
    trace: Trace,
}

/// Takes requests on one thread. A panic fails one request.
pub(crate) struct RequestActor(Arc<Node>);

impl RequestActor {
    pub(crate) fn spec(node: &Arc<Node>) -> ActorSpec<Self> {
        let node = node.clone();
        let make = move || Self(node.clone());
        ActorSpec::new(make).concurrent(MAX_REQUESTS).queue_limit(MAX_REQUESTS).member_of(GROUP)
    }
}

impl Actor for RequestActor {
    type Context = ActorContext<Self>;
}

impl Handler<Take> for RequestActor {
    type Result = Concurrent<Answer>;

    fn handle(&mut self, take: Take, _: &mut Self::Context) -> Self::Result {
        let context = Context::of(self.0.clone(), take.singleton.clone(), take.cancelled);
        let context = context.traced(take.trace);
        Concurrent::new(async move { answer(&context, take.singleton).await })
    }
}

impl fmt::Debug for RequestActor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequestActor").finish()
    }
}

impl Node {
    /// Whether anybody takes requests.
    pub(crate) fn takes_requests(&self) -> bool {
        self.realm().groups().pick::<RequestActor>(GROUP).is_some()
    }

    /// Answers a request. It must have come out of [`Node::authenticate`].
    ///
    /// Dropping the future ends the request.
    pub async fn answer(self: &Arc<Self>, singleton: Message) -> Answer {
        self.answer_in(Trace::default(), singleton).await
    }

    /// The same, as a part of a trace.
    pub async fn answer_in(self: &Arc<Self>, trace: Trace, singleton: Message) -> Answer {
        let cancelled = CancellationToken::new();
        let _ends = cancelled.clone().drop_guard();
        let Some(actor): Option<Address<RequestActor>> = self.realm().groups().pick(GROUP) else {
            let reason = "it is starting or stopping".into();
            return Answer::of_error(CallError::Unavailable { what: "the node".into(), reason });
        };
        let limit = self.configuration().settings.request_timeout;
        match actor.ask(Take { singleton, cancelled, trace }).within(limit).await {
            Ok(answer) => answer,
            Err(error) => Answer::of_error(CallError::unanswered("the node", error)),
        }
    }
}

impl Answer {
    /// A report about what went wrong. Source: spec 20, section 8.
    #[must_use]
    pub fn of_error(error: CallError) -> Self {
        let status = error.http_status();
        let details = error.to_string();
        let message = match &error {
            CallError::Missing { .. } => {
                Message::new().with("body", "Necessary messages not found in cache.")
            }
            _ if status < 500 || status == 508 => Message::new().with("body", details),
            CallError::NotCached => Message::new()
                .with("cache-status", "miss")
                .with("body", "Computed result not available in cache."),
            _ => Message::new()
                .with("type", error.kind())
                .with("details", details.clone())
                .with("body", details),
        };
        let message = message.with("status", i64::from(status));
        Self { status, message, signed: false, error: Some(error) }
    }

    fn not_initialized() -> Self {
        let sentence = "Node must be initialized before use.";
        finished(Outcome { status: Status::Error, value: sentence.into() }, false)
    }
}

async fn answer(context: &Context, singleton: Message) -> Answer {
    match serve(context, singleton).await {
        Ok(answer) => answer,
        Err(error) => Answer::of_error(error),
    }
}

async fn serve(context: &Context, singleton: Message) -> Result<Answer, CallError> {
    let steps = path::parse(&singleton)?;
    let initialized = context.configuration().message.get("initialized");
    if initialized.is_some_and(|word| word.is_name("false")) {
        return before_use(context, &steps).await;
    }
    let steps = match request_hook(context, &singleton, steps).await? {
        Ok(steps) => steps,
        Err(outcome) => return Ok(finished(outcome, false)),
    };
    // Hooks may have changed the configuration.
    let context = context.renewed();
    let outcome = resolver::evaluate(&context.wrapping(), &steps).await?;
    if matches!(outcome.status, Status::Pass | Status::Skip) {
        let status = outcome.status;
        return Err(CallError::Raised(format!("{status} is an answer for a stack alone")));
    }
    let outcome = match steps.as_slice() {
        // Nothing was asked of a message, so no key is its result. Source: spec 05, section 10.
        [Step::Id(_)] if outcome.is_not_found() => {
            let value = Message::new().with("body", outcome.value).into();
            Outcome { value, ..outcome }
        }
        _ => outcome,
    };
    let outcome = status::embedded(resolver::wrapped(outcome));
    match response_hook(&context, &singleton, outcome).await? {
        Ok(outcome) => Ok(finished(outcome, true)),
        Err(outcome) => Ok(finished(outcome, false)),
    }
}

/// What a node answers before it is initialized: its configuration, whole, and nothing else. It does
/// not sign it, and asks no hooks. Source: spec 21, section 3.
async fn before_use(context: &Context, steps: &[Step]) -> Result<Answer, CallError> {
    let outcome = match steps {
        [base, info, ..] if is_meta_info(steps) => {
            let steps = [base.clone(), info.clone()];
            resolver::evaluate(&context.wrapping(), &steps).await?
        }
        _ => return Ok(Answer::not_initialized()),
    };
    Ok(finished(outcome, false))
}

/// An outcome as the answer that is sent.
fn finished(outcome: Outcome, signed: bool) -> Answer {
    let outcome = status::embedded(resolver::wrapped(outcome));
    let status = http_status(&outcome);
    let message = match outcome.value {
        Value::Map(message) => message,
        _ => Message::new(),
    };
    Answer { status, message, signed, error: None }
}

fn is_meta_info(steps: &[Step]) -> bool {
    let [Step::As { device, .. }, Step::Request(request), ..] = steps else { return false };
    device == "meta@1.0" && request.path().is_some_and(|path| path == "info")
}

/// What the `request` hook makes of a request's steps, or the outcome with which it ended it.
async fn request_hook(
    context: &Context,
    singleton: &Message,
    steps: Vec<Step>,
) -> Result<Result<Vec<Step>, Outcome>, CallError> {
    if !hooked(context, "request") {
        return Ok(Ok(steps));
    }
    let Some(body) = steps.iter().map(shown).collect::<Option<List>>() else {
        // What is still to be computed cannot be shown.
        return Ok(Ok(steps));
    };
    let shown = Message::new().with("request", singleton.clone()).with("body", body.clone());
    match resolver::hook(context, "request", shown).await? {
        Hooked::Ended(outcome) => Ok(Err(outcome)),
        Hooked::Passed(message) => match context.get(&message, "body").await? {
            Some(Value::List(after)) if after == body => Ok(Ok(steps)),
            Some(Value::List(after)) => read_steps(context, &after).await.map(Ok),
            Some(Value::Map(after)) => {
                let after: List =
                    after.ascending().into_iter().map(|(_, value)| value.clone()).collect();
                read_steps(context, &after).await.map(Ok)
            }
            _ => Ok(Err(Outcome::error("the request hook answers without a list of messages"))),
        },
    }
}

fn hooked(context: &Context, name: &str) -> bool {
    let on = context.configuration().message.get("on");
    matches!(on, Some(Value::Map(on)) if on.contains(name) || on.contains(format!("{name}+link")))
        || matches!(on, Some(Value::Link(_)))
}

/// A step as a hook sees it.
fn shown(step: &Step) -> Option<Value> {
    match step {
        Step::Id(text) => Some(Value::Bytes(text.clone())),
        Step::Request(request) if request.pending.is_empty() => {
            Some(request.message.clone().into())
        }
        Step::As { device, request } if request.pending.is_empty() => {
            let mut message = request.message.clone();
            message.set_private(AS, Value::Bytes(device.clone()));
            Some(message.into())
        }
        Step::Request(_) | Step::As { .. } | Step::SubPath(_) => None,
    }
}

async fn read_steps(context: &Context, list: &List) -> Result<Vec<Step>, CallError> {
    let mut steps = Vec::with_capacity(list.len());
    for item in list {
        steps.push(match context.load(item.clone()).await? {
            Value::Bytes(text) => Step::Id(text),
            Value::Map(mut message) => match message.remove_private(AS) {
                Some(Value::Bytes(device)) => Step::As { device, request: message.into() },
                _ => Step::Request(message.into()),
            },
            _ => return Err(CallError::Raised("a hook's list holds what is no message".into())),
        });
    }
    Ok(steps)
}

/// What the `response` hook makes of an outcome, or the outcome with which it ended it.
async fn response_hook(
    context: &Context,
    singleton: &Message,
    outcome: Outcome,
) -> Result<Result<Outcome, Outcome>, CallError> {
    if !hooked(context, "response") {
        return Ok(Ok(outcome));
    }
    let computed = outcome.value.clone();
    let shown = Message::new().with("request", singleton.clone()).with("body", outcome.value);
    match resolver::hook(context, "response", shown).await? {
        Hooked::Ended(ended) => Ok(Err(ended)),
        Hooked::Passed(message) => match context.get(&message, "body").await? {
            Some(value) => {
                let value = resolver::computed_as(&computed, value);
                Ok(Ok(Outcome { status: outcome.status, value }))
            }
            None => Ok(Err(Outcome::error("the response hook answers without a body"))),
        },
    }
}
