//! `~supervisor@1.0`: what the node does, and what its operator does to it. How it is used, and
//! every key of its answers, is in `docs/operate.md`.
//!
//! | Key          | Of the request                        | Answers                                        |
//! |--------------|---------------------------------------|------------------------------------------------|
//! | `summary`    |                                       | the tree by its parts, and what lies in outboxes |
//! | `tree`       | `after`, `limit`, `depth`             | actors, each after its supervisor               |
//! | `children`   | `actor`, `after`, `limit`             | those of one supervisor                         |
//! | `actor`      | `actor`                               | one actor                                       |
//! | `top`        | `by`, `part`, `limit`                 | actors that stand out                           |
//! | `crashes`    | `limit`                               | panics, those alike together, the latest first  |
//! | `quarantine` | `process`, or `after`, `limit`        | processes that do not get past a slot           |
//! | `outbox`     | `letter`, or `of`, `after`, `limit`   | messages on their way                           |
//! | `timers`     | `after`, `limit`                      | timers, for admins                              |
//! | `trace`      | `actor`                               | what a trace has seen, for admins               |
//! | `audit`      | `of`, `before`, `limit`               | what operators have done, for admins            |
//!
//! | Action      | Of the request                        | What                                            |
//! |-------------|---------------------------------------|-------------------------------------------------|
//! | `restart`   | `actor`                               | ends an actor; its supervisor starts it again   |
//! | `suspend`   | `actor`                               | it keeps its messages waiting                   |
//! | `resume`    | `actor`, or `process` and `fuel`      | ends that, or a quarantine                      |
//! | `abandon`   | `process`                             | no further slot of it is computed               |
//! | `trace`     | `actor`, `messages`                   | remembers its next messages                     |
//! | `redrive`   | `letter`, `target`, or `all`          | tries messages again                            |
//!
//! Everybody reads, unless the option `supervisor_access` is `admin`: what crashes said, whose timers
//! there are and what was done stays with admins, who sign the path that they ask for. To act takes
//! the operator's signature over the path or over `action`, the name of the action: see
//! [`act`](self::act).

mod act;
mod audit;
mod crashes;
mod orders;
mod outbox;
mod quarantine;
mod row;
mod timers;
mod top;
mod trace;
mod tree;

use std::sync::Arc;

use num_bigint::BigInt;
use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply};
use oxbeam_protocol::{Id, Message, Value};

use self::act::Action;
use self::audit::Throttle;
use crate::made::Orders;
use crate::number::number;
use crate::roles;

/// What is said of what everybody may not see.
const UNSEEN: &str = "Only an admin of this node sees that: sign the request and its path.";

/// The device.
#[derive(Debug)]
pub(crate) struct Supervisor {
    /// The orders that are being carried out.
    orders: Arc<Orders>,
    /// What of refused actions is written down.
    refusals: Throttle,
}

impl Supervisor {
    pub(crate) fn new(orders: Arc<Orders>) -> Self {
        Self { orders, refusals: Throttle::default() }
    }
}

/// How much whoever asks may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// All there is.
    All,
    /// What is for everybody.
    Open,
    /// Nothing.
    Nothing,
}

impl Device for Supervisor {
    fn answers(&self, function: &str, _: &Message) -> bool {
        const READ: [&str; 10] = [
            "summary",
            "tree",
            "children",
            "actor",
            "top",
            "crashes",
            "quarantine",
            "outbox",
            "timers",
            "audit",
        ];
        READ.contains(&function) || Action::named(function).is_some()
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            let function = call.function();
            let reads_trace = || function == "trace" && !call.request.contains("messages");
            match Action::named(&function) {
                Some(action) if !reads_trace() => act::act(&self, &call, action).await,
                _ => read(&call, &function).await,
            }
        })
    }
}

async fn read(call: &Call, function: &str) -> Result<Outcome, CallError> {
    let sight = match roles::sees_all(&call.context) {
        true => Sight::All,
        false if call.context.settings().supervisor_open => Sight::Open,
        false => Sight::Nothing,
    };
    let of_admins = matches!(function, "timers" | "audit" | "trace");
    if sight == Sight::Nothing || (of_admins && sight != Sight::All) {
        return Ok(Outcome::refused(403, UNSEEN));
    }
    match function {
        "summary" => tree::summary(call).await,
        "tree" => tree::tree(call, sight).await,
        "children" => tree::children(call, sight).await,
        "actor" => tree::actor(call, sight).await,
        "top" => top::list(call, sight).await,
        "crashes" => crashes::list(call, sight).await,
        "quarantine" => quarantine::list(call, sight).await,
        "outbox" => outbox::list(call, sight).await,
        "timers" => timers::list(call).await,
        "trace" => trace::read(call).await,
        _ => audit::list(call).await,
    }
}

/// How many of a page are wanted.
fn limit(request: &Message, most: usize) -> Result<usize, CallError> {
    let wanted = number(request, "limit")?;
    let wanted = wanted.map(|wanted| usize::try_from(wanted).unwrap_or(most));
    Ok(wanted.unwrap_or(most).clamp(1, most))
}

/// A number of the request that is not negative.
fn natural(request: &Message, key: &str) -> Result<Option<u64>, CallError> {
    let wrong = |_| CallError::BadRequest(format!("`{key}` must be a whole number from 0 up"));
    number(request, key)?.map(|number| u64::try_from(number).map_err(wrong)).transpose()
}

/// Text of the request.
fn text<'a>(request: &'a Message, key: &str) -> Result<Option<&'a str>, CallError> {
    let Some(value) = request.get(key) else { return Ok(None) };
    let text = value.as_name().and_then(|text| std::str::from_utf8(text).ok());
    text.map(Some).ok_or_else(|| CallError::BadRequest(format!("`{key}` must be text")))
}

/// An id of the request.
fn id(request: &Message, key: &str) -> Result<Option<Id>, CallError> {
    let Some(value) = request.get(key) else { return Ok(None) };
    let id = value.as_name().and_then(|id| Id::from_native_or_text(id).ok());
    id.map(Some).ok_or_else(|| CallError::BadRequest(format!("`{key}` must be an id")))
}

/// A count or a time as a value.
fn integer(number: impl Into<BigInt>) -> Value {
    Value::Integer(number.into())
}
