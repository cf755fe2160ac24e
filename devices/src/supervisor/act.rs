//! Who may act, and what is written down of it.
//!
//! ```text
//! signed by the operator? ─ no ─► refused, counted, written down unless there are too many
//!          │ yes
//! was it done before? ── yes ─► refused
//!          │ no
//! begun, on disk ─► done, and remembered ─► what came of it
//! ```
//!
//! A signature is good for one answer, whatever that is: whoever has seen a message of the operator's
//! cannot have it carried out again. So each is signed anew, with a `nonce` where a signature of the
//! same message comes out the same. An order that met an error, or the end of the program, may be given
//! again as it is: either it was not carried out, or that ended with the program, or it does the rest.
//! The audit shows it as `failed`, or as `begun`.

use oxbeam_kernel::{Call, CallError, Outcome};
use oxbeam_protocol::{Message, Value};

use super::audit::Audit;
use super::{Supervisor, orders};
use crate::{made, roles};

/// What is said to whoever is no operator.
const REFUSED: &str = "Only the operator of this node does that: sign the request, and in it its path or the name of the \
     action as `action`.";
/// What is said of an order that was carried out.
const REPEATED: &str =
    "This was asked for before. Sign it anew; if the signature comes out the same, with a `nonce`.";

/// The answer to an order that was carried out.
pub(super) fn repeated() -> Outcome {
    Outcome::refused(409, REPEATED)
}

/// What an operator does to the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Restart,
    Suspend,
    Resume,
    Abandon,
    Trace,
    Redrive,
}

impl Action {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "restart" => Self::Restart,
            "suspend" => Self::Suspend,
            "resume" => Self::Resume,
            "abandon" => Self::Abandon,
            "trace" => Self::Trace,
            "redrive" => Self::Redrive,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Abandon => "abandon",
            Self::Trace => "trace",
            Self::Redrive => "redrive",
        }
    }
}

/// Does what the operator wants.
///
/// # Errors
/// What is asked for cannot be read, or not be done just now.
pub(super) async fn act(
    device: &Supervisor,
    call: &Call,
    action: Action,
) -> Result<Outcome, CallError> {
    let node = call.context.node();
    // What nobody signed must not choose what is acted on.
    let request = roles::vouched(call);
    let audit = Audit::of(call, action.name(), &request);
    if !roles::orders(&call.context, action.name()) {
        node.metrics().acted("refused");
        audit.refused(&device.refusals, "refused").await;
        return Ok(Outcome::refused(403, REFUSED));
    }
    let signatures = call.context.signed().as_ref().map(made::signatures).unwrap_or_default();
    let Some(order) = device.orders.begin(node, &signatures).await? else {
        node.metrics().acted("repeated");
        audit.refused(&device.refusals, "repeated").await;
        return Ok(repeated());
    };
    let begun = audit.begun().await?;
    let acted = orders::carry_out(node, action, &request, &order).await;
    let made = if acted.is_ok() { order.made().await } else { Ok(()) };
    let (result, reason) = match &acted {
        Ok(outcome) if outcome.is_ok() => ("done", None),
        Ok(outcome) => ("failed", sentence(outcome)),
        Err(error) => ("failed", Some(error.to_string())),
    };
    node.metrics().acted(result);
    begun.ended(result, reason).await;
    made.and(acted)
}

/// What a refusal says.
fn sentence(outcome: &Outcome) -> Option<String> {
    let said = outcome.value.as_map().and_then(|message: &Message| message.get("body"));
    Some(String::from_utf8_lossy(said.and_then(Value::as_bytes)?).into_owned())
}
