//! Somebody with a wallet, who talks to a node.

use std::net::SocketAddr;

use bytes::Bytes;
use oxbeam_integration_tests::bench::{Client, Reply, wire};
use oxbeam_protocol::codec::HttpMessage;
use oxbeam_protocol::commitment::{self, CommitRequest};
use oxbeam_protocol::{Message, NoContent, Wallet};
use serde_json::Value as Json;

/// A person at a node.
pub(crate) struct Person {
    client: Client,
    wallet: Wallet,
    /// The address of the node.
    pub(crate) node: String,
}

impl Person {
    pub(crate) fn at(host: SocketAddr, wallet: Wallet) -> Self {
        let mut person =
            Self { client: Client::connect(host).unwrap(), wallet, node: String::new() };
        person.node = person.get("/~meta@1.0/info/address")["body"].as_str().unwrap().to_owned();
        person
    }

    /// A message with this person's signature.
    pub(crate) fn signed(&self, message: &Message) -> Message {
        let request = CommitRequest::default();
        commitment::commit(message, &request, &self.wallet, &NoContent).unwrap()
    }

    /// What is answered to a GET, with all that is nested in it.
    pub(crate) fn get(&mut self, target: &str) -> Json {
        let reply = self.send("GET", target, in_json(HttpMessage::default()));
        serde_json::from_slice(&reply.body).unwrap_or_else(|_| panic!("{target}: {}", text(&reply)))
    }

    /// What is answered to a GET as text.
    pub(crate) fn read(&mut self, target: &str) -> String {
        text(&self.send("GET", target, HttpMessage::default()))
    }

    /// Posts a message that somebody has signed.
    pub(crate) fn post(&mut self, target: &str, signed: &Message) -> Reply {
        self.send("POST", target, wire(signed).unwrap())
    }

    /// Starts a process on this node; answers with its id.
    pub(crate) fn spawn(&mut self, definition: Message) -> String {
        let definition = definition
            .with("device", "process@1.0")
            .with("type", "Process")
            .with("scheduler", self.node.as_str())
            .with("authority", self.node.as_str())
            .with("scheduler-device", "scheduler@1.0")
            .with("push-device", "push@1.0");
        let reply = self.post("/push", &self.signed(&definition));
        reply.header("process").unwrap().to_owned()
    }

    /// Gives a message a slot of a process; answers with the slot.
    pub(crate) fn schedule(&mut self, process: &str, message: Message) -> u64 {
        let message = self.to(process, message);
        let reply = self.post(&format!("/{process}/schedule"), &message);
        reply.header("slot").unwrap().parse().unwrap()
    }

    /// The same, and delivers what the slot sends; answers with the report.
    pub(crate) fn push(&mut self, process: &str, message: Message) -> Json {
        let message = self.to(process, message);
        let target = format!("/{process}~process@1.0/push");
        let reply = self.send("POST", &target, in_json(wire(&message).unwrap()));
        serde_json::from_slice(&reply.body).unwrap()
    }

    fn to(&self, process: &str, message: Message) -> Message {
        self.signed(&message.with("target", process).with("type", "Message"))
    }

    /// Sends a request, which must go well.
    fn send(&mut self, method: &str, target: &str, message: HttpMessage) -> Reply {
        let reply = self.client.send(method, target, &message).unwrap();
        assert_eq!(reply.status, 200, "{target}: {}", text(&reply));
        reply
    }
}

/// A request whose answer is to be JSON, with all that is nested in it.
fn in_json(mut message: HttpMessage) -> HttpMessage {
    for (name, value) in [("accept", "application/json"), ("accept-bundle", "true")] {
        message.headers.insert(name.into(), Bytes::from_static(value.as_bytes()));
    }
    message
}

fn text(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}
