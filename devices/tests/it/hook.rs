use oxbeam_kernel::Outcome;
use oxbeam_protocol::{List, Message, Value};

use crate::node::TestNode;

#[actix_rt::test]
async fn the_handlers_of_a_hook_are_found() {
    let handler = |device: &str| Value::Map(Message::from([("device", device)]));
    let both: List = [handler("a@1.0"), handler("b@1.0")].into_iter().collect();
    let on = Message::new().with("request", handler("a@1.0")).with("response", both.clone());
    let node = TestNode::with(Message::new().with("on", on)).await;
    let find = |path: &'static str| node.run(path, Message::new());
    let one: List = [handler("a@1.0")].into_iter().collect();
    let found = find("/~hook@1.0/find&target=x&x=request").await.unwrap();
    assert_eq!(found, Outcome::ok(one));
    assert_eq!(find("/~hook@1.0/find&body=response").await.unwrap(), Outcome::ok(both));
    let none = find("/~hook@1.0/find&target=x&x=start").await.unwrap();
    assert_eq!(none, Outcome::ok(List::default()));
    assert!(!find("/~hook@1.0/find").await.unwrap().is_ok());
}
