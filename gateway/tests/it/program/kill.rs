//! What a node has acknowledged, when its program is killed in the middle of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

use futures_util::future::join_all;
use oxbeam_protocol::codec::{HttpMessage, HttpSig, Links};
use oxbeam_protocol::commitment::{self, CommitRequest};
use oxbeam_protocol::{Message, NoContent, Value, Wallet};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::folder;
use super::node::Program;
use crate::client::Client;

/// How often the program is killed.
const CYCLES: u64 = 5;
/// Clients that write all the time.
const WRITERS: usize = 8;

/// What was acknowledged: slot and number of the message.
struct Book {
    acknowledged: Mutex<Vec<(u64, u64)>>,
    /// A permit for each that nobody has waited for yet.
    news: Semaphore,
}

type Acknowledged = Arc<Book>;

#[actix_rt::test]
async fn what_was_acknowledged_is_there_after_the_program_was_killed() {
    let folder = folder();
    let wallet = Arc::new(Wallet::generate_secp256k1().unwrap());
    let acknowledged =
        Acknowledged::new(Book { acknowledged: Mutex::default(), news: Semaphore::new(0) });
    let numbers = Arc::new(AtomicU64::new(0));
    let mut process = None;
    for cycle in 0..CYCLES {
        let program = Program::start(folder.path());
        let at = listens(&program);
        let process = match &process {
            Some(process) => String::clone(process),
            None => process.insert(spawn(at, &program.address, &wallet).await).clone(),
        };
        check(at, &process, &acknowledged).await;
        let writers = (0..WRITERS).map(|_| {
            let (wallet, numbers) = (wallet.clone(), numbers.clone());
            write(at, process.clone(), wallet, numbers, acknowledged.clone())
        });
        let killed = async {
            // A different moment each time, and not before anything was acknowledged.
            let some = 20 + 7 * u32::try_from(cycle).unwrap();
            acknowledged.news.acquire_many(some).await.unwrap().forget();
            assert_eq!(program.signal("-KILL"), None);
        };
        futures_util::future::join(join_all(writers), killed).await;
        // What was acknowledged besides says nothing of the next cycle.
        acknowledged.news.forget_permits(usize::MAX);
    }
    let program = Program::start(folder.path());
    check(listens(&program), &process.unwrap(), &acknowledged).await;
}

pub(super) fn listens(program: &Program) -> SocketAddr {
    program.url.strip_prefix("http://").unwrap().trim_end_matches('/').parse().unwrap()
}

async fn spawn(at: SocketAddr, scheduler: &str, wallet: &Wallet) -> String {
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "test-device@1.0"),
        ("scheduler", scheduler),
    ]);
    let answer = Client::connect(at).await.post("/push", &signed(&definition, wallet)).await;
    let answer = answer.expect("the node is not killed yet");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.headers["process"].clone()
}

/// Schedules message after message until the node is gone.
async fn write(
    at: SocketAddr,
    process: String,
    wallet: Arc<Wallet>,
    numbers: Arc<AtomicU64>,
    acknowledged: Acknowledged,
) {
    let mut client = Client::connect(at).await;
    loop {
        let number = numbers.fetch_add(1, SeqCst);
        let message = Message::from([("type", "Message"), ("target", process.as_str())])
            .with("number", i64::try_from(number).unwrap());
        let target = format!("/{process}/schedule");
        let Some(answer) = client.post(&target, &signed(&message, &wallet)).await else { return };
        assert_eq!(answer.status, 200, "{}", answer.text());
        acknowledged.acknowledged.lock().push((answer.headers["slot"].parse().unwrap(), number));
        acknowledged.news.add_permits(1);
    }
}

/// Every acknowledged message has its slot, slots are dense, and the last one can be computed.
async fn check(at: SocketAddr, process: &str, acknowledged: &Acknowledged) {
    let mut client = Client::connect(at).await;
    let all = acknowledged.acknowledged.lock().clone();
    let last = get(&mut client, &format!("/{process}/slot")).await;
    let Some(Value::Integer(last)) = last.get("current") else { panic!("no slot: {last:?}") };
    let last = u64::try_from(last).unwrap();
    let mut found = Vec::new();
    for from in (0..=last).step_by(1000) {
        let target = format!("/{process}/schedule&from+integer={from}&to+integer={}", from + 999);
        let page = get(&mut client, &target).await;
        let page = page.get("assignments").and_then(Value::as_map).unwrap().clone();
        for slot in from..=last.min(from + 999) {
            let assignment = page.get(slot.to_string()).and_then(Value::as_map);
            let assignment =
                assignment.unwrap_or_else(|| panic!("slot {slot} of {last} is missing"));
            let body = assignment.get("body").and_then(Value::as_map).unwrap();
            if let Some(Value::Integer(number)) = body.get("number") {
                found.push((slot, u64::try_from(number).unwrap()));
            }
        }
    }
    for one in &all {
        assert!(found.contains(one), "slot {} was acknowledged and is lost", one.0);
    }
    let state = get(&mut client, &format!("/{process}/now")).await;
    assert_eq!(state.get("at-slot"), Some(&i64::try_from(last).unwrap().into()));
}

pub(super) async fn get(client: &mut Client, target: &str) -> Message {
    let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\naccept-bundle: true");
    client.request(&head, b"").await;
    let answer = client.response().await;
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.message()
}

fn signed(message: &Message, wallet: &Wallet) -> HttpMessage {
    let signed =
        commitment::commit(message, &CommitRequest::default(), wallet, &NoContent).unwrap();
    HttpSig { links: Links::Embed(&NoContent) }.encode(&signed.into()).unwrap()
}
