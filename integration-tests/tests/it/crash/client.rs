//! Those who write, each at most one message ahead of what was acknowledged. Who has missed an answer asks
//! again.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, ensure};
use oxbeam_integration_tests::bench::{Client, Reply, signed, wire};
use oxbeam_protocol::codec::HttpMessage;
use oxbeam_protocol::{List, Message, Value, Wallet};

use super::world::{Kind, World};

/// How long nothing may be acknowledged.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message that the node has acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Acknowledged {
    pub(super) process: String,
    /// `None` of one that a timer schedules.
    pub(super) slot: Option<u64>,
    pub(super) token: String,
}

/// What the clients know of each other.
#[derive(Debug, Default)]
struct Shared {
    host: Option<SocketAddr>,
    is_over: bool,
    acknowledged: Vec<Acknowledged>,
}

type Board = Arc<(Mutex<Shared>, Condvar)>;

pub(super) struct Clients {
    board: Board,
    threads: Vec<JoinHandle<()>>,
}

impl Clients {
    pub(super) fn start(world: &Arc<World>, count: usize, host: SocketAddr) -> Self {
        let board = Board::default();
        board.0.lock().unwrap().host = Some(host);
        let threads = (0..count).map(|number| {
            let (board, world) = (board.clone(), world.clone());
            thread::spawn(move || write(number, &world, &board))
        });
        Self { threads: threads.collect(), board }
    }

    /// Waits until so many more are acknowledged.
    pub(super) fn wait_for(&self, more: usize) {
        let (shared, changed) = &*self.board;
        let shared = shared.lock().unwrap();
        let goal = shared.acknowledged.len() + more;
        let less = |shared: &mut Shared| shared.acknowledged.len() < goal;
        let (_shared, timeout) = changed.wait_timeout_while(shared, PATIENCE, less).unwrap();
        assert!(!timeout.timed_out(), "nothing is acknowledged any more");
    }

    /// The node is about to be killed: who fails from here on waits for the next one.
    pub(super) fn lose_node(&self) {
        self.board.0.lock().unwrap().host = None;
    }

    pub(super) fn use_node(&self, host: SocketAddr) {
        self.board.0.lock().unwrap().host = Some(host);
        self.board.1.notify_all();
    }

    /// Ends them; answers with all that was acknowledged.
    pub(super) fn stop(self) -> Vec<Acknowledged> {
        self.board.0.lock().unwrap().is_over = true;
        self.board.1.notify_all();
        for thread in self.threads {
            thread.join().unwrap();
        }
        std::mem::take(&mut self.board.0.lock().unwrap().acknowledged)
    }
}

/// Writes until it is over, to one node after another.
fn write(number: usize, world: &World, board: &Board) {
    let wallet = Wallet::generate_secp256k1().unwrap();
    let (shared, changed) = &**board;
    let mut letters = (1..).map(|written| letter(world, &wallet, &format!("{number}-{written}")));
    let mut letter = letters.next().unwrap();
    loop {
        let gone = |shared: &mut Shared| shared.host.is_none() && !shared.is_over;
        let guard = changed.wait_while(shared.lock().unwrap(), gone).unwrap();
        let Some(host) = guard.host else { return };
        drop(guard);
        let failed = Client::connect(host).and_then(|mut client| {
            loop {
                let one = letter.send(&mut client)?;
                letter = letters.next().unwrap();
                let mut shared = shared.lock().unwrap();
                shared.acknowledged.push(one);
                changed.notify_all();
                if shared.is_over {
                    return Ok(());
                }
            }
        });
        let Err(error) = failed else { return };
        let is_alive = shared.lock().unwrap().host == Some(host);
        assert!(!is_alive, "a request to a living node failed: {error:#}");
    }
}

/// How a message is sent.
#[derive(Debug, Clone, Copy)]
enum How {
    /// It is given a slot.
    Schedule,
    /// What the slot sends is delivered as well.
    Push,
    /// A timer of the node pushes it a little later.
    Timer,
}

/// A message as it is sent, however often.
struct Letter {
    process: String,
    token: String,
    how: How,
    wire: HttpMessage,
}

/// Any message to any process.
fn letter(world: &World, wallet: &Wallet, token: &str) -> Letter {
    let (kind, process) = fastrand::choice(&world.processes).unwrap();
    let to = world.lua(fastrand::usize(..1000));
    let base = Message::from([("type", "Message"), ("target", process.as_str()), ("token", token)]);
    let (message, how) = match (kind, fastrand::u8(..4)) {
        (Kind::Lua, 0) => (base.with("action", "Tell").with("whom", to), How::Push),
        (Kind::Lua, 1) => (base.with("action", "Later").with("whom", to), How::Push),
        (Kind::Wasm, _) => {
            let numbers: List = [6, 7].map(Value::from).into_iter().collect();
            (base.with("function", "mul").with("parameters", numbers), How::Schedule)
        }
        (Kind::Native, 0) => (base.with("action", "Count"), How::Timer),
        _ => (base.with("action", "Count"), How::Schedule),
    };
    let mut message = signed(&message, wallet).unwrap();
    if let How::Timer = how {
        let path = format!("/{process}~process@1.0/push");
        let task = [("cron-path", &*path), ("cron-delay", "100-milliseconds"), ("method", "POST")];
        message = signed(&Message::from(task).with("body", message), wallet).unwrap();
    }
    let mut wire = wire(&message).unwrap();
    wire.headers.insert("idempotency-key".into(), token.to_owned().into());
    Letter { process: process.clone(), token: token.to_owned(), how, wire }
}

impl Letter {
    fn send(&self, client: &mut Client) -> Result<Acknowledged> {
        let Self { process, token, how, wire } = self;
        let target = match how {
            How::Schedule => format!("/{process}~process@1.0/schedule"),
            How::Push => format!("/{process}~process@1.0/push"),
            How::Timer => "/~cron@1.0/once".to_owned(),
        };
        let Reply { status, body, headers } = client.send("POST", &target, wire)?;
        // A task that is asked for again may have been started, and be over.
        let is_taken = status == 200 || matches!((how, status), (How::Timer, 409));
        ensure!(is_taken, "{target} is answered with {status}: {body:?}");
        let slot = headers.iter().find(|(name, _)| name == "slot");
        let slot = slot.map(|(_, slot)| slot.parse()).transpose()?;
        ensure!(slot.is_some() != matches!(how, How::Timer), "{target} is answered with {slot:?}");
        Ok(Acknowledged { process: process.clone(), slot, token: token.clone() })
    }
}
