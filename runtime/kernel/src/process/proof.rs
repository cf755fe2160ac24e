//! Whether an assignment is what the process's scheduler has put at its slot: looked at once, before
//! the slot is computed for the first time. Source: spec 11, section 7.

use oxbeam_protocol::Id;

use super::ahead::Read;
use super::state::Live;
use crate::assignment::{self, chain_of};
use crate::context::Context;
use crate::error::CallError;

/// Verifies the assignment that follows a state. Answers with the hash chain there.
pub(super) async fn prove(
    context: &Context,
    process: Id,
    (live, schedulers): (&Live, &[String]),
    read: &mut Read,
) -> Result<Id, CallError> {
    let slot = live.next();
    let before = match (live.chain, live.slot) {
        (Some(chain), _) => Some(chain),
        (None, None) => None,
        (None, Some(before)) => {
            let store = context.node().store()?;
            let before = assignment::read(&*store, process, before).await?;
            before.as_ref().and_then(chain_of)
        }
    };
    // Else here, on a thread that computes: it takes less than most slots.
    let placed = read
        .prove(context.node().assigned())
        .and_then(|proven| assignment::place(&proven, (process, slot), before, schedulers));
    placed.map_err(|why| {
        CallError::Raised(format!("the assignment to slot {slot} cannot be believed: {why}"))
    })
}
