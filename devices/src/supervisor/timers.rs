//! `timers`: those of everybody, as `~cron@1.0` shows them.

use oxbeam_kernel::{Call, CallError, Outcome};

use crate::cron;

pub(super) async fn list(call: &Call) -> Result<Outcome, CallError> {
    cron::page(call, true).await
}
