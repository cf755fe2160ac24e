//! A program of Lua in the style of the network's own, on the program itself: handlers, balances,
//! sends and errors, with the node killed in between.

use oxbeam_integration_tests::program::{self, Program};
use oxbeam_protocol::{List, Message, Value, Wallet};
use serde_json::json;
use tempfile::TempDir;

use crate::person::Person;

const PROGRAM: &str = include_str!("../../../devices/tests/it/lua/program.lua");

/// A process with the program in it.
fn spawn(owner: &mut Person, name: &str) -> String {
    let module = Message::from([("name", "main.lua"), ("body", PROGRAM)]);
    let modules: List = [Value::from(module)].into_iter().collect();
    let definition = Message::from([("execution-device", "lua@5.3a"), ("name", name)]);
    owner.spawn(definition.with("module", modules))
}

fn action(action: &str) -> Message {
    Message::from([("action", action)])
}

fn eval(code: &str) -> Message {
    action("Eval").with("data", code)
}

#[test]
fn a_program_of_lua_keeps_its_balances_over_http_and_over_a_kill() {
    let data = TempDir::new().unwrap();
    let start = || Program::start(&program::find().unwrap(), data.path(), &[]).unwrap();
    let keys = Wallet::generate_secp256k1().unwrap().to_text().unwrap();
    let wallet = || Wallet::from_text(&keys).unwrap();
    let node = start();
    let mut owner = Person::at(node.host, wallet());
    let (bank, shop) = (spawn(&mut owner, "bank"), spawn(&mut owner, "shop"));

    let minted = owner.push(&bank, action("Mint").with("quantity", "100"));
    assert_eq!(minted["slot"], 1, "{minted}");
    let transfer = action("Transfer").with("recipient", shop.as_str()).with("quantity", "30");
    let paid = owner.push(&bank, transfer);
    assert_eq!(paid["1"]["target"], shop.as_str(), "{paid}");
    assert_eq!(owner.get(&format!("/{shop}/now/credited/{bank}"))["body"], "30");
    assert_eq!(owner.get(&format!("/{bank}/now/thanks"))["body"], 1, "the shop has answered");

    let greet = "Handlers.add('Greet', function(msg) print('hello ' .. msg.name) end)";
    owner.push(&bank, eval(greet));
    let too_much = action("Transfer").with("recipient", shop.as_str()).with("quantity", "71");
    let refused = owner.push(&bank, too_much);
    assert_eq!(refused["output"]["data"], "error: insufficient balance", "{refused}");
    assert_eq!(refused["outbox"], json!({}));

    // Dropped, it is killed.
    drop(node);
    let node = start();
    let mut owner = Person::at(node.host, wallet());
    let greeted = owner.push(&bank, action("Greet").with("name", "Ada"));
    assert_eq!(greeted["output"]["data"], "hello Ada", "what was evaluated is still there");
    let wrong = owner.push(&bank, eval("error('on purpose')"));
    assert_eq!(wrong["output"]["data"], "error: on purpose", "{wrong}");
    let balances = owner.get(&format!("/{bank}/now/balances"));
    assert_eq!(balances[wallet().address().to_string()], "70", "{balances}");
    assert_eq!(balances[&shop], "30", "{balances}");
}
