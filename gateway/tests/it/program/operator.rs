//! What an operator does to a real node that is killed, and to letters that wait for one.

use std::fs;
use std::path::Path;

use oxbeam_protocol::{Message, Value, Wallet};

use super::away::{Far, configured, report, send};
use super::folder;
use super::kill::{get, listens};
use super::node::Program;
use super::scripted::{self, posted, spawn};
use crate::client::Client;
use crate::wire::{post, signed, stranger};

/// A script that does not get past a message.
const SCRIPT: &str = "function compute(base, request)
    if request.body and request.body.action == 'Poison' then error('poisoned') end
    return 'ok', base
end";

/// Whoever has the node's own key is its operator.
fn operator(folder: &Path) -> Wallet {
    let text = fs::read_to_string(folder.join("data/wallet.json")).unwrap();
    Wallet::from_text(&text).unwrap()
}

/// A process of the script that has met the poison.
async fn poisoned(program: &Program, owner: &Wallet) -> String {
    let process = spawn(program, "poisoned", SCRIPT, owner).await;
    write(program, &process, "Poison", owner).await;
    process
}

async fn write(program: &Program, process: &str, action: &str, owner: &Wallet) {
    let message = Message::from([("type", "Message"), ("target", process), ("action", action)]);
    let path = format!("/{process}/schedule");
    scripted::post(program, &path, &message, owner).await;
}

async fn now(program: &Program, process: &str) -> u16 {
    let mut client = Client::connect(listens(program)).await;
    client.request(&format!("GET /{process}/now HTTP/1.1\r\nhost: x"), b"").await;
    client.response().await.status
}

/// What the quarantine tells of the only process that is in it.
async fn held(program: &Program) -> (Message, String) {
    let mut client = Client::connect(listens(program)).await;
    let told = get(&mut client, "/~supervisor@1.0/quarantine").await;
    let processes = told.get("processes").and_then(Value::as_list).unwrap();
    let one = processes[0].as_map().unwrap().clone();
    let held = one.get("held").and_then(Value::as_name).unwrap();
    (one.clone(), String::from_utf8(held.to_vec()).unwrap())
}

async fn order(program: &Program, folder: &Path, words: [(&str, &str); 3]) {
    let [(_, action), ..] = words;
    let path = format!("/~supervisor@1.0/{action}");
    let words: Message =
        words.map(|(key, value)| (key.to_owned(), value.to_owned())).into_iter().collect();
    let refused = posted(program, &path, &words, &stranger()).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    scripted::post(program, &path, &words, &operator(folder)).await;
}

#[actix_rt::test]
async fn a_quarantine_and_what_was_done_about_it_outlive_the_program() {
    let (folder, owner) = (folder(), stranger());
    let program = Program::start(folder.path());
    let process = poisoned(&program, &owner).await;
    assert_eq!(now(&program, &process).await, 500);
    let (before, state) = held(&program).await;
    assert_eq!(state, "stopped");
    assert_eq!(program.signal("-KILL"), None);

    let program = Program::start(folder.path());
    assert_eq!(held(&program).await.0, before, "slot, cause, since when and how often");
    let words = |action| [("action", action), ("process", &*process), ("nonce", "1")];
    order(&program, folder.path(), words("abandon")).await;
    assert_eq!(program.signal("-KILL"), None);

    let program = Program::start(folder.path());
    assert_eq!(held(&program).await.1, "abandoned");
    assert_eq!(now(&program, &process).await, 410);
    write(&program, &process, "Hello", &owner).await;
    let mut client = Client::connect(listens(&program)).await;
    let state = get(&mut client, &format!("/{process}/compute&slot=0")).await;
    assert_eq!(state.get("at-slot"), Some(&0.into()), "what is computed stays readable");
    order(&program, folder.path(), words("resume")).await;
    assert_eq!(held(&program).await.1, "resumed");
    assert_eq!(now(&program, &process).await, 500, "it is tried, and fails again");
}

#[actix_rt::test]
async fn a_dead_letter_arrives_once_when_its_target_is_there_again() {
    let (owner, operator) = (stranger(), stranger());
    let far = Far::new(&owner).await;
    let address = operator.address().to_string();
    let options = Message::from([
        ("remote_networks", "any"),
        ("outbox_max_attempts", "1"),
        ("operator", &*address),
    ]);
    let (node, process) = configured(options, &far, &owner).await;
    let target = far.process.clone();
    let dead = async || {
        let letters = node.get("/~supervisor@1.0/outbox?of=dead").await.message();
        letters.get("letters").and_then(Value::as_list).map_or(0, |letters| letters.len())
    };
    let redrive = async |nonce: &str| {
        let words = [("action", "redrive"), ("target", &*target), ("nonce", nonce)];
        let order = signed(&Message::from(words), &operator);
        let answer = post(&node, "/~supervisor@1.0/redrive", &order).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.message().get("redriven").cloned().unwrap()
    };
    let far = far
        .killed(async || {
            let report = report(&send(&node, &process, &target, &owner).await);
            assert_eq!(report.get("response"), Some(&"error".into()), "{report:?}");
            while dead().await == 0 {
                actix_rt::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        })
        .await;
    assert_eq!(far.slot().await, 0, "nobody tries it any more");
    assert_eq!(redrive("1").await, 1.into());
    let message = far.message(1).await;
    assert_eq!(message.get("from-process"), Some(&process.as_str().into()));
    while dead().await > 0 {
        assert_eq!(far.slot().await, 1);
    }
    assert_eq!(redrive("2").await, 0.into(), "it has arrived");
    assert_eq!(far.slot().await, 1, "once");
}
