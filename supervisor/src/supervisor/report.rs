//! What a supervisor reports: OTP's supervisor and progress reports.

use std::sync::Arc;

use crate::{actor_ref::ActorRef, event::Happening, exit::ExitReason, realm::Realm};

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

impl Report {
    /// Tells it to the log and as an event of the supervisor.
    pub(crate) fn emit(self, realm: &Realm, supervisor: &ActorRef) {
        let (path, child) = (supervisor.path(), &self.child);
        let reason = self.reason.as_ref().map(ToString::to_string);
        match self.kind {
            ReportKind::Progress => tracing::debug!(supervisor = %path, %child, "child started"),
            kind => tracing::warn!(supervisor = %path, %child, ?kind, ?reason, "child report"),
        }
        realm.emit(supervisor.mailbox().about(), Happening::Supervised(self));
    }
}
