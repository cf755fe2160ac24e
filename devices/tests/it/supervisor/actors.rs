//! Actors: how they are found, shown, suspended, traced and restarted.

use std::time::Duration;

use actix_rt::time::{sleep, timeout};
use oxbeam_kernel::CallError;
use oxbeam_protocol::{Message, Value, commitment};
use oxbeam_supervisor::State;

use super::{ask, number, of, open, operator, page, rows, seen, text};
use crate::node::TestNode;

/// A process that has computed its definition.
async fn process(node: &TestNode) -> String {
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "test-device@1.0"),
    ]);
    let definition = definition.with("scheduler", node.node.address());
    let definition = node.node.sign(definition, None).await.unwrap();
    let process = commitment::signed_id(&definition.clone().into()).unwrap();
    node.node.schedule(process, crate::node::proven(&definition), None).await.unwrap();
    node.run(&format!("/{process}/now"), Message::new()).await.unwrap();
    process.to_string()
}

fn names(page: &Message) -> Vec<String> {
    rows(page, "rows").iter().map(|row| text(row, "name")).collect()
}

#[actix_rt::test]
async fn an_actor_is_found_by_its_number_its_path_and_its_process() {
    let node = TestNode::start().await;
    let process = process(&node).await;
    let shown = async |actor: &str| {
        let answer = open(&node, &format!("actor?actor={actor}")).await;
        answer.get("actor").and_then(Value::as_map).unwrap().clone()
    };
    let by_process = shown(&process).await;
    assert_eq!(text(&by_process, "path"), format!("node/processes/{process}"));
    assert_eq!(text(&by_process, "kind"), "worker");
    assert_eq!(text(&by_process, "state"), "running");
    for key in ["restarts", "queue", "queue-limit", "handled", "uptime", "parent"] {
        assert!(number(&by_process, key) >= 0, "{key}");
    }
    let number = number(&by_process, "id");
    for actor in [number.to_string(), format!("node/processes/{process}")] {
        assert_eq!(shown(&actor).await.get("id"), by_process.get("id"), "{actor}");
    }
}

#[actix_rt::test]
async fn an_actor_that_is_not_there_is_not_found() {
    let node = TestNode::start().await;
    let unknown = oxbeam_protocol::Id::of(b"nobody").to_string();
    let long = "x".repeat(5000);
    for actor in ["0", "999999999", "node/nobody", "node//store", "/", "", &unknown, &long] {
        for key in ["actor", "children"] {
            let request = Message::from([("actor", actor)]);
            let answer = node.run(&format!("/~supervisor@1.0/{key}"), request).await.unwrap();
            let refused = answer.into_result().unwrap_err().value;
            assert_eq!(number(refused.as_map().unwrap(), "status"), 404, "{actor}");
        }
    }
    for wrong in [Value::from(-1), Message::new().into()] {
        let request = Message::new().with("actor", wrong);
        let answer = node.run("/~supervisor@1.0/actor", request).await;
        assert!(matches!(answer, Err(CallError::BadRequest(_))), "{answer:?}");
    }
    let unnamed = node.run("/~supervisor@1.0/actor", Message::new()).await;
    assert!(matches!(unnamed, Err(CallError::BadRequest(_))), "{unnamed:?}");
}

#[actix_rt::test]
async fn the_tree_is_shown_down_to_a_depth_and_by_its_parts() {
    let node = TestNode::start().await;
    assert_eq!(names(&page(&node, "?depth=0").await), ["node"]);
    let upper = names(&page(&node, "?depth=1").await);
    assert!(upper.contains(&"processes".into()) && !upper.contains(&"message@1.0".into()));
    assert_eq!(names(&open(&node, "children?actor=node").await), upper[1..]);
    let summary = open(&node, "summary").await;
    let groups = rows(&summary, "groups");
    let total: i64 = groups.iter().map(|group| number(group, "actors")).sum();
    assert_eq!(total, number(&summary, "actors"));
    let store = groups.iter().find(|group| text(group, "name") == "store").unwrap();
    assert!(number(store, "starts") >= 1);
    let outbox = summary.get("outbox").and_then(Value::as_map).unwrap();
    assert_eq!((number(outbox, "waiting"), number(outbox, "dead")), (0, 0));
}

#[actix_rt::test]
async fn no_page_is_longer_than_it_may_be() {
    let node = TestNode::start().await;
    for (query, rows) in [("?limit=0", 1), ("?limit=1", 1), ("?limit=2", 2)] {
        assert_eq!(names(&page(&node, query).await).len(), rows, "{query}");
    }
    let all = names(&page(&node, "").await).len();
    let huge = "?limit=99999999999999999999999999";
    assert_eq!(names(&page(&node, huge).await).len(), all.min(1000));
    for key in ["tree", "children", "top", "crashes", "quarantine", "outbox"] {
        for wrong in ["limit=-1x", "limit=many"] {
            let path = format!("/~supervisor@1.0/{key}?actor=node&{wrong}");
            let answer = node.run(&path, Message::new()).await;
            assert!(matches!(answer, Err(CallError::BadRequest(_))), "{path}: {answer:?}");
        }
    }
}

