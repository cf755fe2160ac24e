//! What is written reads back: `decode(encode(m)) = m` for every form, within what it promises.

use std::collections::BTreeMap;

use bytes::Bytes;
use oxbeam_protocol::codec::{Ans104, Flat, HttpSig, Json, Links, Structured};
use oxbeam_protocol::{Key, NoContent, Value};
use proptest::prelude::*;

use super::generators::{
    cases, message, value, within_ans104, within_flat, within_flat_text, within_httpsig,
    within_json,
};
use super::support::Store;

const EMBED: Links<'static> = Links::Embed(&NoContent);

fn is_written(tabm: &Value) -> bool {
    match tabm {
        Value::Bytes(_) => true,
        Value::Map(map) => map.iter().all(|(_, value)| is_written(value)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn structured_values_read_back(message in message()) {
        let tabm = Structured { links: EMBED }.encode(&message.clone().into()).unwrap();
        prop_assert!(is_written(&tabm), "{tabm:?}");
        prop_assert_eq!(Structured::decode(&tabm).unwrap(), message.into());
    }

    #[test]
    fn structured_lists_read_back(values in prop::collection::vec(value(), 0..40)) {
        let list: Value = values.into_iter().collect();
        let tabm = Structured { links: EMBED }.encode(&list).unwrap();
        prop_assert_eq!(Structured::decode(&tabm).unwrap(), list);
    }

    #[test]
    fn linked_messages_read_back_when_their_links_are_loaded(message in message()) {
        let store = Store::default();
        let message = Value::from(message);
        let linked = Structured { links: Links::Offload(&store) }.encode(&message).unwrap();
        let read = Structured::decode(&linked).unwrap();
        let loaded = Structured { links: Links::Embed(&store) }.encode(&read).unwrap();
        prop_assert_eq!(Structured::decode(&loaded).unwrap(), message);
    }

    #[test]
    fn http_messages_read_back(message in message()) {
        let message = Value::from(within_httpsig(&message));
        let http = HttpSig { links: EMBED }.encode(&message).unwrap();
        prop_assert_eq!(HttpSig::decode(&http).unwrap(), message);
    }

    #[test]
    fn http_messages_of_links_read_back_when_their_links_are_loaded(message in message()) {
        let store = Store::default();
        let message = Value::from(within_httpsig(&message));
        let http = HttpSig { links: Links::Offload(&store) }.encode(&message).unwrap();
        let read = HttpSig::decode(&http).unwrap();
        let loaded = Structured { links: Links::Embed(&store) }.encode(&read).unwrap();
        prop_assert_eq!(Structured::decode(&loaded).unwrap(), message);
    }

    #[test]
    fn flat_paths_read_back(message in message()) {
        let message = within_flat(&message.into());
        let Value::Map(tabm) = Structured { links: EMBED }.encode(&message).unwrap() else {
            unreachable!("a map is written as a map");
        };
        let paths: BTreeMap<Key, Bytes> = Flat::encode(&tabm).unwrap();
        let read = Flat::decode(&paths).unwrap();
        prop_assert_eq!(&read, &tabm);
        prop_assert_eq!(Structured::decode(&read.into()).unwrap(), message);
    }

    #[test]
    fn flat_texts_read_back(message in message()) {
        let message = within_flat_text(&within_flat(&message.into()));
        let text = Flat::encode_text(&message, EMBED).unwrap();
        prop_assert_eq!(Flat::decode_text(&text).unwrap(), message);
    }

    #[test]
    fn json_reads_back(message in message()) {
        let message = within_json(&message.into());
        let text = Json { links: EMBED }.encode(&message).unwrap();
        prop_assert_eq!(Json::decode(&text.clone().into()).unwrap(), message, "{}", text);
    }

    #[test]
    fn json_lists_read_back(values in prop::collection::vec(value(), 0..6)) {
        let list = within_json(&values.into_iter().collect());
        let text = Json { links: EMBED }.encode(&list).unwrap();
        prop_assert_eq!(Json::decode(&text.clone().into()).unwrap(), list, "{}", text);
    }

    #[test]
    fn data_items_read_back(message in message()) {
        let message = within_ans104(&message.into());
        let item = Ans104 { links: EMBED }.encode(&message).unwrap();
        prop_assert_eq!(Ans104::decode(&item).unwrap(), message);
    }

    #[test]
    fn bytes_are_a_message_of_every_form(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let message = Value::from(bytes);
        let http = HttpSig { links: EMBED }.encode(&message).unwrap();
        prop_assert_eq!(http.body.clone().map(Value::from), Some(message.clone()));
        let item = Ans104 { links: EMBED }.encode(&message).unwrap();
        prop_assert_eq!(Ans104::decode(&item).unwrap(), message.clone());
        let tabm = Structured { links: EMBED }.encode(&message).unwrap();
        prop_assert_eq!(Structured::decode(&tabm).unwrap(), message);
    }
}
