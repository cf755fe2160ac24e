//! How calls that are computed once for many end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use oxbeam_kernel::{Call, CallError, Device, NodeMessage, Outcome, Reply, Row};
use oxbeam_protocol::{Key, Message};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::node::TestNode;

/// All calls are one group. The first call tells that it began, waits to be released, and exceeds
/// the bounds of its request; later ones answer.
struct Shared {
    calls: AtomicUsize,
    began: Semaphore,
    release: Semaphore,
}

impl Device for Shared {
    fn answers(&self, function: &str, _: &Message) -> bool {
        function == "run"
    }

    fn group(&self, _: &Call) -> Option<Key> {
        Some("one".to_owned().into())
    }

    fn call(self: Arc<Self>, call: Call) -> Reply {
        Box::pin(async move {
            if self.calls.fetch_add(1, SeqCst) > 0 {
                return Ok(Outcome::ok("computed"));
            }
            self.began.add_permits(1);
            let _released = self.release.acquire().await;
            call.context.spend(u64::MAX / 2)?;
            Ok(Outcome::not_found())
        })
    }
}

async fn node() -> (TestNode, Arc<Shared>) {
    let shared = Arc::new(Shared {
        calls: AtomicUsize::new(0),
        began: Semaphore::new(0),
        release: Semaphore::new(0),
    });
    let row = Row { names: &["shared@1.0"], device: shared.clone() };
    (TestNode::with_devices(NodeMessage::default(), vec![row]).await, shared)
}

fn request() -> (Message, Message) {
    (Message::from([("device", "shared@1.0")]), Message::from([("path", "run")]))
}

#[actix_rt::test]
async fn the_bounds_of_the_first_request_are_not_those_of_the_others() {
    let (node, shared) = node().await;
    let (base, request) = request();
    let (one, two) = (node.context(), node.context());
    let first = one.resolve(base.clone(), request.clone());
    let second = async {
        let _began = shared.began.acquire().await;
        let waits = two.resolve(base, request);
        let release = async { shared.release.add_permits(1) };
        tokio::join!(waits, release).0
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(first, Err(CallError::TooMuchWork { .. })), "{first:?}");
    assert_eq!(second.unwrap(), Outcome::ok("computed"));
}

#[actix_rt::test]
async fn when_the_first_client_goes_another_call_takes_its_place() {
    let (node, shared) = node().await;
    let (base, request) = request();
    let gone = CancellationToken::new();
    let (one, two) = (node.node.context(gone.clone()), node.context());
    let first = one.resolve(base.clone(), request.clone());
    let second = async {
        let _began = shared.began.acquire().await;
        let waits = two.resolve(base, request);
        let leaves = async { gone.cancel() };
        tokio::join!(waits, leaves).0
    };
    let (first, second) = tokio::join!(first, second);
    assert!(matches!(first, Err(CallError::Cancelled)), "{first:?}");
    assert_eq!(second.unwrap(), Outcome::ok("computed"));
}

#[actix_rt::test]
async fn who_wants_only_what_is_kept_gets_a_stored_key_or_hears_of_a_miss() {
    let node = TestNode::start().await;
    let message = Message::from([("a", "1")]);
    let contents = node.node.contents().unwrap();
    let id =
        contents.keep(&crate::node::proven(&message), oxbeam_store::Persist::Synced).await.unwrap();
    let only = || Message::from([("cache-control", "only-if-cached")]);
    let hit = node.run(&format!("/{id}/a"), only()).await.unwrap();
    assert_eq!(hit, Outcome::ok("1"));
    let miss = node.run(&format!("/{id}/keys"), only()).await.unwrap_err();
    assert!(matches!(miss, CallError::NotCached), "{miss}");
    let other = node.run("/a?a=1", only()).await.unwrap();
    assert_eq!(other, Outcome::ok("1"), "a base without an id is computed");
}
