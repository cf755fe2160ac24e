//! Static supervisors: OTP's `supervisor` behaviour.
//!
//! The rules are a pure state machine, `machine`: events and the time go in, actions come out.
//! The actor around it carries actions out and brings events back.

mod actor;
mod books;
mod calls;
mod finish;
mod inbox;
mod intensity;
mod machine;
mod reference;
mod report;
mod spec;

pub use actor::Supervisor;
use books::Books;
pub use calls::{ChildCounts, ChildRow, ChildStatus, SupervisorError};
pub(crate) use finish::Finish;
pub(crate) use inbox::{Inbox, Reading};
pub use intensity::Intensity;
pub use reference::SupervisorRef;
pub use report::{Report, ReportKind};
pub use spec::{AutoShutdown, Strategy, SupervisorSpec};
