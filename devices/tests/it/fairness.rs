//! Many processes on one thread, of which some never come to an end.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use oxbeam_kernel::{Call, Device, NodeMessage, Outcome, Reply, Row, Wanted, reply};
use oxbeam_protocol::{Id, List, Message, Value, commitment};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::node::TestNode;

const PROCESSES: usize = 200;
/// Those that never end.
const ENDLESS: usize = 10;
/// Slots that each of the others has to compute.
const SLOTS: u64 = 6;
/// Ticks of a process on average, while they are counted.
const TICKS: usize = 20;

/// A tick comes every 200 000 units of fuel, the call to the library included, which are eight
/// slices here. A slot is ten ticks.
const GUEST: &str = r#"(module
  (import "env" "tick" (func $tick))
  (func $busy (local $n i32)
    (local.set $n (i32.const 30000))
    (loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (call $tick))
  (func (export "spin") (loop $l (call $busy) (br $l)))
  (func (export "work") (local $n i32)
    (local.set $n (i32.const 10))
    (loop $l (call $busy) (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"#;

/// Counts the ticks of each guest from the moment when all are under way, up to a number in all.
#[derive(Debug, Default)]
struct Ticks {
    counted: Mutex<Counted>,
    enough: Notify,
}

#[derive(Debug, Default)]
struct Counted {
    by: BTreeMap<Bytes, usize>,
    all_run: bool,
    total: usize,
}

impl Device for Ticks {
    fn answers(&self, function: &str, _: &Message) -> bool {
        function == "tick"
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        let who = call.base.get("who").and_then(Value::as_name).unwrap();
        self.count(who);
        reply(Ok(Outcome::ok(Message::new())))
    }
}

impl Ticks {
    fn count(&self, who: &Bytes) {
        let mut counted = self.counted.lock();
        if counted.total == PROCESSES * TICKS {
            return;
        }
        *counted.by.entry(who.clone()).or_default() += 1;
        if counted.all_run {
            counted.total += 1;
        } else if counted.by.len() == PROCESSES {
            counted.all_run = true;
            counted.by.values_mut().for_each(|ticks| *ticks = 0);
        }
        if counted.total == PROCESSES * TICKS {
            self.enough.notify_one();
        }
    }

    /// The ticks of the guests whose name begins so, the fewest first.
    fn of(&self, kind: &str) -> Vec<usize> {
        let counted = self.counted.lock();
        let of_kind = counted.by.iter().filter(|(who, _)| who.starts_with(kind.as_bytes()));
        let mut ticks: Vec<_> = of_kind.map(|(_, ticks)| *ticks).collect();
        ticks.sort_unstable();
        ticks
    }
}

/// What is measured is how often each guest got to a point in its loop, not time: whatever else the
/// machine does meanwhile, it does to all of them.
#[actix_rt::test]
async fn endless_loops_leave_all_others_their_share() {
    let ticks = Arc::new(Ticks::default());
    let mut options = NodeMessage::default();
    options.settings.guest.slice = 25_000;
    options.settings.guest.fuel = 1 << 50;
    let row = Row { names: &["ticks@1.0"], device: ticks.clone() };
    let node = TestNode::with_devices(options, vec![row]).await;
    let mut processes = Vec::with_capacity(PROCESSES);
    for number in 0..PROCESSES {
        let (kind, slots) = if number < ENDLESS { ("spin", 1) } else { ("work", SLOTS) };
        processes.push(begun(&node, &format!("{kind} {number}"), kind, slots).await);
    }
    // All at once: nobody is done before the last has begun.
    let computed = processes.into_iter().map(async |process| {
        let context = node.node.context(Default::default());
        let _ = node.node.state(&context, process, Wanted::Now).await;
    });
    tokio::select! {
        _ = join_all(computed) => unreachable!("some of them never end"),
        () = ticks.enough.notified() => {}
    }

    let (workers, endless) = (ticks.of("work"), ticks.of("spin"));
    let share = workers[0] as f64 / TICKS as f64;
    assert_eq!((workers.len(), endless.len()), (PROCESSES - ENDLESS, ENDLESS));
    assert!(share >= 0.9, "the least got {share:.2} of its share: {workers:?} beside {endless:?}");
}

/// A process with so many slots to compute, each of which calls the function.
async fn begun(node: &TestNode, name: &str, function: &str, slots: u64) -> Id {
    let image = Message::new().with("body", wat::parse_str(GUEST).unwrap());
    let library = Message::from([("device", "ticks@1.0"), ("who", name)]);
    let definition = Message::from([("device", "process@1.0"), ("type", "Process")])
        .with("execution-device", "stack@1.0")
        .with("device-stack", ["wasm-64@1.0"].map(Value::from).into_iter().collect::<List>())
        .with("image", image)
        .with("stdlib", Message::new().with("env", library))
        .with("scheduler", node.node.address());
    let definition = node.node.sign(definition, None).await.unwrap();
    let process = commitment::signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, crate::node::proven(&definition), None).await.unwrap();
    for slot in 0..slots {
        let message = Message::from([("type", "Message"), ("function", function)])
            .with("target", process.to_string())
            .with("parameters", List::default())
            .with("number", i64::try_from(slot).unwrap());
        let message = node.node.sign(message, None).await.unwrap();
        node.node.schedule(process, crate::node::proven(&message), None).await.unwrap();
    }
    process
}
