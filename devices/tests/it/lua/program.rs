//! A program in the style of the network's own: handlers, state, sends and errors, in two processes
//! that answer each other.

use oxbeam_kernel::{Answer, NodeMessage};
use oxbeam_protocol::{Id, Message};

use super::{map, now, scripted, send, spawn_with, text};
use crate::node::TestNode;

const PROGRAM: &str = include_str!("program.lua");

async fn spawn(node: &TestNode, name: &str) -> Id {
    spawn_with(node, scripted(PROGRAM).with("name", name)).await
}

async fn push(node: &TestNode, process: Id, message: Message) -> Answer {
    let message = message.with("target", process.to_string()).with("type", "Message");
    let message = node.node.sign(message, None).await.unwrap();
    let request = Message::new().with("body", message).with("method", "POST");
    node.node.answer(request.with("path", format!("/{process}/push"))).await
}

fn action(action: &str) -> Message {
    Message::from([("action", action)])
}

/// What a process printed at its last slot.
async fn output(node: &TestNode, process: Id) -> String {
    text(map(&now(node, process, "results/output").await), "data")
}

#[actix_rt::test]
async fn two_processes_send_each_other_messages() {
    let node = TestNode::start().await;
    let (bank, shop) = (spawn(&node, "bank").await, spawn(&node, "shop").await);
    let mint = action("Mint").with("quantity", "100");
    assert_eq!(push(&node, bank, mint).await.status, 200);
    let pay = action("Transfer").with("recipient", shop.to_string()).with("quantity", "30");
    let answer = push(&node, bank, pay).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // The shop was told, and said thanks.
    assert_eq!(now(&node, shop, &format!("credited/{bank}")).await, "30".into());
    assert_eq!(now(&node, bank, "thanks").await, 1.into());
    assert_eq!(now(&node, bank, &format!("balances/{shop}")).await, "30".into());
    let owner = node.node.address();
    assert_eq!(now(&node, bank, &format!("balances/{owner}")).await, "70".into());
}

#[actix_rt::test]
async fn an_error_of_a_handler_is_said_and_leaves_the_state() {
    let node = TestNode::start().await;
    let bank = spawn(&node, "bank").await;
    send(&node, bank, action("Mint").with("quantity", "5")).await;
    let owner = node.node.address();
    let pay = action("Transfer").with("recipient", "nobody").with("quantity", "6");
    send(&node, bank, pay).await;
    let said = output(&node, bank).await;
    assert!(said.contains("insufficient balance"), "{said}");
    assert_eq!(now(&node, bank, &format!("balances/{owner}")).await, "5".into());
    send(&node, bank, action("Nothing")).await;
    assert!(output(&node, bank).await.contains("no handler"));
}

#[actix_rt::test]
async fn the_owner_evaluates_code_that_stays() {
    let node = TestNode::start().await;
    let bank = spawn(&node, "bank").await;
    let eval = |code: &'static str| send(&node, bank, action("Eval").with("data", code));
    eval("greeting = 'hello' return greeting").await;
    assert_eq!(output(&node, bank).await, "hello");
    eval("print(greeting .. ' again')").await;
    assert_eq!(output(&node, bank).await, "hello again");
    eval("Handlers.add('Greet', function(msg) print(greeting .. ' ' .. msg.name) end)").await;
    send(&node, bank, action("Greet").with("name", "Ada")).await;
    assert_eq!(output(&node, bank).await, "hello Ada");
    eval("error('wrong')").await;
    assert!(output(&node, bank).await.contains("wrong"));
    eval("return (").await;
    assert!(!output(&node, bank).await.is_empty());
}

#[actix_rt::test]
async fn a_program_is_the_same_after_a_restart_in_the_middle() {
    let node = TestNode::start().await;
    let bank = spawn(&node, "bank").await;
    send(&node, bank, action("Eval").with("data", "bonus = 7")).await;
    send(&node, bank, action("Mint").with("quantity", "100")).await;
    let eval = "Handlers.add('Bonus', function() print(tostring(bonus)) end)";
    send(&node, bank, action("Eval").with("data", eval)).await;
    now(&node, bank, "at-slot").await;
    let node = node.restarted(NodeMessage::default(), Vec::new()).await;
    send(&node, bank, action("Bonus")).await;
    assert_eq!(output(&node, bank).await, "7");
    let owner = node.node.address();
    assert_eq!(now(&node, bank, &format!("balances/{owner}")).await, "100".into());
}
