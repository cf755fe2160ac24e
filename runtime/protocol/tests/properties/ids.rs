//! What does not change an id, and what does.

use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::commitment::{full_id, signed_id, unsigned_id};
use oxbeam_protocol::{Id, Key, List, Message, NoContent, Value};
use proptest::prelude::*;

use super::generators::{cases, message, scalar, some_message, value};
use super::support::Store;

/// The three ids of a message.
fn ids(message: &Message) -> [Id; 3] {
    let message = Value::from(message.clone());
    [unsigned_id(&message), signed_id(&message), full_id(&message)].map(Result::unwrap)
}

/// The message with a private part in it and in every message within.
fn with_secrets(message: &Message, secret: &Value) -> Message {
    let mut result: Message =
        message.iter().map(|(key, value)| (key.clone(), with_secret(value, secret))).collect();
    result.set_private("hashpath", secret.clone());
    result.insert("private", secret.clone());
    result
}

fn with_secret(value: &Value, secret: &Value) -> Value {
    match value {
        Value::Map(map) => with_secrets(map, secret).into(),
        Value::List(list) => list.iter().map(|value| with_secret(value, secret)).collect(),
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn insertion_order_does_not_matter(
        (message, order) in message().prop_flat_map(|message| {
            let entries: Vec<(Key, Value)> = message.clone().into_iter().collect();
            (Just(message), Just(entries).prop_shuffle())
        })
    ) {
        let mut shuffled = Message::new();
        for (key, value) in order {
            shuffled.insert(key.clone(), "other");
            shuffled.insert(key, value);
        }
        prop_assert_eq!(ids(&shuffled), ids(&message));
    }

    #[test]
    fn private_parts_do_not_matter(message in message(), secret in scalar()) {
        prop_assert_eq!(ids(&with_secrets(&message, &secret)), ids(&message));
    }

    #[test]
    fn links_and_the_messages_that_they_name_have_the_same_id(message in message()) {
        let store = Store::default();
        let rich = Value::from(message.clone());
        let offloaded = Structured { links: Links::Offload(&store) }.encode(&rich).unwrap();
        let discarded = Structured { links: Links::Discard }.encode(&rich).unwrap();
        prop_assert_eq!(&offloaded, &discarded);
        let Value::Map(linked) = Structured::decode(&offloaded).unwrap() else {
            panic!("a map is read as a map");
        };
        prop_assert_eq!(ids(&linked), ids(&message));
        let loaded = Structured { links: Links::Embed(&store) }.encode(&linked.into()).unwrap();
        let embedded = Structured { links: Links::Embed(&NoContent) }.encode(&rich).unwrap();
        prop_assert_eq!(&loaded, &embedded);
        let Value::Map(loaded) = Structured::decode(&loaded).unwrap() else {
            panic!("a map is read as a map");
        };
        prop_assert_eq!(ids(&loaded), ids(&message));
    }

    #[test]
    fn what_is_read_from_its_written_form_has_the_same_id(message in message()) {
        let tabm = Structured { links: Links::Embed(&NoContent) };
        let tabm = tabm.encode(&message.clone().into()).unwrap();
        prop_assert_eq!(unsigned_id(&tabm).unwrap(), ids(&message)[0]);
    }

    #[test]
    fn another_value_is_another_id(
        message in some_message(),
        other in value(),
        which in any::<prop::sample::Index>(),
    ) {
        let key = which.get(&message.keys().cloned().collect::<Vec<_>>()).clone();
        let changed = message.clone().with(key, other);
        // -0.0 and 0.0 are equal and written differently.
        let written = |message: &Message| {
            Structured { links: Links::Embed(&NoContent) }.encode(&message.clone().into()).unwrap()
        };
        prop_assert_eq!(written(&changed) == written(&message), ids(&changed) == ids(&message));
    }

    #[test]
    fn a_list_has_the_id_of_its_written_form(values in prop::collection::vec(value(), 0..8)) {
        let list = List::from_iter(values);
        let tabm = Structured { links: Links::Embed(&NoContent) }.encode(&list.clone().into());
        prop_assert_eq!(unsigned_id(&tabm.unwrap()).unwrap(), unsigned_id(&list.into()).unwrap());
    }
}
