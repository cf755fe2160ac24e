//! Nodes whose disk fails while they start and are first used.

use std::time::Duration;

use actix_rt::time::timeout;
use oxbeam_kernel::{Boot, NodeMessage, StorePlace};
use oxbeam_protocol::{Message, Wallet};
use oxbeam_store::{MemoryDisk, StoreConfig};
use oxbeam_supervisor::{Realm, RealmConfig};

/// In which a start must have come to something.
const BOUND: Duration = Duration::from_secs(30);
/// Writes of a fresh node, from opening its store to its first messages, and some more.
const WRITES: u64 = 20;

#[actix_rt::test]
async fn a_fresh_node_works_or_says_why_not_whichever_of_its_writes_fails() {
    for (write, seed) in (0..WRITES).flat_map(|write| [(write, 1), (write, 2)]) {
        let disk = MemoryDisk::default();
        disk.fail_write(write, seed);
        let ended = timeout(BOUND, used(disk)).await;
        ended.unwrap_or_else(|_| panic!("write {write}, seed {seed}: nothing within {BOUND:?}"));
    }
}

/// Starts a node, spawns a process and sends it messages until one has arrived.
async fn used(disk: MemoryDisk) {
    let boot = Boot {
        wallet: Wallet::generate_secp256k1().unwrap(),
        configuration: NodeMessage::default(),
        devices: oxbeam_devices::table(),
        store: StorePlace::Memory(disk),
        store_config: StoreConfig::default(),
        realm: Realm::new(RealmConfig::default()).unwrap(),
    };
    let realm = boot.realm.clone();
    let (node, tree) = boot.build().unwrap();
    let root = match realm.start("node", tree).await {
        Ok(root) => root,
        Err(error) => {
            assert!(error.to_string().contains("store"), "{error}");
            return;
        }
    };
    let user = Wallet::generate_secp256k1().unwrap();
    let definition = Message::from([("device", "process@1.0"), ("type", "Process")])
        .with("execution-device", "test-device@1.0")
        .with("scheduler", node.address());
    let definition = crate::node::signed(&definition, &user);
    for _ in 0..3 {
        loop {
            let request = definition.clone().with("path", "/push").with("method", "POST");
            let answer = node.answer(request).await;
            if answer.status == 200 {
                break;
            }
            assert!(answer.status >= 500, "{answer:?}");
            actix_rt::time::sleep(Duration::from_millis(1)).await;
        }
    }
    root.actor().kill();
}
