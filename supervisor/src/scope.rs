//! What code that runs inside an actor can find out about the actor it runs in.
//!
//! A shell enters its scope for as long as it polls its actor. The scope is how handlers ask for
//! their own exit, say that they have started, and hand over the futures of concurrent calls.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::{
    actor_ref::ActorRef,
    crash::{Caught, Crash, Place},
    exit::ExitReason,
    shell::Call,
};

thread_local! {
    static CURRENT: RefCell<Option<Rc<Scope>>> = const { RefCell::new(None) };
}

/// The scope of one incarnation of one actor.
pub(crate) struct Scope {
    pub(crate) actor: ActorRef,
    pub(crate) place: Cell<Place>,
    pub(crate) message: Cell<Option<&'static str>>,
    /// Number of the message being handled, by which its caller finds out about a failed call.
    pub(crate) ticket: Cell<u64>,
    /// Set when the actor asked for its own end.
    pub(crate) exit: Cell<Option<Box<ExitReason>>>,
    /// Set when the actor said that it has started, or that it has not.
    pub(crate) started: Cell<Option<Result<(), Box<ExitReason>>>>,
    /// Calls that began since the shell last looked. Bounded: the pump takes no more messages than
    /// the limit of concurrent calls allows.
    pub(crate) calls: RefCell<Vec<Call>>,
    pub(crate) in_flight: Cell<usize>,
    /// The pump is to end at its next turn.
    pub(crate) retire: Cell<bool>,
    /// A gate holds the actor.
    pub(crate) gated: Cell<bool>,
    /// Messages until the thread's other tasks get their turn.
    pub(crate) messages_left: Cell<u32>,
}

impl Scope {
    pub(crate) fn new(actor: ActorRef) -> Rc<Self> {
        Rc::new(Self {
            actor,
            place: Cell::new(Place::Factory),
            message: Cell::new(None),
            ticket: Cell::new(0),
            exit: Cell::new(None),
            started: Cell::new(None),
            calls: RefCell::new(Vec::new()),
            in_flight: Cell::new(0),
            retire: Cell::new(false),
            gated: Cell::new(false),
            messages_left: Cell::new(0),
        })
    }

    /// Runs `body` inside this scope.
    pub(crate) fn enter<T>(self: &Rc<Self>, body: impl FnOnce() -> T) -> T {
        let _entered = Entered(CURRENT.replace(Some(self.clone())));
        body()
    }

    /// The crash report of a panic that was caught in this scope.
    pub(crate) fn report(&self, caught: Caught) -> Crash {
        let mailbox = self.actor.mailbox();
        let row = mailbox.row();
        Crash {
            actor: row.about.id,
            path: row.about.path,
            kind: row.actor,
            incarnation: row.incarnation,
            place: self.place.get(),
            message: self.message.get(),
            text: caught.text,
            location: caught.location,
            backtrace: caught.backtrace,
            queued: row.queued,
            links: mailbox.links(),
        }
    }
}

/// Puts the outer scope back, also while unwinding.
struct Entered(Option<Rc<Scope>>);

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// The scope of the actor that is running on this thread, if one is.
pub(crate) fn current() -> Option<Rc<Scope>> {
    CURRENT.with_borrow(Clone::clone)
}
