//! One process is attacked from within; others on its thread hardly notice, and it says what happened.

use std::pin::pin;
use std::time::{Duration, Instant};

use oxbeam_kernel::{NodeMessage, Wanted};
use oxbeam_protocol::{Id, List, Message, Value, commitment};

use crate::node::TestNode;

/// Requests of each run.
const REQUESTS: usize = 100;
/// How much of the slowest requests is the machine's own doing: it may run other programs.
const NOISE: Duration = Duration::from_millis(25);
/// How often it is measured: what others do on the machine can only make requests slower.
const ROUNDS: usize = 4;

const FUEL: u64 = 150_000_000;
const MEMORY: usize = 8 << 20;

/// What a victim's script does, and the limit that its owner is told.
const ATTACKS: [(&str, u64); 8] = [
    ("while true do end", FUEL),
    ("while true do pcall(function() while true do end end) end", FUEL),
    ("local s = ('a'):rep(30) return s:find(('a*'):rep(30) .. 'b')", FUEL),
    ("local t = {} while true do t[#t + 1] = {#t} end", MEMORY as u64),
    ("local s = 'x' while true do s = s .. s end", MEMORY as u64),
    ("return ('x'):rep(1 << 30)", MEMORY as u64),
    ("return ('x'):rep(1 << 40)", MEMORY as u64),
    ("for i = 1, 1e9 do _G['g' .. i] = i end", FUEL),
];

const BYSTANDER: &str = "function compute(base) base.n = (base.n or 0) + 1 return base end";

async fn spawn(node: &TestNode, source: &str) -> Id {
    let module = Message::from([("name", "main.lua"), ("body", source)]);
    let definition = Message::from([("device", "process@1.0"), ("type", "Process")])
        .with("execution-device", "lua@5.3a")
        .with("module", [Value::from(module)].into_iter().collect::<List>())
        .with("scheduler", node.node.address());
    let definition = node.node.sign(definition, None).await.unwrap();
    let process = commitment::signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, crate::node::proven(&definition), None).await.unwrap();
    process
}

/// Sends the process a message and waits for the state that comes of it.
async fn request(node: &TestNode, process: Id) -> Duration {
    let began = Instant::now();
    let message = Message::from([("type", "Message")]).with("target", process.to_string());
    let message = node.node.sign(message, None).await.unwrap();
    node.node.schedule(process, crate::node::proven(&message), None).await.unwrap();
    node.node.state(&node.context(), process, Wanted::Now).await.unwrap().into_result().unwrap();
    began.elapsed()
}

/// The time that 99 of 100 requests take at most.
async fn p99(node: &TestNode, process: Id) -> Duration {
    let mut times = Vec::with_capacity(REQUESTS);
    for _ in 0..REQUESTS {
        times.push(request(node, process).await);
    }
    p99_of(times)
}

fn p99_of(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100 - 1]
}

/// Spawns a process that does this, and answers with what is told of its end.
async fn attacked(node: &TestNode, attack: &str) -> String {
    let victim = spawn(node, &format!("function compute(base) {attack} end")).await;
    let outcome = node.node.state(&node.context(), victim, Wanted::Now).await.unwrap();
    let told = outcome.into_result().unwrap_err().value;
    let body = told.as_map().unwrap().get("body").and_then(Value::as_name).unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// What requests to others take while each attack is made, and when none is.
async fn beside_attacks(node: &TestNode, bystander: Id) -> (Duration, Duration) {
    let undisturbed = p99(node, bystander).await;
    let mut attacks = pin!(async {
        for (attack, limit) in ATTACKS {
            let told = attacked(node, attack).await;
            assert!(told.contains(&format!("the limit is {limit}")), "{attack}: {told}");
        }
    });
    let mut disturbed = Vec::new();
    loop {
        tokio::select! {
            () = &mut attacks => return (p99_of(disturbed), undisturbed),
            took = request(node, bystander) => disturbed.push(took),
        }
    }
}

#[actix_rt::test]
async fn an_attacked_process_is_told_its_limit_and_requests_to_others_hardly_wait() {
    let mut options = NodeMessage::default();
    options.settings.guest.fuel = FUEL;
    options.settings.guest.memory_bytes = MEMORY;
    let node = TestNode::on_threads(options).await;
    let bystander = spawn(&node, BYSTANDER).await;
    p99(&node, bystander).await;
    let mut measured = Vec::new();
    for _ in 0..ROUNDS {
        let (disturbed, undisturbed) = beside_attacks(&node, bystander).await;
        if disturbed <= 2 * undisturbed + NOISE {
            return;
        }
        measured.push((disturbed, undisturbed));
    }
    panic!("while others are attacked, and when they are not: {measured:?}");
}
