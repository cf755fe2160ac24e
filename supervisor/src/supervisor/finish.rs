//! Why a supervisor ended.

use crate::exit::ExitReason;

/// Why a supervisor ended. Its exit reason is OTP's, `Shutdown` for most of these; the program's
/// exit code needs to tell them apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Finish {
    /// It was asked to.
    Asked(ExitReason),
    /// Its significant children had done their work.
    Done,
    /// There were more failures than its intensity allows.
    GaveUp,
    /// A child did not start.
    NotStarted(ExitReason),
}

impl Finish {
    pub(super) fn reason(&self) -> ExitReason {
        match self {
            Self::Asked(reason) | Self::NotStarted(reason) => reason.clone(),
            Self::Done | Self::GaveUp => ExitReason::Shutdown,
        }
    }
}
