//! The configuration of a node that strangers ask for and would like to change.

use futures_util::future::join_all;
use oxbeam_kernel::NodeMessage;
use oxbeam_protocol::commitment::COMMITMENTS;
use oxbeam_protocol::{Message, Value, Wallet};

use crate::node::TestNode;
use crate::wire::{commitments, post, post_json, post_wire, signed, stranger, wire};

const INFO: &str = "/~meta@1.0/info";
const SECRET: &str = "a1b2c3-SECRET";

async fn owned(operator: &Wallet, more: Message) -> TestNode {
    let options: Message =
        more.with("operator", operator.address().to_string()).into_iter().collect();
    let configuration = NodeMessage::from_message(&options).unwrap();
    TestNode::with(Default::default(), configuration).await
}

#[actix_rt::test]
async fn nobody_but_the_operator_changes_it_however_the_request_is_forged() {
    let operator = stranger();
    let node = owned(&operator, Message::new()).await;
    let wish = Message::from([("good-item", "evil")]);
    let by_operator = signed(&Message::from([("good-item", "good")]), &operator);
    let mut header = wire(&by_operator);
    header.headers.insert("good-item".into(), "evil".into());
    let mut swapped = wire(&signed(&wish, &stranger()));
    for name in ["signature", "signature-input"] {
        swapped.headers.insert(name.into(), wire(&by_operator).headers[name.as_bytes()].clone());
    }
    let address = operator.address().to_string();
    let claim = Message::from([("committer", address.as_str())]);
    let claimed = wish.clone().with(COMMITMENTS, Message::new().with("c", claim));
    let lent = wish.clone().with(COMMITMENTS, commitments(&by_operator));
    for answer in [
        post(&node, INFO, &wish).await,
        post(&node, INFO, &signed(&wish, &stranger())).await,
        post_wire(&node, INFO, &header).await,
        post_wire(&node, INFO, &swapped).await,
        post_json(&node, INFO, &claimed).await,
        post_json(&node, INFO, &lent).await,
        post_json(&node, INFO, &by_operator.clone().with("good-item", "evil")).await,
    ] {
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert!(!answer.text().is_empty());
    }
    assert_eq!(node.get("/~meta@1.0/info/good-item").await.status, 404);
    // What is added to a message of the operator's was not signed, and is not set.
    let mut more = wire(&by_operator);
    more.headers.insert("other-item".into(), "evil".into());
    assert_eq!(post_wire(&node, INFO, &more).await.status, 200);
    assert_eq!(node.get("/~meta@1.0/info/good-item").await.text(), "good");
    assert_eq!(node.get("/~meta@1.0/info/other-item").await.status, 404);
}

#[actix_rt::test]
async fn an_old_change_of_the_operators_is_not_made_again_in_whatever_form() {
    let operator = stranger();
    let node = owned(&operator, Message::new()).await;
    let old = signed(&Message::from([("price", "1")]), &operator);
    assert_eq!(post(&node, INFO, &old).await.status, 200);
    assert_eq!(post(&node, INFO, &old).await.status, 200, "whoever has missed the answer");
    let new = signed(&Message::from([("price", "2")]), &operator);
    assert_eq!(post(&node, INFO, &new).await.status, 200);
    // With a signature more, it is another message with the same signature of the operator's.
    let more = signed(&old, &stranger());
    let mut header = wire(&old);
    header.headers.insert("nonce".into(), "1".into());
    for answer in [
        post(&node, INFO, &old).await,
        post_json(&node, INFO, &old).await,
        post(&node, INFO, &more).await,
        post_wire(&node, INFO, &header).await,
        post(&node, &format!("{INFO}?nonce=2"), &old).await,
    ] {
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains("was made before"), "{}", answer.text());
    }
    assert_eq!(node.get(&format!("{INFO}/price")).await.text(), "2");
    assert_eq!(node.get(&format!("{INFO}/node_history/3")).await.status, 404);
}

#[actix_rt::test]
async fn changes_at_the_same_time_are_all_made() {
    const CHANGES: usize = 32;
    let operator = stranger();
    let node = owned(&operator, Message::new()).await;
    let message = |number: usize| {
        signed(&Message::from([(format!("item-{number}"), "set".to_owned())]), &operator)
    };
    let messages: Vec<Message> = (0..CHANGES).map(message).collect();
    let answers = join_all(messages.iter().map(|message| post(&node, INFO, message))).await;
    let mut lengths: Vec<usize> = Vec::new();
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        lengths.push(answer.headers["history-length"].parse().unwrap());
    }
    lengths.sort_unstable();
    assert_eq!(lengths, (1..=CHANGES).collect::<Vec<_>>());
    for number in 0..CHANGES {
        assert_eq!(node.get(&format!("{INFO}/item-{number}")).await.text(), "set");
    }
}

#[actix_rt::test]
async fn secrets_are_shown_in_no_form() {
    let operator = stranger();
    let deep = Message::from([("priv_token", SECRET), ("private-key", SECRET), ("seen", "yes")]);
    let list: Value = [Value::from(deep.clone())].into_iter().collect();
    let options = Message::from([("priv_key_location", SECRET), ("priv_wallet", SECRET)])
        .with("priv-store", Message::from([("x", SECRET)]))
        .with("remote", Message::new().with("inner", deep.clone()))
        .with("peers", list);
    let node = owned(&operator, options).await;
    let wish = Message::from([("priv_more", SECRET)]).with("later", deep);
    assert_eq!(post(&node, INFO, &signed(&wish, &operator)).await.status, 200);
    let wallet = node.node.address().to_string();
    for path in [
        "",
        "/keys",
        "/priv_key_location",
        "/priv-key-location",
        "/priv_wallet",
        "/priv",
        "/priv_more",
        "/remote",
        "/remote/inner",
        "/remote/inner/priv_token",
        "/remote/inner/private-key",
        "/peers",
        "/peers/1/priv_token",
        "/later",
        "/node_history",
        "/node_history/1/later",
        "/set?x=1",
        "/index",
        "~json@1.0/serialize",
        "~json@1.0/serialize?bundle=true",
        "~flat@1.0/serialize?bundle=true",
        "~structured@1.0/to?bundle=true",
        "~httpsig@1.0/serialize?bundle=true",
        "~ans104@1.0/serialize?bundle=true",
    ] {
        for form in ["", "\r\naccept-bundle: true", "\r\naccept: application/json"] {
            let head = format!("GET {INFO}{path} HTTP/1.1\r\nhost: x{form}");
            let answer = node.send(&head, b"").await;
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!answer.head.contains(SECRET), "{path}{form}: {}", answer.head);
            assert!(!body.contains(SECRET), "{path}{form}: {body}");
        }
    }
    let shown = node.get(&format!("{INFO}/remote/inner/seen")).await;
    assert_eq!(shown.text(), "yes", "what is no secret is shown");
    assert_eq!(node.get(&format!("{INFO}/address")).await.text(), wallet);
}
