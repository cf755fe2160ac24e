//! What a supervisor reports: OTP's supervisor and progress reports.

use std::sync::Arc;

use crate::exit::ExitReason;

/// A report about a child.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What happened.
    pub kind: ReportKind,
    /// The child's id.
    pub child: Arc<str>,
    /// Why; none for progress.
    pub reason: Option<ExitReason>,
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportKind {
    /// The child runs.
    Progress,
    /// The child did not start.
    StartError,
    /// The child ended and was not asked to.
    ChildTerminated,
    /// The child was asked to end, and ended in another way.
    ShutdownError,
    /// The child's failure was one more than the intensity allows.
    ReachedMaxIntensity,
}
