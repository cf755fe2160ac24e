//! Catching a panic together with what only the panic hook can see of it.

use std::{
    any::Any,
    backtrace::Backtrace,
    cell::Cell,
    mem,
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::OnceLock,
};

/// A panic as the hook saw it.
#[derive(Debug)]
pub(crate) struct Caught {
    pub(crate) text: String,
    pub(crate) location: String,
    pub(crate) backtrace: Backtrace,
}

thread_local! {
    /// How many `catch` calls are below us on this thread's stack.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// The latest panic inside `catch`. The hook fills it before the stack unwinds.
    static LATEST: Cell<Option<Box<Caught>>> = const { Cell::new(None) };
}

/// Installs the hook, once for the program. Panics outside supervised code go to the hook that was
/// there before; those inside are told by crash reports instead.
pub(crate) fn install() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if DEPTH.try_with(Cell::get).unwrap_or(0) > 0 { note(info) } else { before(info) }
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let caught = Caught {
        text: info.payload_as_str().unwrap_or("a panic without words").to_owned(),
        location: info.location().map(ToString::to_string).unwrap_or_default(),
        backtrace: Backtrace::force_capture(),
    };
    // A panic in a thread-local's destructor finds nowhere to be noted; it is still caught.
    let _ = LATEST.try_with(|latest| latest.set(Some(Box::new(caught))));
}

/// Runs `body`; a panic inside comes back as what the hook saw.
///
/// # Errors
/// What the hook saw of the panic.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Caught> {
    // A panic around us may be unwinding through a drop that came here.
    let around = LATEST.take();
    DEPTH.with(|depth| depth.set(depth.get() + 1));
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    DEPTH.with(|depth| depth.set(depth.get() - 1));
    let result = result.map_err(|payload| {
        let noted = LATEST.take().filter(|caught| caught.is_of(&*payload));
        let caught = noted.map_or_else(|| unseen(&*payload), |noted| *noted);
        // A payload whose own drop panics must not end the program, nor the payload of that.
        if let Err(second) = panic::catch_unwind(AssertUnwindSafe(move || drop(payload))) {
            mem::forget(second);
        }
        caught
    });
    LATEST.set(around);
    result
}

impl Caught {
    /// Whether this is the panic with that payload: one that the actor caught itself is noted too.
    fn is_of(&self, payload: &(dyn Any + Send)) -> bool {
        words(payload).is_none_or(|words| words == self.text)
    }
}

/// A panic that passed by the hook: `resume_unwind`, or another hook put in our place.
fn unseen(payload: &(dyn Any + Send)) -> Caught {
    let text = words(payload).unwrap_or("a panic without words").to_owned();
    Caught { text, location: "unknown".to_owned(), backtrace: Backtrace::disabled() }
}

fn words(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}
