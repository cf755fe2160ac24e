//! `~multipass@1.0`: as the last device of a stack, has it run again until `passes` passes are done.
//!
//! Reads `passes` and `pass` of the base, integers that are 1 if they are absent. Source: spec 15,
//! section 3.

use std::sync::Arc;

use oxbeam_kernel::{Call, CallError, Device, Outcome, Reply, Status};
use oxbeam_protocol::Message;

use crate::read;

/// The device.
#[derive(Debug, Default)]
pub(crate) struct Multipass;

impl Device for Multipass {
    fn answers(&self, function: &str, _: &Message) -> bool {
        !matches!(function, "keys" | "set")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(repass(call))
    }
}

/// Asks for another pass while `pass` is below `passes`.
async fn repass(call: Call) -> Result<Outcome, CallError> {
    let passes = read::integer(&call.context, &call.base, "passes").await?;
    let pass = read::integer(&call.context, &call.base, "pass").await?;
    let again = pass.unwrap_or_else(|| 1.into()) < passes.unwrap_or_else(|| 1.into());
    let status = if again { Status::Pass } else { Status::Ok };
    Ok(Outcome { status, value: call.base.into() })
}
