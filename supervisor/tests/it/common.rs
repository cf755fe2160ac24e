//! Actors that do what a test needs, and simulated time to run them in.

use std::{
    cell::RefCell,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use actix::{
    Actor, ActorContext, AsyncContext, AtomicResponse, Context, Handler, ResponseActFuture,
    Running, WrapFuture, fut::ActorFutureExt,
};
use oxbeam_supervisor::{
    ActorSpec, Address, Backoff, ChildSpec, Children, Concurrent, ContextExt, DynamicSpec, Event,
    ExitReason, Happening, Realm, RealmConfig, Report, ReportKind, Show, SupervisorRef,
    SupervisorSpec,
};
use tokio::{sync::broadcast, task::LocalSet};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// In simulated time: for ever.
pub(crate) const EVER: Duration = Duration::from_secs(24 * 3600);

/// Runs a test on one thread with a clock that jumps whenever all tasks wait.
pub(crate) fn simulate<F: Future>(test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, test)
}

pub(crate) fn realm() -> Arc<Realm> {
    Realm::new(RealmConfig::default()).unwrap()
}

/// Counts what it is asked to count; panics, fails or stops when asked.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) count: u32,
    /// Where to panic beside handlers.
    pub(crate) trap: Trap,
    /// What its hooks did, shared with the test.
    pub(crate) diary: Diary,
    /// Keeps `stopping` from stopping.
    pub(crate) stubborn: bool,
}

pub(crate) type Diary = Arc<parking_lot::Mutex<Vec<&'static str>>>;

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    #[default]
    Nowhere,
    Started,
    Stopping,
    Stopped,
    Drop,
}

impl Counter {
    pub(crate) fn new(trap: Trap, diary: &Diary) -> Self {
        Self { count: 0, trap, diary: diary.clone(), stubborn: false }
    }

    pub(crate) fn stubborn() -> Self {
        Self { count: 0, trap: Trap::Nowhere, diary: Diary::default(), stubborn: true }
    }

    fn pass(&self, place: Trap, word: &'static str) {
        self.diary.lock().push(word);
        assert!(self.trap != place, "trapped in {word}");
    }
}

impl Actor for Counter {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        self.pass(Trap::Started, "started");
    }

    fn stopping(&mut self, _: &mut Context<Self>) -> Running {
        self.pass(Trap::Stopping, "stopping");
        if self.stubborn { Running::Continue } else { Running::Stop }
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.pass(Trap::Stopped, "stopped");
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.diary.lock().push("dropped");
        if self.trap == Trap::Drop {
            panic!("trapped in drop");
        }
    }
}

impl Show for Counter {
    fn show(&self) -> String {
        format!("count {}", self.count)
    }
}

#[derive(Debug, actix::Message)]
#[rtype(u32)]
pub(crate) struct Count;

impl Handler<Count> for Counter {
    type Result = u32;
    fn handle(&mut self, _: Count, _: &mut Context<Self>) -> u32 {
        self.count += 1;
        self.count
    }
}

/// Ends the actor in some way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, actix::Message)]
#[rtype(u32)]
pub(crate) enum End {
    Panic,
    /// With a payload that is not a text.
    PanicAny,
    PanicInFuture,
    PanicInAtomic,
    PanicInTimer,
    Fail,
    Stop,
    ShutdownWith,
}

impl Handler<End> for Counter {
    type Result = ResponseActFuture<Self, u32>;

    fn handle(&mut self, end: End, ctx: &mut Context<Self>) -> Self::Result {
        let later = || tokio::time::sleep(Duration::from_millis(1));
        match end {
            End::Panic => panic!("asked to panic {}", self.count),
            End::PanicAny => std::panic::panic_any(self.count),
            End::Fail => ctx.fail("asked to fail"),
            End::Stop => ctx.stop(),
            End::ShutdownWith => ctx.exit(ExitReason::ShutdownWith("asked to".into())),
            End::PanicInFuture => {
                return Box::pin(later().into_actor(self).map(|(), _, _| panic!("in a future")));
            }
            End::PanicInAtomic => {
                ctx.wait(later().into_actor(self).map(|(), _, _| panic!("in atomic")))
            }
            End::PanicInTimer => {
                ctx.run_later(Duration::from_millis(1), |_, _| panic!("in a timer"));
            }
        }
        Box::pin(std::future::pending().into_actor(self))
    }
}

/// Does nothing; with `acknowledged` it never starts either.
pub(crate) struct Never;

impl Actor for Never {
    type Context = Context<Self>;
}

/// Answers nothing.
pub(crate) struct Hanging;

impl Actor for Hanging {
    type Context = Context<Self>;
}

#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Hang;

impl Handler<Hang> for Hanging {
    type Result = Concurrent<()>;
    fn handle(&mut self, _: Hang, _: &mut Context<Self>) -> Concurrent<()> {
        Concurrent::new(std::future::pending())
    }
}

