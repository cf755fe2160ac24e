//! Messages whose commitments hold: the only ones whose ids say what they are.
//!
//! An id is the sum of commitments' ids, as the message has them. So whoever writes a message by hand,
//! as a program does that answers, may write any id into it. A [`Proven`] is made by verifying, and by
//! nothing else.
//!
//! | Made by             | What does not hold               | For messages                    |
//! |---------------------|----------------------------------|---------------------------------|
//! | [`Proven::new`]     | is an error                      | that others have signed         |
//! | [`Proven::of_made`] | is left out, nobody has said it  | that a program of ours has made |

use std::ops::Deref;

use super::authenticate::believable;
use super::committed::only_committed;
use super::verify::{hold, types_are_covered};
use super::{COMMITMENTS, Commitment, Forms, VerifyError, authenticate};
use crate::limits::{MAX_COMMITMENTS, MAX_DEPTH};
use crate::{Content, Key, Message, Value};

/// Most commitments that are verified in one message that a program has made; beyond them, none is
/// kept. Verifying one takes some 50 µs.
const MAX_VERIFIED: usize = 1024;

/// A message of which every commitment holds, and covers all that the message says, at any depth.
#[derive(Debug, Clone, PartialEq)]
pub struct Proven(Message);

impl Proven {
    /// What of a message from outside is vouched for, as by [`authenticate`].
    ///
    /// # Errors
    /// As [`authenticate`].
    pub fn new(message: &Message, content: &dyn Content) -> Result<Self, VerifyError> {
        authenticate(message, content).map(Self)
    }

    /// A message that a program has made, without the commitments that do not hold or do not cover
    /// all of their message. Its keys and values stay.
    #[must_use]
    pub fn of_made(message: &Message, content: &dyn Content) -> Self {
        if !has_claims(message) {
            return Self(message.clone());
        }
        let mut verifier = Verifier { content, left: MAX_VERIFIED };
        Self(verifier.message(message, 1))
    }

    /// The message.
    #[must_use]
    pub fn into_message(self) -> Message {
        self.0
    }
}

impl Deref for Proven {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.0
    }
}

impl From<Proven> for Message {
    fn from(proven: Proven) -> Self {
        proven.0
    }
}

impl From<Proven> for Value {
    fn from(proven: Proven) -> Self {
        Self::Map(proven.0)
    }
}

/// Whether a message, or one nested in it, claims commitments: whether anything is to be verified.
#[must_use]
pub fn has_claims(message: &Message) -> bool {
    claims(message, 1)
}

fn claims(message: &Message, depth: usize) -> bool {
    message.iter().any(|(key, value)| is_claim(key) || claims_within(value, depth))
}

fn claims_within(value: &Value, depth: usize) -> bool {
    match value {
        // What lies deeper cannot be written, and so has no id.
        _ if depth > MAX_DEPTH => false,
        Value::Map(map) => claims(map, depth + 1),
        Value::List(list) => list.iter().any(|value| claims_within(value, depth + 1)),
        _ => false,
    }
}

/// Whether a key holds commitments, in place or elsewhere.
fn is_claim(key: &Key) -> bool {
    *key == COMMITMENTS || key.without_link().is_some_and(|key| key == COMMITMENTS)
}

struct Verifier<'a> {
    content: &'a dyn Content,
    left: usize,
}

impl Verifier<'_> {
    /// Nested messages come first: a message counts by their ids.
    fn message(&mut self, message: &Message, depth: usize) -> Message {
        let entries = message.iter().filter(|(key, _)| !is_claim(key));
        let entries = entries.map(|(key, value)| (key.clone(), self.value(value, depth)));
        let bare = entries.collect::<Message>().with_private_of(message);
        let claimed = message.get_exact(COMMITMENTS).and_then(Value::as_map).map(believable);
        match claimed.map(|claimed| self.holding(&bare, claimed)) {
            Some(holding) if !holding.is_empty() => bare.with(COMMITMENTS, holding),
            _ => bare,
        }
    }

    fn value(&mut self, value: &Value, depth: usize) -> Value {
        match value {
            _ if depth > MAX_DEPTH => value.clone(),
            Value::Map(map) => self.message(map, depth + 1).into(),
            Value::List(list) => list.iter().map(|value| self.value(value, depth + 1)).collect(),
            value => value.clone(),
        }
    }

    /// The commitments that hold, of those that a message claims.
    fn holding(&mut self, bare: &Message, claimed: Message) -> Message {
        let left = self.left.checked_sub(claimed.len());
        let Some(left) = left.filter(|_| claimed.len() <= MAX_COMMITMENTS) else {
            return Message::new();
        };
        self.left = left;
        let holds = |(id, fields): &(Key, Value)| {
            let one = Message::new().with(id.clone(), fields.clone());
            let message = bare.clone().with(COMMITMENTS, one);
            let forms = Forms::new(&message, self.content);
            covers_all(&message)
                && Commitment::all(&message).all(|one| hold(&one, &forms, None).is_ok())
        };
        claimed.into_iter().filter(holds).collect()
    }
}

