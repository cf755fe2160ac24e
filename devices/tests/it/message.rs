use oxbeam_kernel::Outcome;
use oxbeam_protocol::Message;

use crate::node::TestNode;

#[actix_rt::test]
async fn a_key_is_looked_up() {
    let node = TestNode::start().await;
    let message = Message::new().with("a", Message::from([("b", "1")]));
    assert_eq!(node.run("/a/b", message.clone()).await.unwrap(), Outcome::ok("1"));
    assert_eq!(node.run("/a/c", message).await.unwrap(), Outcome::not_found());
}

#[actix_rt::test]
async fn an_answer_says_its_status() {
    let node = TestNode::start().await;
    let answer = node.node.answer(Message::from([("path", "/a"), ("a", "5")])).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.message,
        Message::from([("ao-result", "body"), ("body", "5")]).with("status", 200)
    );
}
