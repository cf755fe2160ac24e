//! Whether this node's signature is of use to the target of a message. Source: spec 12, section 6.

use oxbeam_protocol::{Id, Message, Value};

use crate::addresses::addresses;
use crate::context::Context;
use crate::error::CallError;

/// What is reported of a message that is not signed. The words are the reference node's.
const NO_IDENTITY: &str = "Application of security policy failed: No identities matching \
     authority were found.";

/// Lets a message to this target be signed: always, unless the option `push_always_sign` is off and
/// the target accepts none of the node's addresses.
///
/// # Errors
/// [`CallError::BadRequest`] if it may not; errors of reading.
pub async fn may_sign(context: &Context, target: Option<&str>) -> Result<(), CallError> {
    let Some(target) = target.and_then(|target| target.parse::<Id>().ok()) else { return Ok(()) };
    if context.settings().push_always_sign {
        return Ok(());
    }
    let Some(Value::Map(definition)) = context.node().contents()?.read(target).await? else {
        return Ok(());
    };
    let own = context.node().address();
    match accepted(context, &definition).await? {
        Some(accepted) if !accepted.iter().any(|address| address == own) => {
            Err(CallError::BadRequest(NO_IDENTITY.into()))
        }
        _ => Ok(()),
    }
}

/// Whose signatures a process accepts: what its policy answers, or else its authority. `None` if it
/// says nothing of it.
async fn accepted(
    context: &Context,
    definition: &Message,
) -> Result<Option<Vec<String>>, CallError> {
    if let Some(Value::Map(policy)) = context.get(definition, "policy").await? {
        // One that fails is as good as none.
        if let Ok(outcome) = context.quietly().run(&policy).await
            && outcome.is_ok()
            && let Value::Map(answer) = outcome.value
            && let Some(accepted) = context.get(&answer, "accept-committers").await?
        {
            return Ok(Some(addresses(&accepted)));
        }
    }
    Ok(context.get(definition, "authority").await?.as_ref().map(addresses))
}
