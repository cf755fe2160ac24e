//! Strangers who would like to speak for the node: with what it signs for everybody.

use oxbeam_protocol::commitment::{self, CommitRequest};
use oxbeam_protocol::{Message, NoContent};

use crate::client::Response;
use crate::node::TestNode;
use crate::wire::{committed, over, post, post_json, signed, stranger};

/// Words that a configuration would change by, chosen by whoever asks.
const ECHO: &str = "/~message@1.0&operator=mallory/set?y=1";

async fn operator(node: &TestNode) -> Response {
    node.get("/~meta@1.0/info/operator").await
}

/// Tries to become the operator with a message.
async fn is_refused(node: &TestNode, message: &Message) {
    for path in ["/~meta@1.0/info", "/~meta@1.0/info/x"] {
        for answer in [post(node, path, message).await, post_json(node, path, message).await] {
            assert_ne!(answer.status, 200, "{message:?}: {}", answer.text());
        }
    }
    assert_eq!(operator(node).await.status, 404, "{message:?}");
}

#[actix_rt::test]
async fn an_answer_is_no_request_of_the_node() {
    let node = TestNode::start().await;
    let answer = node.get(ECHO).await.message();
    assert_eq!(commitment::committers(&answer).len(), 1, "the node has signed it");
    assert!(answer.contains("operator"));
    is_refused(&node, &answer).await;
}

#[actix_rt::test]
async fn an_answer_of_which_a_second_signer_covers_a_part_is_none_either() {
    let node = TestNode::start().await;
    let answer = node.get(ECHO).await.message();
    let unsigned = CommitRequest { kind: Some("unsigned".into()), ..over(&["operator"]) };
    for request in [over(&["operator"]), unsigned] {
        let reduced = committed(&answer, &stranger(), request);
        commitment::verify_all(&reduced, &NoContent).unwrap();
        is_refused(&node, &reduced).await;
    }
}

#[actix_rt::test]
async fn the_node_signs_all_of_an_answer_and_never_a_part_that_a_stranger_chose() {
    let node = TestNode::start().await;
    let unsigned = CommitRequest { kind: Some("unsigned".into()), ..over(&["operator"]) };
    let named = committed(&Message::from([("operator", "mallory")]), &stranger(), unsigned);
    for path in ["/set?y=1", "/~message@1.0/set", "/remove?item=z", "/set-path?value=q"] {
        for answer in [post(&node, path, &named).await, post_json(&node, path, &named).await] {
            let answer = answer.message();
            for one in commitment::Commitment::all(&answer).filter(|one| one.committer().is_some())
            {
                assert!(one.committed().contains(&"status".into()), "{path}: {answer:?}");
            }
            is_refused(&node, &answer).await;
        }
    }
    // Claimed, and verified by nobody.
    let keys: Message = [("1", "operator"), ("2", "status")].into_iter().collect();
    let claim = Message::from([("commitment-device", "httpsig@1.0")]).with("committed", keys);
    let claim = signed(&Message::new().with("c", claim), &stranger());
    let id = commitment::signed_id(&claim.clone().into()).unwrap();
    post(&node, "/c", &claim).await;
    let path = format!("/~message@1.0&operator=mallory/set&y=1&commitments=(/{id})");
    let answer = node.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.message().contains("status"), "{}", answer.head);
    is_refused(&node, &answer.message()).await;
}

#[actix_rt::test]
async fn an_assignment_is_no_request_of_the_node() {
    let node = TestNode::start().await;
    let owner = stranger();
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("scheduler", node.node.address()),
        ("operator", "mallory"),
    ]);
    let answer = post(&node, "/~scheduler@1.0/schedule", &signed(&definition, &owner)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let assignment = answer.message();
    let assignment = assignment.without(&["status"]);
    commitment::verify_all(&assignment, &NoContent).unwrap();
    assert!(!commitment::committers(&assignment).is_empty());
    is_refused(&node, &assignment).await;
    let body = committed(&assignment, &owner, over(&["body"]));
    is_refused(&node, &body).await;
    assert_eq!(post_json(&node, "/~cache@1.0/write", &body).await.status, 403);
}

#[actix_rt::test]
async fn an_answer_does_not_move_the_nodes_location() {
    let node = TestNode::start().await;
    let echo = "/set?type=scheduler-location&url=http://evil&nonce=9";
    let answer = node.get(echo).await.message();
    assert_eq!(answer.get("url"), Some(&"http://evil".into()));
    for message in [&answer, &committed(&answer, &stranger(), over(&["type", "url", "nonce"]))] {
        let moved = post(&node, "/~scheduler@1.0/location", message).await;
        assert_ne!(moved.status, 200, "{}", moved.head);
    }
    assert_eq!(node.get("/~scheduler@1.0/location").await.status, 404);
}

#[actix_rt::test]
async fn strangers_get_nothing_signed_nor_kept_in_the_nodes_name() {
    let node = TestNode::start().await;
    let request = signed(&Message::from([("x", "1"), ("body", "b")]), &stranger());
    for path in ["/~message@1.0&x=1/commit", "/~httpsig@1.0&x=1/commit", "/~ans104@1.0&x=1/commit"]
    {
        for answer in [node.get(path).await, post(&node, path, &request).await] {
            assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        }
    }
    assert_eq!(post(&node, "/~cache@1.0/write", &request).await.status, 403);
}
