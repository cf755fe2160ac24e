//! Processes of a script on the program itself.

use oxbeam_protocol::commitment;
use oxbeam_protocol::{List, Message, Value, Wallet};

use super::kill::listens;
use super::node::Program;
use crate::client::{Client, Response};
use crate::wire::{signed, wire};

/// What is answered to a message that somebody signs.
pub(super) async fn posted(
    program: &Program,
    path: &str,
    message: &Message,
    signer: &Wallet,
) -> Response {
    let mut client = Client::connect(listens(program)).await;
    client.post(path, &wire(&signed(message, signer))).await.unwrap()
}

/// Posts what is to be taken.
pub(super) async fn post(program: &Program, path: &str, message: &Message, signer: &Wallet) {
    let answer = posted(program, path, message, signer).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// A process of this name, which computes by a script in Lua.
pub(super) async fn spawn(program: &Program, name: &str, script: &str, owner: &Wallet) -> String {
    let module = Message::from([("name", "main.lua"), ("body", script)]);
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
