//! The log on standard error.

use std::io;

use oxbeam_kernel::{LogForm, Startup};
use tracing_subscriber::EnvFilter;

use crate::cli::failure::Failure;

/// Everything that is logged from now on is written in the form that the configuration asks for.
pub(super) fn begin(startup: &Startup) -> Result<(), Failure> {
    let filter = &startup.log_filter;
    let wrong = |_| Failure::LogFilter { filter: filter.clone() };
    let filter = EnvFilter::builder().parse(filter).map_err(wrong)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // Else a reader of the log that goes away ends whoever logs.
    let log = log.log_internal_errors(false);
    // A second beginning in the same program changes nothing.
    let _ = match startup.log {
        LogForm::Pretty => log.with_target(false).try_init(),
        LogForm::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}
