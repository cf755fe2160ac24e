//! The outermost ring: what happens when there is no supervisor above.
//!
//! | Exit code | [`Verdict`] | Meaning |
//! |---|---|---|
//! | 0 | `Stopped` | SIGTERM or SIGINT came, or the root ended by itself; children stopped in order |
//! | 69 | `NotStarted` | a child of the root did not start; those before it were stopped in order |
//! | 70 | `GaveUp` | the root had more failures than it allows; children stopped in order |
//! | 71 | `Unfit` | the self-test failed, or signals cannot be heard: nothing was started |
//! | 75 | – | the children did not stop within the deadline; the program was ended all the same |
//!
//! The numbers are those of `sysexits.h`.

use std::{
    io,
    process::{self, ExitCode},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    crash,
    exit::ExitReason,
    inspect::State,
    realm::{Realm, SpawnError},
    supervisor::{SupervisorRef, SupervisorSpec},
};

/// The exit code of a program whose children did not stop within the deadline.
pub const DEADLINE_PASSED: u8 = 75;

/// How a supervised program ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// A signal came, or the root ended by itself.
    Stopped,
    /// The root did not start.
    NotStarted(SpawnError),
    /// The root gave up.
    GaveUp(ExitReason),
    /// The program cannot be supervised.
    Unfit(Unfit),
}

/// Why a program cannot be supervised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// Panics abort the program: one bug anywhere would end everything.
    #[error("panics abort the program, build it with panic = \"unwind\"")]
    PanicsAbort,
    /// A panic was caught, and what it said was lost.
    #[error("the panic hook was replaced, crash reports would be empty")]
    HookReplaced,
    /// Signals cannot be heard.
    #[error("failed to listen for signals")]
    NoSignals(#[source] io::Error),
}

impl Verdict {
    /// The exit code; see the table of exit codes in README.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Stopped => 0,
            Self::NotStarted(_) => 69,
            Self::GaveUp(_) => 70,
            Self::Unfit(_) => 71,
        }
    }
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(verdict.code())
    }
}

/// Panics once, and checks that the panic is caught with its words and its place.
///
/// # Errors
/// Why the program cannot be supervised.
pub fn self_test() -> Result<(), Unfit> {
    const WORDS: &str = "the self-test's panic";
    if cfg!(panic = "abort") {
        return Err(Unfit::PanicsAbort);
    }
    crash::install();
    #[expect(clippy::panic, reason = "to see that it is caught")]
    let caught = crash::catch(|| std::panic::panic_any(WORDS));
    match caught {
        Err(caught) if caught.text == WORDS && caught.location.contains("outermost") => Ok(()),
        _ => Err(Unfit::HookReplaced),
    }
}

/// Runs a tree until it ends or a signal ends it; `main` returns the verdict as its exit code.
///
/// From the moment when the root begins to stop, whatever the cause, the program has `deadline` to
/// end; then it is ended with [`DEADLINE_PASSED`], also if this thread is blocked.
pub async fn run(
    realm: &Arc<Realm>,
    name: &str,
    spec: SupervisorSpec,
    deadline: Duration,
) -> Verdict {
    let signals = self_test().and_then(|()| Signals::listen().map_err(Unfit::NoSignals));
    let mut signals = match signals {
        Ok(signals) => signals,
        Err(unfit) => return Verdict::Unfit(unfit),
    };
    let root = match realm.start(name, spec).await {
        Ok(root) => root,
        Err(error) => return Verdict::NotStarted(error),
    };
    let stopped = tokio::select! {
        () = stopping(&root) => false,
        () = signals.any() => true,
    };
    let _guard = Guard::arm(deadline);
    if stopped {
        tracing::info!("a signal came, stopping");
        root.actor().shutdown();
    }
    root.actor().reaches(|state| state == State::Gone).await;
    verdict(&root, stopped)
}

fn verdict(root: &SupervisorRef, stopped: bool) -> Verdict {
    let reason = root.actor().closed().unwrap_or(ExitReason::NoProc);
    if stopped || reason == ExitReason::Normal {
        return Verdict::Stopped;
    }
    tracing::error!(%reason, "the root gave up");
    Verdict::GaveUp(reason)
}

async fn stopping(root: &SupervisorRef) {
    root.actor().reaches(|state| matches!(state, State::Stopping | State::Down)).await;
}

/// The signals that end a program in order.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Ends the program at the deadline, from a thread of its own; not if it is dropped before.
struct Guard {
    _alive: mpsc::SyncSender<()>,
}

impl Guard {
    fn arm(deadline: Duration) -> Option<Self> {
        let (alive, dropped) = mpsc::sync_channel(0);
        let watch = move || {
            if dropped.recv_timeout(deadline) == Err(mpsc::RecvTimeoutError::Timeout) {
                tracing::error!(?deadline, "children did not stop in time");
                process::exit(i32::from(DEADLINE_PASSED));
            }
        };
        let spawned = thread::Builder::new().name("deadline".to_owned()).spawn(watch);
        if let Err(error) = &spawned {
            tracing::error!(%error, "failed to start the deadline's thread, stopping without one");
        }
        spawned.ok().map(|_| Self { _alive: alive })
    }
}
