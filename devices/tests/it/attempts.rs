//! Attempts at the slots of a process: each is counted before it is made, and what is not made is
//! not counted.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_rt::time::timeout;
use oxbeam_kernel::{Call, CallError, Device, NodeMessage, Outcome, Reply, Row};
use oxbeam_protocol::{Id, Message, Value, commitment};
use oxbeam_store::{Append, ContentBatch};
use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::node::{TestNode, proven};

const NONE: [u64; 0] = [];

/// An execution device that looks at the attempts while it computes a slot.
struct Watcher {
    /// Which slot, and the attempts at it and at the next one.
    seen: Mutex<Vec<(u64, u32, u32)>>,
    begun: Notify,
    /// How many slots it may compute.
    room: Semaphore,
    /// A slot that comes to no state.
    bad: Option<(u64, Bad)>,
}

#[derive(Clone, Copy)]
enum Bad {
    Error,
    Panic,
}

impl Watcher {
    fn new(room: usize, bad: Option<(u64, Bad)>) -> Arc<Self> {
        let (seen, begun) = Default::default();
        Arc::new(Self { seen, begun, room: Semaphore::new(room), bad })
    }

    fn with_room(room: usize) -> Arc<Self> {
        Self::new(room, None)
    }

    async fn compute(&self, call: Call) -> Result<Outcome, CallError> {
        let process = call.base.get("process").unwrap().as_map().unwrap();
        let process = commitment::signed_id(&process.clone().into()).unwrap();
        let Some(Value::Integer(slot)) = call.request.get("slot") else { panic!("no slot") };
        let slot = u64::try_from(slot).unwrap();
        let store = call.context.node().store()?;
        let attempts = store.attempts(process, slot).await?;
        let next = store.attempts(process, slot + 1).await?;
        self.seen.lock().push((slot, attempts, next));
        self.begun.notify_one();
        self.room.acquire().await.unwrap().forget();
        match self.bad.filter(|(bad, _)| *bad == slot) {
            Some((_, Bad::Error)) => return Ok(Outcome::error("bad")),
            Some((_, Bad::Panic)) => panic!("a bug"),
            None => {}
        }
        Ok(Outcome::ok(call.base.with("results", Message::new())))
    }
}

impl Device for Watcher {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "init" | "compute")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            match call.function().as_str() {
                "init" => Ok(Outcome::ok(call.base)),
                _ => self.compute(call).await,
            }
        })
    }
}

fn rows(watcher: &Arc<Watcher>) -> Vec<Row> {
    vec![Row { names: &["watcher@1.0"], device: watcher.clone() }]
}

/// A node, and a process of the device with so many slots.
async fn scene(watcher: &Arc<Watcher>, slots: u64) -> (TestNode, Id) {
    let node = TestNode::with_devices(NodeMessage::default(), rows(watcher)).await;
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "watcher@1.0"),
    ]);
    let definition = definition.with("scheduler", node.node.address());
    let definition = node.node.sign(definition, None).await.unwrap();
    let process = commitment::signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, proven(&definition), None).await.unwrap();
    for _ in 1..slots {
        let message = Message::new().with("target", process.to_string());
        let message = node.node.sign(message, None).await.unwrap();
        node.node.schedule(process, proven(&message), None).await.unwrap();
    }
    (node, process)
}

/// The answer to somebody who asks for a slot.
fn asked(
    node: &TestNode,
    process: Id,
    slot: u64,
) -> impl Future<Output = Result<Outcome, CallError>> + use<> {
    let context = node.context();
    let path = format!("/{process}/compute&slot={slot}");
    async move { context.run(&Message::new().with("path", path)).await }
}

/// The slots, of so many, at which attempts are left.
async fn left(node: &TestNode, process: Id, slots: u64) -> Vec<u64> {
    let store = node.node.store().unwrap();
    // What was asked of the store before is done when this is.
    store.forget_attempts(Id::of(b"another"), 0).await.unwrap();
    let mut left = Vec::new();
    for slot in 0..slots {
        if store.attempts(process, slot).await.unwrap() > 0 {
            left.push(slot);
        }
    }
    left
}

#[actix_rt::test]
async fn each_of_many_slots_is_counted_when_it_is_tried_and_forgotten_when_it_is_committed() {
    let watcher = Watcher::with_room(30);
    let (node, process) = scene(&watcher, 30).await;
    asked(&node, process, 25).await.unwrap();
    assert_eq!(left(&node, process, 30).await, NONE);
    asked(&node, process, 29).await.unwrap();
    assert_eq!(left(&node, process, 31).await, NONE, "nor beyond the log");
    // Sixteen at a time at most, and none that nobody waited for: 0, 1 to 16, 17 to 25; 26, 27 to 29.
    let last = |slot| [0, 16, 25, 26, 29].contains(&slot);
    let seen: Vec<_> = (0..30).map(|slot| (slot, 1, u32::from(!last(slot)))).collect();
    assert_eq!(*watcher.seen.lock(), seen);
}

#[actix_rt::test]
async fn slots_that_were_tried_before_are_tried_one_at_a_time() {
    let watcher = Watcher::with_room(11);
    let (node, process) = scene(&watcher, 11).await;
    let store = node.node.store().unwrap();
    for slot in 3..7 {
        store.count_attempt(process, slot).await.unwrap();
    }
    asked(&node, process, 10).await.unwrap();
    let seen = [
        [(0, 1, 0), (1, 1, 1), (2, 1, 1)].as_slice(),
        // The next one's is that of before.
        &[(3, 2, 1), (4, 2, 1), (5, 2, 1), (6, 2, 0)],
        &[(7, 1, 1), (8, 1, 1), (9, 1, 1), (10, 1, 0)],
    ];
    assert_eq!(*watcher.seen.lock(), seen.concat());
    assert_eq!(left(&node, process, 11).await, NONE);
}