/// Whether a message says nothing that its commitments do not cover.
fn covers_all(message: &Message) -> bool {
    only_committed(message).len() == message.len() && types_are_covered(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commitment::{CommitRequest, commit, signed_id, unsigned_id, verify_all};
    use crate::{Id, NoContent, Wallet};

    fn signed(message: &Message) -> Message {
        let wallet = Wallet::generate_secp256k1().unwrap();
        commit(message, &CommitRequest::default(), &wallet, &NoContent).unwrap()
    }

    fn made(message: &Message) -> Message {
        let made = Proven::of_made(message, &NoContent).into_message();
        verify_all(&made, &NoContent).unwrap();
        made
    }

    /// A message that claims to be the one with this id.
    fn claiming(id: Id, fields: Message) -> Message {
        Message::from([("a", "1")]).with(COMMITMENTS, Message::from([(id, fields)]))
    }

    #[test]
    fn what_holds_stays_at_any_depth() {
        let inner = signed(&Message::from([("data", "1")]).with("n", 5));
        let list: Value = [Value::from(inner.clone())].into_iter().collect();
        let outer = Message::new().with("list", list).with("map", inner.clone());
        assert_eq!(made(&outer), outer);
        assert_eq!(made(&signed(&outer)).len(), 3, "and around it");
        assert_eq!(made(&inner), inner);
    }

    #[test]
    fn messages_that_were_signed_in_place_stay_signed() {
        let wallet = Wallet::generate_secp256k1().unwrap();
        let message = Message::new().with("Deep", Message::from([("Key", "1")])).with("a", "1");
        for device in ["httpsig@1.0", "ans104@1.0"] {
            let request =
                CommitRequest { device: Some(device.into()), bundle: true, ..Default::default() };
            let signed = commit(&message, &request, &wallet, &NoContent).unwrap();
            let outer = Message::new().with("letter", signed);
            assert_eq!(made(&outer), outer, "{device}");
        }
    }

    #[test]
    fn nobody_chooses_the_id_of_what_he_makes() {
        let victim = Id::of(b"victim");
        let httpsig = Message::from([("commitment-device", "httpsig@1.0")]);
        for fields in [httpsig.clone(), httpsig.with("committer", "somebody")] {
            let forged = claiming(victim, fields);
            let taken = [signed_id(&forged.clone().into()), unsigned_id(&forged.clone().into())];
            assert!(taken.contains(&Ok(victim)), "that is what would be believed");
            let plain = Message::from([("a", "1")]);
            assert_eq!(made(&forged), plain);
            let list: Value = [Value::from(forged.clone())].into_iter().collect();
            let nested = Message::new().with("m", forged).with("l", list);
            let list: Value = [Value::from(plain.clone())].into_iter().collect();
            assert_eq!(made(&nested), Message::new().with("m", plain).with("l", list));
        }
    }

    #[test]
    fn a_signature_that_leaves_a_key_open_is_left_out_and_the_key_stays() {
        let more = signed(&Message::from([("a", "1")])).with("b", "2");
        assert_eq!(made(&more), Message::from([("a", "1"), ("b", "2")]));
        let elsewhere = Message::from([("commitments+link", "elsewhere")]);
        assert_eq!(made(&elsewhere), Message::new());
        let text = Message::from([("commitments", "text"), ("a", "1")]);
        assert_eq!(made(&text), Message::from([("a", "1")]));
    }
}
