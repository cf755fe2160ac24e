//! aos, the network's own processes, on the program itself: as clients start it, and as its owners
//! talk to it. Source: spec 13, sections 1 and 6; spec 30, section 12.

mod module;
mod thousand;

use std::path::PathBuf;

use oxbeam_integration_tests::aos::definition;
use oxbeam_integration_tests::program::{self, Program};
use oxbeam_protocol::{Id, Message, Wallet, commitment};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::person::Person;
use module::module;

/// What nodes run as it is.
const AOS: &str = "aos.wasm";
/// What was made to run under emscripten's JavaScript.
const STOCK: &str = "aos-stock.wasm";

/// A node with a module of aos, and somebody who uses it.
struct Aos {
    owner: Person,
    image: String,
    // Ended before its folder is deleted.
    _node: Program,
    _data: TempDir,
}

/// The module of aos that nodes run as it is, if there is a way to get it.
pub(crate) fn path() -> Option<PathBuf> {
    module::path(AOS)
}

impl Aos {
    /// A node with this module, if there is a way to get it.
    fn start(name: &str) -> Option<Self> {
        let module = module(name)?;
        let data = TempDir::new().unwrap();
        let node = Program::start(&program::find().unwrap(), data.path(), &[]).unwrap();
        let mut owner = Person::at(node.host, Wallet::generate_secp256k1().unwrap());
        let image = upload(&mut owner, module);
        Some(Self { owner, image, _node: node, _data: data })
    }

    fn spawn(&mut self, name: &str) -> String {
        self.owner.spawn(definition(&self.image).with("name", name))
    }

    /// What a process shows of an evaluation.
    fn eval(&mut self, process: &str, code: &str) -> String {
        let slot = self.owner.schedule(process, eval(code));
        data(&mut self.owner, process, slot)
    }
}

/// Makes a module readable by its id: a message that is scheduled on any process.
fn upload(owner: &mut Person, module: Vec<u8>) -> String {
    let store = owner.spawn(Message::from([("execution-device", "test-device@1.0")]));
    let message = Message::from([("type", "Message"), ("subject", "self")])
        .with("target", store.as_str())
        .with("body", module);
    let message = owner.signed(&message);
    owner.post(&format!("/{store}/schedule"), &message);
    commitment::signed_id(&message.into()).unwrap().to_string()
}

fn eval(code: &str) -> Message {
    Message::from([("action", "Eval"), ("data", code)])
}

/// What a slot shows.
fn data(owner: &mut Person, process: &str, slot: u64) -> String {
    let results = owner.get(&format!("/{process}/compute&slot={slot}/results"));
    text(&results["data"])
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_else(|| panic!("no text: {json}")).to_owned()
}

#[test]
fn aos_evaluates_what_its_owner_sends_and_tells_errors_as_results() {
    let Some(mut aos) = Aos::start(AOS) else { return };
    let process = aos.spawn("a");
    assert_eq!(aos.eval(&process, "return 1 + 41"), "42");
    let told = aos.eval(&process, "X = 5; error('no such thing')");
    assert!(told.contains("no such thing"), "{told}");
    assert!(aos.eval(&process, "return (").contains("unexpected"), "what cannot be read is told");
    assert_eq!(aos.eval(&process, "return X"), "5", "what came before the error stays");
    assert_eq!(aos.eval(&process, "return ao.id"), process);
}

#[test]
fn handlers_of_aos_answer_and_what_they_publish_can_be_read() {
    let Some(mut aos) = Aos::start(AOS) else { return };
    let process = aos.spawn("a");
    let handler = "count = 0; Handlers.add('Inc', 'Inc', function (msg) \
                   count = count + tonumber(msg.Plus); \
                   Send({method = 'PATCH', count = tostring(count)}); \
                   msg.reply({Data = 'now ' .. count}) end)";
    aos.eval(&process, handler);
    let inc = |plus: &str| Message::from([("action", "Inc"), ("plus", plus)]);
    aos.owner.schedule(&process, inc("5"));
    let slot = aos.owner.schedule(&process, inc("2"));
    let results = aos.owner.get(&format!("/{process}/compute&slot={slot}/results"));
    let outbox: Vec<&Json> = results["outbox"].as_object().unwrap().values().collect();
    assert_eq!(outbox.len(), 1, "the patch is no message: {outbox:?}");
    assert_eq!(outbox[0]["Data"], "now 7");
    assert_eq!(aos.owner.get(&format!("/{process}/now/count"))["body"], "7");
}

#[test]
fn processes_of_aos_send_each_other_messages() {
    let Some(mut aos) = Aos::start(AOS) else { return };
    let (a, b) = (aos.spawn("a"), aos.spawn("b"));
    let ping = "Handlers.add('Ping', 'Ping', function (msg) Seen = msg.From; \
                msg.reply({Action = 'Pong', Data = msg.Data .. ' back'}) end)";
    aos.eval(&b, ping);
    aos.eval(&a, "Handlers.add('Pong', 'Pong', function (msg) Got = msg.Data end)");
    let send = format!("Send({{Target = '{b}', Action = 'Ping', Data = 'there'}})");
    let report = aos.owner.push(&a, eval(&send));
    // The message got a slot, its answer one in turn.
    let pinged = &report["1"];
    assert_eq!(pinged["target"], b.as_str(), "{report}");
    let id: Id = text(&pinged["id"]).parse().unwrap();
    let scheduled = aos.owner.get(&format!("/{id}"));
    assert_eq!(scheduled["from-process"], a.as_str(), "{scheduled}");
    assert_eq!(pinged["resulted-in"]["1"]["target"], a.as_str(), "{report}");
    assert_eq!(aos.eval(&b, "return Seen"), a);
    assert_eq!(aos.eval(&a, "return Got"), "there back");
}

#[test]
fn a_module_for_emscriptens_javascript_runs_as_well() {
    let Some(mut aos) = Aos::start(STOCK) else { return };
    let process = aos.spawn("a");
    assert_eq!(aos.eval(&process, "return 1 + 41"), "42");
    assert!(aos.eval(&process, "X = 5; error('bad')").contains("bad"));
    assert_eq!(aos.eval(&process, "return X"), "5");
}