/// Waits in the actor, letting it handle nothing else.
#[derive(Debug, actix::Message)]
#[rtype(result = "()")]
pub(crate) struct Wait(pub(crate) Duration);

impl Handler<Wait> for Counter {
    type Result = AtomicResponse<Self, ()>;
    fn handle(&mut self, Wait(time): Wait, _: &mut Context<Self>) -> Self::Result {
        AtomicResponse::new(Box::pin(tokio::time::sleep(time).into_actor(self)))
    }
}

/// A spec that counts its starts and may be told to fail them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Births {
    starts: Arc<AtomicU32>,
    failing: Arc<AtomicU32>,
}

impl Births {
    pub(crate) fn starts(&self) -> u32 {
        self.starts.load(Ordering::SeqCst)
    }

    /// The next `times` starts fail.
    pub(crate) fn fail_next(&self, times: u32) {
        self.failing.store(times, Ordering::SeqCst);
    }

    pub(crate) fn spec(&self) -> ActorSpec<Counter> {
        let births = self.clone();
        ActorSpec::fallible(move |_| {
            births.starts.fetch_add(1, Ordering::SeqCst);
            let left = births.failing.load(Ordering::SeqCst);
            if left > 0 {
                births.failing.store(left - 1, Ordering::SeqCst);
                return Err(oxbeam_supervisor::StartError::failed("told to"));
            }
            Ok(Counter::default())
        })
    }
}

/// A worker that works.
pub(crate) fn worker(id: &str) -> ChildSpec {
    ChildSpec::worker(id, ActorSpec::new(Counter::default).named(id))
}

pub(crate) fn counter(realm: &Realm, name: &str) -> Address<Counter> {
    realm.registry().address(name).unwrap()
}

/// Three restarts: after one second, two and four.
pub(crate) fn backoff() -> Backoff {
    Backoff { restarts: 3, min: SECOND, max: 60 * SECOND, jitter: 0.0, reset_after: 600 * SECOND }
}

/// A root whose one child is this dynamic supervisor.
pub(crate) async fn start<A: Actor<Context = Context<A>>>(
    realm: &Arc<Realm>,
    spec: DynamicSpec<u32, A>,
) -> (Children<u32, A>, SupervisorRef) {
    let (children, child) = spec.into_child("many");
    let root = realm.start("root", SupervisorSpec::new().child(child)).await.unwrap();
    (children, root)
}

/// Ends an actor and waits until it has ended.
pub(crate) async fn end(address: &Address<Counter>, end: End) -> ExitReason {
    let down = {
        let actor = address.actor();
        async move { actor.down().await }
    };
    let mut down = std::pin::pin!(down);
    // Polled once, so that the monitor is set before the end.
    assert!(futures_util::poll!(&mut down).is_pending());
    let _ = address.tell(end);
    down.await
}

/// The order of starts and ends, as the realm tells it.
pub(crate) struct Story {
    events: RefCell<broadcast::Receiver<Event>>,
}

impl Story {
    pub(crate) fn of(realm: &Realm) -> Self {
        Self { events: RefCell::new(realm.events()) }
    }

    fn drain(&self) -> Vec<Event> {
        let mut events = self.events.borrow_mut();
        std::iter::from_fn(|| events.try_recv().ok()).collect()
    }

    /// "+name" for a start, "-name" for an end.
    pub(crate) fn lives(&self) -> Vec<String> {
        let name = |event: &Event| event.path.rsplit('/').next().unwrap().to_owned();
        let word = |event: Event| match event.what {
            Happening::Started => Some(format!("+{}", name(&event))),
            Happening::Exited { .. } => Some(format!("-{}", name(&event))),
            _ => None,
        };
        self.drain().into_iter().filter_map(word).collect()
    }

    pub(crate) fn reports(&self) -> Vec<(ReportKind, String)> {
        let told = |event: Event| match event.what {
            Happening::Supervised(Report { kind, child, .. }) => Some((kind, child.to_string())),
            _ => None,
        };
        self.drain().into_iter().filter_map(told).collect()
    }
}

/// Lets everything that can run, run; in simulated time.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// Whether this process runs the test alone, so that what it measures of itself is the test's. If not,
/// a process of its own has run it.
pub(crate) fn alone(test: &str) -> bool {
    const ALONE: &str = "OXBEAM_TEST_ALONE";
    // nextest gives each test a process.
    if [ALONE, "NEXTEST"].iter().any(|name| std::env::var_os(name).is_some()) {
        return true;
    }
    let mut program = Command::new(std::env::current_exe().unwrap());
    let status = program.args([test, "--exact", "--nocapture"]).env(ALONE, "1").status().unwrap();
    assert!(status.success(), "{test} failed in a process of its own");
    false
}

pub(crate) fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Processor time that this thread has had: unlike a clock's, it does not grow while others run.
pub(crate) fn processor_time() -> Duration {
    cpu_time::ThreadTime::now().as_duration()
}
