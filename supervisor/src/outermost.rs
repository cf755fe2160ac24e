//! The outermost ring: what happens when there is no supervisor above.
//!
//! Each [`Verdict`] has an exit code; README's table of exit codes says what each means.
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
    actor_ref::ActorRef,
    crash,
    exit::ExitReason,
    inspect::State,
    realm::{Realm, SpawnError},
    supervisor::{Finish, SupervisorSpec},
};

/// The exit code of a program whose children did not stop within the deadline, or before a second
/// signal.
pub const DEADLINE_PASSED: u8 = 75;

/// How a supervised program ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// A signal came, the root was asked to end, or its significant children were done.
    Stopped,
    /// A second signal came while children were still stopping: they were killed.
    Hurried,
    /// The root did not start.
    NotStarted(SpawnError),
    /// The root had more failures than it allows, or was killed.
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
            Self::Hurried => DEADLINE_PASSED,
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
/// From the moment when the root begins to stop, because of a signal, an order, failures or a start
/// that failed, the program has `deadline` to end; then it is ended with [`DEADLINE_PASSED`], also
/// if this thread is blocked. A second signal ends it without waiting.
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
    let finish = spec.finish.clone();
    let root = match realm.launch(name, spec) {
        Ok(root) => root.actor(),
        Err(error) => return Verdict::NotStarted(error),
    };
    let asked = tokio::select! {
        () = stopping(&root) => false,
        () = signals.any() => true,
    };
    let _guard = Guard::arm(deadline);
    if asked {
        tracing::info!("a signal came, stopping");
        root.shutdown();
    }
    if !stopped(&root, asked, &mut signals).await {
        return Verdict::Hurried;
    }
    verdict(&root, finish.get(), asked)
}

async fn stopping(root: &ActorRef) {
    root.reaches(|state| matches!(state, State::Stopping | State::Down)).await;
}

/// Waits until the root has ended. False if it was killed for a second signal.
async fn stopped(root: &ActorRef, asked: bool, signals: &mut Signals) -> bool {
    let mut heard = u32::from(asked);
    loop {
        tokio::select! {
            _ = root.reaches(|state| state == State::Gone) => return true,
            () = signals.any() => heard += 1,
        }
        if heard > 1 {
            tracing::warn!("a second signal came, not waiting any more");
            root.kill();
            return false;
        }
    }
}

fn verdict(root: &ActorRef, finish: Option<&Finish>, asked: bool) -> Verdict {
    let reason = root.closed().unwrap_or(ExitReason::NoProc);
    match finish {
        Some(Finish::Asked(_) | Finish::Done) => Verdict::Stopped,
        Some(Finish::NotStarted(reason)) => {
            tracing::error!(%reason, "the root did not start");
            Verdict::NotStarted(SpawnError::Failed { reason: reason.clone() })
        }
        // It was asked before it could begin.
        None if asked && reason.is_normal() => Verdict::Stopped,
        Some(Finish::GaveUp) | None => {
            tracing::error!(%reason, "the root gave up");
            Verdict::GaveUp(reason)
        }
    }
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