#[actix_rt::test]
async fn what_comes_after_a_slot_without_a_state_is_not_counted() {
    for (bad, counted) in [(Bad::Error, [0].as_slice()), (Bad::Panic, &[1, 2, 3, 4])] {
        let watcher = Watcher::new(Semaphore::MAX_PERMITS, Some((5, bad)));
        let (node, process) = scene(&watcher, 12).await;
        let store = node.node.store().unwrap();
        for counted in counted {
            asked(&node, process, 4).await.unwrap();
            let answer = asked(&node, process, 11).await;
            assert!(!answer.is_ok_and(|answer| answer.is_ok()));
            let expected = if *counted > 0 { vec![5] } else { Vec::new() };
            assert_eq!(left(&node, process, 12).await, expected);
            assert_eq!(store.attempts(process, 5).await.unwrap(), *counted);
        }
        let seen: Vec<_> = watcher.seen.lock().iter().map(|(slot, ..)| *slot).collect();
        let tries = counted.len().min(3);
        assert_eq!(seen, [vec![0, 1, 2, 3, 4], vec![5; tries]].concat());
    }
}

#[actix_rt::test]
async fn a_slot_whose_assignment_is_not_believed_is_not_counted() {
    let watcher = Watcher::with_room(2);
    let (node, process) = scene(&watcher, 2).await;
    let unsigned = Message::new().with("slot", 2).with("body", Message::new());
    let append = Append {
        process,
        slot: 2,
        assignment: oxbeam_kernel::record::encode(&unsigned.into()).unwrap(),
        chain: Id::of(b"chain"),
        body: None,
        origin: None,
        content: ContentBatch::default(),
    };
    node.node.store().unwrap().append(append).await.unwrap();
    for _ in 0..5 {
        let refused = asked(&node, process, 2).await.unwrap_err();
        assert!(matches!(refused, CallError::Raised(_)), "{refused}");
        assert_eq!(left(&node, process, 3).await, NONE);
    }
    assert_eq!(*watcher.seen.lock(), [(0, 1, 0), (1, 1, 1)]);
}

#[actix_rt::test]
async fn a_slot_that_the_operator_does_not_want_tried_is_not_counted() {
    let watcher = Watcher::with_room(0);
    let (node, process) = scene(&watcher, 3).await;
    let abandons = async {
        watcher.begun.notified().await;
        node.node.abandon(process, Vec::new()).await.unwrap();
        watcher.room.add_permits(3);
    };
    let (refused, ()) = tokio::join!(asked(&node, process, 2), abandons);
    let refused = refused.unwrap_err();
    assert!(matches!(refused, CallError::Abandoned { .. }), "{refused}");
    assert_eq!(left(&node, process, 3).await, NONE);
    node.node.resume(process, None, Vec::new()).await.unwrap();
    asked(&node, process, 2).await.unwrap();
    assert_eq!(left(&node, process, 3).await, NONE);
    let slots: Vec<u64> = watcher.seen.lock().iter().map(|(slot, ..)| *slot).collect();
    assert_eq!(slots, [0, 1, 2]);
}

#[actix_rt::test]
async fn an_orderly_end_leaves_no_attempt_wherever_it_comes() {
    let watcher = Watcher::with_room(Semaphore::MAX_PERMITS);
    let (mut node, process) = scene(&watcher, 60).await;
    let mut turns = 0;
    loop {
        let patience = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        let mut asks = pin!(asked(&node, process, 59));
        let is_answered = tokio::select! {
            biased;
            answer = &mut asks => answer.is_ok(),
            () = patience => false,
        };
        node = node.restarted(NodeMessage::default(), rows(&watcher)).await;
        assert_eq!(left(&node, process, 60).await, NONE, "after {turns} turns");
        if is_answered {
            break;
        }
        turns += 1 + turns / 8;
    }
    assert!(watcher.seen.lock().iter().all(|(_, attempts, _)| *attempts <= 1));
}

#[actix_rt::test]
async fn nothing_more_is_computed_for_somebody_who_has_gone() {
    let watcher = Watcher::with_room(0);
    let (node, process) = scene(&watcher, 3).await;
    let gone = CancellationToken::new();
    let context = node.node.context(gone.clone());
    let request = Message::new().with("path", format!("/{process}/compute&slot=2"));
    let leaves = async {
        watcher.begun.notified().await;
        gone.cancel();
    };
    let (answer, ()) = tokio::join!(context.run(&request), leaves);
    assert!(matches!(answer, Err(CallError::Cancelled)), "{answer:?}");
    // With room for one slot, the next would be begun and not come to its end.
    watcher.room.add_permits(1);
    asked(&node, process, 0).await.unwrap();
    asked(&node, process, 0).await.unwrap();
    let settles = async {
        while left(&node, process, 3).await != NONE {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), settles).await.expect("the next slot was begun");
    watcher.room.add_permits(2);
    asked(&node, process, 2).await.unwrap();
    let slots: Vec<u64> = watcher.seen.lock().iter().map(|(slot, ..)| *slot).collect();
    assert_eq!(slots, [0, 1, 2]);
}