#[actix_rt::test]
async fn a_suspended_process_keeps_its_messages_until_it_is_resumed() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    let process = process(&node).await;
    let actor = || Message::from([("actor", process.as_str())]);
    seen(&node, "suspend", actor(), &operator).await;
    let address = node.node.processes().get(&process.parse().unwrap()).unwrap();
    assert_eq!(address.actor().state(), State::Suspended);
    let path = format!("/{process}/now");
    let read = node.run(&path, Message::new());
    let resumed = seen(&node, "resume", actor(), &operator);
    let (read, _) = futures_util::future::join(read, resumed).await;
    assert!(read.unwrap().is_ok());
    let again = ask(&node, "resume", actor(), &operator).await;
    assert_eq!(again.status, 409, "it is not suspended: {again:?}");
}

#[actix_rt::test]
async fn what_answers_requests_is_not_suspended() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    for actor in ["node", "node/store", "node/devices", "node/requests/here", "node/processes"] {
        let answer = ask(&node, "suspend", Message::from([("actor", actor)]), &operator).await;
        assert_eq!(answer.status, 409, "{actor}: {answer:?}");
    }
    let root = ask(&node, "restart", Message::from([("actor", "node")]), &operator).await;
    assert_eq!(root.status, 409, "{root:?}");
}

#[actix_rt::test]
async fn a_restarted_actor_begins_a_new_life() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    let timers = node.node.realm().at("node/timers").unwrap();
    let before = timers.row().incarnation;
    seen(&node, "restart", Message::from([("actor", "node/timers")]), &operator).await;
    let begun = async {
        while timers.row().incarnation == before || timers.state() != State::Running {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), begun).await.expect("it begins again");
    let process = process(&node).await;
    seen(&node, "restart", Message::from([("actor", process.as_str())]), &operator).await;
    let state = node.run(&format!("/{process}/now"), Message::new()).await.unwrap();
    assert!(state.is_ok(), "it comes back with the next message");
}

#[actix_rt::test]
async fn a_trace_shows_the_last_messages_while_it_is_on() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    let process = process(&node).await;
    let actor = || Message::from([("actor", process.as_str())]);
    let none = ask(&node, "trace", actor(), &operator).await;
    assert_eq!(none.status, 404, "nobody has asked for one: {none:?}");
    seen(&node, "trace", actor().with("messages", 2), &operator).await;
    for _ in 0..3 {
        // Further back than what needs no asking: another slot is wanted.
        node.run(&format!("/{process}/compute&slot=0"), Message::new()).await.unwrap();
    }
    let trace = seen(&node, "trace", actor(), &operator).await;
    let messages = rows(&trace, "messages");
    assert_eq!((number(&trace, "left"), messages.len()), (0, 2));
    assert!(text(&messages[0], "message").contains("Compute"), "{messages:?}");
    let many = ask(&node, "trace", actor().with("messages", 1_000_000), &operator).await;
    assert_eq!(many.status, 400, "{many:?}");
}

#[actix_rt::test]
async fn the_actors_that_stand_out_come_first() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    let process = process(&node).await;
    let first = async |query: &str| rows(&open(&node, &format!("top?{query}")).await, "rows");
    assert_eq!(first("part=processes&by=restarts").await, [], "nothing of it has ended");
    let actor = || Message::from([("actor", process.as_str())]);
    seen(&node, "suspend", actor(), &operator).await;
    let path = format!("/{process}/now");
    let read = node.run(&path, Message::new());
    let waiting = async {
        loop {
            let shown = first("by=queue&part=processes&limit=1").await;
            if number(&shown[0], "queue") > 0 {
                break shown[0].clone();
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    let resumed = async {
        let shown = timeout(Duration::from_secs(20), waiting).await.expect("a message waits");
        let late = first("by=lag&limit=1").await;
        assert_eq!(
            (text(&shown, "name"), text(&late[0], "name")),
            (process.clone(), process.clone())
        );
        seen(&node, "resume", actor(), &operator).await;
    };
    let (read, ()) = futures_util::future::join(read, resumed).await;
    assert!(read.unwrap().is_ok());
    let wrong = node.run("/~supervisor@1.0/top?by=beauty", Message::new()).await;
    assert!(matches!(wrong, Err(CallError::BadRequest(_))), "{wrong:?}");
}

#[actix_rt::test]
async fn what_ended_last_stands_out_by_restarts() {
    let operator = operator();
    let node = TestNode::configured(of(&operator)).await;
    seen(&node, "restart", Message::from([("actor", "node/timers")]), &operator).await;
    let ended = async {
        while rows(&open(&node, "top?by=restarts").await, "rows").is_empty() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), ended).await.expect("it ends");
    let first = rows(&open(&node, "top?by=restarts&limit=1").await, "rows");
    assert_eq!(text(&first[0], "path"), "node/timers");
}
