//! Hooks, as strangers meet them: whatever a handler does, one request pays for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oxbeam_kernel::{Call, Device, NodeMessage, Outcome, Reply};
use oxbeam_protocol::{List, Message, Value};

use crate::node::TestNode;
use crate::wire::{post, post_json};

/// Steps of a request that a handler makes too long.
const TOO_MANY: usize = 2_000_000;
/// Bytes of an answer that a handler makes large.
const LARGE: usize = 200 << 20;

/// Handlers of hooks that do what they should not.
#[derive(Debug)]
pub(crate) struct Hooked;

impl Device for Hooked {
    fn answers(&self, function: &str, _: &Message) -> bool {
        matches!(function, "again" | "long" | "large" | "panic" | "never" | "show" | "pass")
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            let request = call.request.clone();
            match call.function().as_str() {
                "again" => {
                    let again = Message::from([("path", "/~hooked@1.0/again")]);
                    call.context.run(&again.with("body", request)).await
                }
                "long" => {
                    let step = Value::from(Message::from([("path", "set")]));
                    let steps: List = std::iter::repeat_n(step, TOO_MANY).collect();
                    Ok(Outcome::ok(request.with("body", steps)))
                }
                "large" => Ok(Outcome::ok(request.with("body", vec![b'x'; LARGE]))),
                "panic" => panic!("asked to"),
                "never" => std::future::pending().await,
                "show" => Ok(Outcome::error(Message::new().with("shown", request))),
                _ => Ok(Outcome::ok(request)),
            }
        })
    }
}

async fn hooked(hook: &'static str, function: &str, more: Message) -> TestNode {
    let handler = more.with("device", "hooked@1.0").with("path", function);
    let on = Message::new().with("on", Message::new().with(hook, handler));
    let options = on.with("request_timeout", 3000);
    let configuration = NodeMessage::from_message(&options).unwrap();
    TestNode::with(Default::default(), configuration).await
}

#[actix_rt::test]
async fn a_handler_that_does_not_come_to_an_end_ends_one_request() {
    for (hook, function, status) in [
        ("request", "again", 508),
        ("step", "again", 508),
        ("response", "again", 508),
        ("request", "long", 508),
        ("request", "panic", 500),
        ("response", "panic", 500),
        ("request", "never", 504),
        ("response", "never", 504),
    ] {
        let node = hooked(hook, function, Message::new()).await;
        let since = Instant::now();
        // Whichever limit a slow machine meets first.
        for number in ["first", "second"] {
            let answer = node.get("/~message@1.0&a=5/a").await;
            let met = [status, 504].contains(&answer.status);
            assert!(met, "{hook} {function}, {number}: {} {}", answer.status, answer.text());
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{hook} {function}");
    }
}

#[actix_rt::test]
async fn a_large_answer_of_a_handler_is_sent_or_refused_but_holds_nobody() {
    let node = hooked("response", "large", Message::new()).await;
    let answer = node.get("/~message@1.0&a=5/a").await;
    assert!(matches!(answer.status, 200 | 500 | 504), "{}", answer.status);
    assert_eq!(node.send("OPTIONS / HTTP/1.1\r\nhost: x", b"").await.status, 204);
}

#[actix_rt::test]
async fn what_the_node_signs_for_a_handler_is_of_no_use_to_a_stranger() {
    let more = Message::new().with("hook", Message::from([("commit-request", "true")]));
    for hook in ["request", "response", "step"] {
        let node = hooked(hook, "show", more.clone()).await;
        // The stranger says what the node is to sign.
        let target = "/~message@1.0&operator=me&greeting=evil&path=x/set?greeting=evil";
        let shown = node.get(target).await.message();
        let shown = shown.get("shown").and_then(Value::as_map).unwrap().clone();
        assert!(shown.contains("commitments"), "the handler shows what was signed: {shown:?}");
        // With no hooks any more, it comes back as a request of the node's own.
        node.node
            .configure(|now| {
                let mut now = now.clone();
                now.message.remove("on");
                Ok::<_, std::convert::Infallible>(now)
            })
            .unwrap();
        for path in ["/~meta@1.0/info", "/~message@1.0/commit", "/~cache@1.0/write"] {
            for answer in [post(&node, path, &shown).await, post_json(&node, path, &shown).await] {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                assert_ne!(
                    (answer.status, body.contains("updated")),
                    (200, true),
                    "{hook}: {body}"
                );
            }
        }
        assert_eq!(node.get("/~meta@1.0/info/greeting").await.status, 404, "{hook}");
        assert_eq!(node.get("/~meta@1.0/info/request").await.status, 404, "{hook}");
    }
}
