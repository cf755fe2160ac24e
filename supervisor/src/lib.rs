#![doc = include_str!("../README.md")]

mod actor_ref;
mod address;
mod budget;
mod context;
mod crash;
mod dynamic;
mod event;
mod exit;
mod group;
mod inspect;
mod link;
mod mailbox;
mod outermost;
mod owned;
mod realm;
mod registry;
mod scheduler;
mod scope;
mod shell;
mod spec;
mod supervisor;
mod tally;

pub use actor_ref::ActorRef;
pub use address::{Address, Ask, AskError, Recipient, Refusal, Unsent};
pub use context::ContextExt;
pub use crash::{Crash, CrashGroup, CrashLog, Place};
pub use dynamic::{Backoff, Children, DynamicSpec, DynamicSupervisor, Key, Quarantined};
pub use event::{Event, Happening};
pub use exit::ExitReason;
pub use group::Groups;
pub use inspect::{About, ActorId, Current, LastExit, Part, Row, Snapshot, State, Trace, Traced};
pub use link::{Down, Exit, MonitorId};
pub use outermost::{DEADLINE_PASSED, Unfit, Verdict, run, self_test};
pub use realm::{Realm, RealmConfig, SpawnError};
pub use registry::{NameTaken, Registry};
pub use scheduler::{NoPlace, Placement, Schedulers, Slice, WatchdogConfig, watch, yield_now};
pub use shell::Concurrent;
pub use spec::{
    ActorSpec, Birth, ChildSpec, Kind, QUEUE_LIMIT, Restart, Show, Shutdown, SpecError, StartError,
    check_child_specs,
};
pub use supervisor::{
    AutoShutdown, ChildCounts, ChildRow, ChildStatus, Intensity, Report, ReportKind, Strategy,
    Supervisor, SupervisorError, SupervisorRef, SupervisorSpec,
};
pub use tally::Tally;
