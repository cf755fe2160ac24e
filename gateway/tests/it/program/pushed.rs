//! A push that was acknowledged, when the program is killed before it was made.

use std::time::Duration;

use actix_rt::time::sleep;
use oxbeam_protocol::{Message, Value};

use super::folder;
use super::kill::{get, listens};
use super::node::Program;
use super::scripted::{post, spawn};
use crate::client::Client;
use crate::wire::stranger;

/// A script that takes its time before it sends.
const SCRIPT: &str = "function compute(base, request)
    local body = request.body
    if body.peer then
        for i = 1, 5000000 do end
        base.results = { outbox = { ['1'] = { target = body.peer, action = 'Hello' } } }
    end
    return 'ok', base
end";

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
    let near = spawn(&program, "a", SCRIPT, &owner).await;
    let far = spawn(&program, "b", SCRIPT, &owner).await;
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
