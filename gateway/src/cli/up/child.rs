//! One life of the node.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;

use super::arguments::of_child;
use crate::cli::failure::Failure;

/// Last lines of what it says that are kept.
const LINES: usize = 100;
/// Bytes of a line; longer ones are kept in pieces.
const MAX_LINE: u64 = 16 << 10;

/// What the child has said so far.
#[derive(Debug, Default)]
struct Said {
    /// When it said that it is ready.
    ready: Option<Instant>,
    /// Its last lines on standard error.
    last: VecDeque<String>,
}

/// The node that runs.
pub(super) struct Child {
    child: tokio::process::Child,
    id: u32,
    said: Arc<Mutex<Said>>,
    copies: Vec<JoinHandle<()>>,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) status: ExitStatus,
    /// For how long it was ready, if it ever was.
    pub(super) ready: Option<Duration>,
    /// Its last words.
    pub(super) last: Vec<String>,
}

impl Child {
    pub(super) fn start() -> Result<Self, Failure> {
        let program = std::env::current_exe().map_err(Failure::Threads)?;
        let mut command = Command::new(program);
        command.args(of_child(std::env::args_os().skip(1))).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // A signal of the terminal would come twice: from it, and from the launcher.
        command.process_group(0);
        let mut child = command.spawn().map_err(Failure::Threads)?;
        let said = Arc::<Mutex<Said>>::default();
        let mut copies = Vec::new();
        if let Some(out) = child.stdout.take() {
            let out = File::from(out.into_owned_fd().map_err(Failure::Threads)?);
            let said = said.clone();
            copies.push(copy(out, io::stdout, move |_| {
                said.lock().ready.get_or_insert_with(Instant::now);
            })?);
        }
        if let Some(errors) = child.stderr.take() {
            let errors = File::from(errors.into_owned_fd().map_err(Failure::Threads)?);
            let said = said.clone();
            copies.push(copy(errors, io::stderr, move |line| {
                let last = &mut said.lock().last;
                if last.len() >= LINES {
                    last.pop_front();
                }
                last.push_back(String::from_utf8_lossy(line).trim_end().to_owned());
            })?);
        }
        let id = child.id().unwrap_or_default();
        Ok(Self { child, id, said, copies })
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id).ok().and_then(Pid::from_raw);
        if let Some(id) = id.filter(|_| self.child.id().is_some()) {
            // It may have ended already.
            let _ = kill_process(id, signal);
        }
    }

    /// Waits until it has ended and all that it said has been read.
    pub(super) async fn end(&mut self) -> Result<End, Failure> {
        let status = self.child.wait().await.map_err(Failure::Threads)?;
        for copy in self.copies.drain(..) {
            // The other end is closed, so this is over at once.
            let _ = copy.join();
        }
        let mut said = self.said.lock();
        let ready = said.ready.map(|since| since.elapsed());
        Ok(End { status, ready, last: said.last.drain(..).collect() })
    }
}

impl End {
    /// The exit code: the child's own, or 128 and the signal that ended it, as shells have it.
    pub(super) fn code(&self) -> u8 {
        use std::os::unix::process::ExitStatusExt;
        let code = self.status.code().or_else(|| Some(128 + self.status.signal()?));
        code.and_then(|code| u8::try_from(code).ok()).unwrap_or(70)
    }

    /// How it ended, in words.
    pub(super) fn says(&self) -> String {
        use std::os::unix::process::ExitStatusExt;
        let how = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("ended with code {code}"),
            (None, Some(signal)) => format!("was killed by signal {signal}"),
            (None, None) => "ended".to_owned(),
        };
        match self.ready {
            Some(ready) => format!("{how} after it was ready for {ready:.1?}"),
            None => format!("{how} before it was ready"),
        }
    }
}

/// Copies what comes, line by line, and shows each line to `see`.
fn copy<W: Write + 'static>(
    from: impl Read + Send + 'static,
    to: fn() -> W,
    see: impl Fn(&[u8]) + Send + 'static,
) -> Result<JoinHandle<()>, Failure> {
    let copy = move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while from.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            see(&line);
            // Whoever closed the other end does not want to know.
            let _ = to().write_all(&line).and_then(|()| to().flush());
            line.clear();
        }
    };
    thread::Builder::new().name("copy".into()).spawn(copy).map_err(Failure::Threads)
}
