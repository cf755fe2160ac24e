//! `oxbeam up`: the node as a child, started again when it crashes.
//!
//! | The child ends                                            | The launcher                         |
//! |-----------------------------------------------------------|--------------------------------------|
//! | with 0, or after a signal that the launcher passed on     | ends with its code                   |
//! | before it was ever ready, with a code                     | ends with it: the child said why     |
//! | with a code that no restart mends: input, wallet, options | ends with it                         |
//! | otherwise                                                 | starts it again, after a pause       |
//! | so, too often in a row without having been well between   | shows the last crash, ends with its code |
//!
//! The launcher opens nothing and holds no state: all that can fail is in the child.

mod arguments;
mod child;
pub(super) mod report;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::sleep;

use super::arguments::Up;
use super::failure::Failure;
use child::{Child, End};

/// The longest pause before a restart.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A child that was ready for so long was well: what came before is forgotten.
const WELL: Duration = Duration::from_secs(60);

/// Runs the node until it ends for good.
pub(super) fn run(up: &Up) -> Result<ExitCode, Failure> {
    // What is wrong with the options is told once, and by nobody else.
    let configuration = up.start.load()?;
    let reports = oxbeam_kernel::Startup::read(&configuration.message).data.join(report::FOLDER);
    let code = actix_rt::System::new().block_on(async {
        let signals = Signals::listen().map_err(Failure::Threads)?;
        let launcher = Launcher { up, signals, crashes: 0, was_ready: false };
        launcher.run(&reports).await
    })?;
    Ok(ExitCode::from(code))
}

struct Launcher<'a> {
    up: &'a Up,
    signals: Signals,
    /// Crashes since the child was last well.
    crashes: u32,
    /// Whether any child was ever ready.
    was_ready: bool,
}

impl Launcher<'_> {
    async fn run(mut self, reports: &std::path::Path) -> Result<u8, Failure> {
        loop {
            let mut child = Child::start()?;
            notice(&format!("started the node, process {}", child.id()));
            let (end, asked) = self.watch(&mut child).await?;
            if asked || self.is_final(&end) {
                return Ok(end.code());
            }
            self.crashes = if end.ready >= Some(WELL) { 1 } else { self.crashes + 1 };
            if let Err(error) = report::keep(reports, &end) {
                notice(&format!("failed to keep the crash report: {error}"));
            }
            if self.crashes >= self.up.max_crashes {
                let crashes = self.crashes;
                notice(&format!(
                    "the node crashed {crashes} times in a row, not starting it again"
                ));
                notice(&format!("the last crash:\n{}", report::text(&end)));
                return Ok(end.code());
            }
            let pause = self.pause();
            notice(&format!("the node {}, starting it again in {pause:.1?}", end.says()));
            tokio::select! {
                () = sleep(pause) => {}
                _ = self.signals.next() => return Ok(end.code()),
            }
        }
    }

    /// Waits for the child's end, and passes signals on meanwhile. Whether there were any.
    async fn watch(&mut self, child: &mut Child) -> Result<(End, bool), Failure> {
        let mut asked = false;
        loop {
            tokio::select! {
                end = child.end() => {
                    let end = end?;
                    self.was_ready |= end.ready.is_some();
                    return Ok((end, asked));
                }
                signal = self.signals.next() => {
                    asked = true;
                    child.signal(signal);
                }
            }
        }
    }

    /// Whether to start it again would change nothing.
    fn is_final(&self, end: &End) -> bool {
        match end.status.code() {
            Some(0 | 64..=68 | 73 | 77 | 78) => true,
            Some(_) => !self.was_ready,
            None => false,
        }
    }

    /// Twice as long as before, and not the same for all that crashed for one reason.
    fn pause(&self) -> Duration {
        let first = Duration::from_millis(self.up.pause);
        let doubled = first.saturating_mul(1_u32.checked_shl(self.crashes - 1).unwrap_or(u32::MAX));
        doubled.min(LONGEST_PAUSE).mul_f64(0.75 + fastrand::f64() / 2.0)
    }
}

/// The signals that are passed on.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> rustix::process::Signal {
        tokio::select! {
            _ = self.terminate.recv() => rustix::process::Signal::TERM,
            _ = self.interrupt.recv() => rustix::process::Signal::INT,
            // The terminal is gone, and the node is to go as well.
            _ = self.hangup.recv() => rustix::process::Signal::TERM,
        }
    }
}

fn notice(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(io::stderr(), "oxbeam up: {text}");
}
