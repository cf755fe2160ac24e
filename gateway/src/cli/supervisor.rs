//! `~supervisor@1.0` of a node, asked by the commands for whoever runs it.

use oxbeam_protocol::{Message, Value, Wallet};
use serde::de::DeserializeOwned;

use super::client::{Client, signed};
use super::failure::Failure;
use super::show;

/// The supervisor of a node, and who asks it.
#[derive(Debug)]
pub(super) struct Supervisor {
    client: Client,
    wallet: Option<Wallet>,
}

/// What is looked at, and with what words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) key: &'static str,
    pub(super) words: Vec<(&'static str, String)>,
}

/// Something that is done to the node, by the words of `docs/operate.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) action: &'static str,
    pub(super) words: Vec<(&'static str, String)>,
}

impl Supervisor {
    /// Without a wallet one sees what is for everybody, and does nothing.
    pub(super) fn new(client: Client, wallet: Option<Wallet>) -> Self {
        Self { client, wallet }
    }

    pub(super) fn url(&self) -> &str {
        self.client.url()
    }

    pub(super) fn may_act(&self) -> bool {
        self.wallet.is_some()
    }

    /// What the node shows; none if it has no such thing.
    pub(super) fn ask<T: DeserializeOwned>(
        &self,
        question: &Question,
    ) -> Result<Option<T>, Failure> {
        let path = format!("/~supervisor@1.0/{}", question.key);
        let answer = match &self.wallet {
            Some(wallet) => {
                // What an admin sees takes a signature of the path.
                let asked = words(&question.words).with("path", path.as_str());
                self.client.post(&path, &signed(&asked, wallet)?)?
            }
            None => self.client.get(&format!("{path}{}", query(&question.words)))?,
        };
        if answer.status == 404 {
            return Ok(None);
        }
        let shown = answer.ok(&self.client, question.key)?.into_value();
        serde_json::from_value(show::json(&shown))
            .map(Some)
            .map_err(|_| self.client.strange(&format!("its {}", question.key)))
    }

    /// The same, of what every node has.
    pub(super) fn must<T: DeserializeOwned>(&self, question: &Question) -> Result<T, Failure> {
        let none = || self.client.strange(&format!("its {}", question.key));
        self.ask(question)?.ok_or_else(none)
    }

    /// Does it, and answers with what the node says of it.
    pub(super) fn act(&self, order: &Order) -> Result<Message, Failure> {
        let Some(wallet) = &self.wallet else {
            let reason = "an order is signed: name the operator's with --wallet".to_owned();
            return Err(Failure::Argument { what: "the wallet", reason });
        };
        // A signature is good for one try.
        let nonce = format!("{:032x}", fastrand::u128(..));
        let order_words = words(&order.words).with("action", order.action).with("nonce", nonce);
        let path = format!("/~supervisor@1.0/{}", order.action);
        let answer = self.client.post(&path, &signed(&order_words, wallet)?)?;
        Ok(match answer.ok(&self.client, order.action)?.into_value() {
            Value::Map(answer) => answer,
            said => Message::new().with("body", said),
        })
    }
}

impl Question {
    pub(super) fn new(key: &'static str) -> Self {
        Self { key, words: Vec::new() }
    }

    /// With one more word, if there is one.
    #[must_use]
    pub(super) fn with(mut self, word: &'static str, value: Option<impl ToString>) -> Self {
        self.words.extend(value.map(|value| (word, value.to_string())));
        self
    }
}

fn words(words: &[(&'static str, String)]) -> Message {
    words.iter().map(|(word, value)| (*word, value.as_str())).collect()
}

/// Values are names, numbers and ids, which a query holds as they are.
fn query(words: &[(&'static str, String)]) -> String {
    let words = words.iter().enumerate().map(|(at, (word, value))| {
        let begins = if at == 0 { '?' } else { '&' };
        format!("{begins}{word}={value}")
    });
    words.collect()
}
