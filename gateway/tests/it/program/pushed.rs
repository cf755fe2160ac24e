//! A push that was acknowledged, when the program is killed before it was made.

use std::time::Duration;

use actix_rt::time::sleep;
use oxbeam_protocol::commitment;
use oxbeam_protocol::{List, Message, Value, Wallet};

use super::folder;
use super::kill::{get, listens};
use super::node::Program;
use crate::client::Client;
use crate::wire::{signed, stranger, wire};

/// A script that takes its time before it sends.
const SCRIPT: &str = "function compute(base, request)
    local body = request.body
    if body.peer then
        for i = 1, 5000000 do end
        base.results = { outbox = { ['1'] = { target = body.peer, action = 'Hello' } } }
    end
    return 'ok', base
end";

async fn post(program: &Program, path: &str, message: &Message, owner: &Wallet) {
    let mut client = Client::connect(listens(program)).await;
    let answer = client.post(path, &wire(&signed(message, owner))).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn spawn(program: &Program, name: &str, owner: &Wallet) -> String {
    let module = Message::from([("name", "main.lua"), ("body", SCRIPT)]);
    let modules: List = [Value::from(module)].into_iter().collect();
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "lua@5.3a"),
        ("name", name),
        ("scheduler", &program.address),
    ]);
    let definition = definition.with("module", modules);
    post(program, "/~scheduler@1.0/schedule", &definition, owner).await;
    commitment::signed_id(&signed(&definition, owner).into()).unwrap().to_string()
}

async fn slot(program: &Program, process: &str) -> i64 {
    let mut client = Client::connect(listens(program)).await;
    match get(&mut client, &format!("/{process}/slot")).await.get("current") {
        Some(Value::Integer(slot)) => i64::try_from(slot).unwrap(),
        other => panic!("no slot: {other:?}"),
    }
}

#[actix_rt::test]
async fn a_push_that_was_acknowledged_is_made_though_the_program_is_killed() {
    let (folder, owner) = (folder(), stranger());
    let program = Program::start(folder.path());
    let (near, far) = (spawn(&program, "a", &owner).await, spawn(&program, "b", &owner).await);
    let words = [("type", "Message"), ("target", &*near), ("peer", &*far)];
    post(&program, &format!("/{near}/schedule"), &Message::from(words), &owner).await;
    let mut client = Client::connect(listens(&program)).await;
    let push = format!("POST /{near}/push?slot=1&push-mode=async HTTP/1.1\r\nhost: x");
    client.request(&push, b"").await;
    assert_eq!(client.response().await.status, 200);
    assert_eq!(program.signal("-KILL"), None);

    let program = Program::start(folder.path());
    for _ in 0..600 {
        if slot(&program, &far).await == 1 {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("it was never pushed");
}
