//! Signatures that hold: when they are made, stacked, cut down to what they cover, and after a journey.

use std::collections::BTreeSet;

use oxbeam_protocol::ans104::{Item, Tag};
use oxbeam_protocol::codec::{Ans104, HttpSig, Json, Links};
use oxbeam_protocol::commitment::{
    ANS104, COMMITMENTS, CommitRequest, Commitment, Selection, Which, authenticate, commit,
    committers, only_committed, signed_id, unsigned_id, verify, verify_all,
};
use oxbeam_protocol::{Content, Key, Message, NoContent, Value, Wallet};
use proptest::prelude::*;

use super::generators::{cases, signable, some_message, within_ans104, within_json};
use super::support::{Signer, Store, ed25519, rsa, secp256k1, signed, signer};

fn holds(message: &Message, content: &dyn Content) -> Result<(), TestCaseError> {
    let found = verify(message, &Selection::all(), None, content);
    prop_assert!(found.is_ok(), "{found:?} of {message:?}");
    Ok(())
}

fn map(value: Value) -> Message {
    match value {
        Value::Map(map) => map,
        other => panic!("not a map: {other:?}"),
    }
}

fn request(bundle: bool) -> CommitRequest {
    CommitRequest { bundle, ..CommitRequest::default() }
}

/// Some of the keys of a message, at least one.
fn message_and_keys() -> impl Strategy<Value = (Message, Vec<Key>)> {
    some_message().prop_map(|message| signable(&message)).prop_flat_map(|message| {
        let keys: Vec<Key> = message.keys().cloned().collect();
        let count = 1..=keys.len();
        (Just(message), prop::sample::subsequence(keys, count))
    })
}

proptest! {
    #![proptest_config(cases(80))]

    #[test]
    fn what_is_signed_verifies(message in some_message(), bundle: bool, signer in signer()) {
        let message = signable(&message);
        let signed = signed(&message, signer, bundle);
        holds(&signed, &NoContent)?;
        prop_assert_eq!(verify_all(&signed, &NoContent), Ok(()));
        prop_assert_eq!(signed.clone().without(&["commitments"]), message.clone());
        prop_assert_eq!(only_committed(&signed), signed.clone());
        if !bundle {
            prop_assert_eq!(unsigned_id(&signed.into()), unsigned_id(&message.into()));
        }
    }

    #[test]
    fn what_is_not_covered_does_not_matter(
        message in some_message(), bundle: bool, signer in signer(),
    ) {
        let signed = signed(&signable(&message), signer, bundle);
        let more = signed.clone().with("not-covered", "x");
        holds(&more, &NoContent)?;
        prop_assert_eq!(only_committed(&more), signed);
    }

    #[test]
    fn what_signers_cover_of_a_message_verifies_without_the_rest(
        (message, keys) in message_and_keys(), bundle: bool,
    ) {
        let request = CommitRequest { committed: Some(keys.clone()), ..request(bundle) };
        let signed = commit(&message, &request, secp256k1(), &NoContent).unwrap();
        holds(&signed, &NoContent)?;
        let covered = only_committed(&signed);
        holds(&covered, &NoContent)?;
        let left: BTreeSet<Key> = covered.keys().filter(|key| **key != COMMITMENTS).cloned().collect();
        prop_assert_eq!(left, keys.into_iter().collect());
        prop_assert_eq!(signed_id(&covered.into()), signed_id(&signed.into()));
    }

    #[test]
    fn ids_of_signed_messages_do_not_depend_on_whether_children_are_linked(
        message in some_message(), bundle: bool, signer in signer(),
    ) {
        let store = Store::default();
        let child = signed(&signable(&message), signer, bundle);
        let parent = Message::new().with("child", child.clone()).with("n", 1);
        let id = signed_id(&child.clone().into()).unwrap();
        store.write(&id, &child.into()).unwrap();
        let linked = Message::new().with("child", oxbeam_protocol::Link::from(id)).with("n", 1);
        prop_assert_eq!(unsigned_id(&linked.into()), unsigned_id(&parent.into()));
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn signatures_stack_in_any_order(
        message in some_message(),
        order in Just([0, 1, 2]).prop_shuffle(),
        bundle: bool,
    ) {
        let message = signable(&message);
        let other = Wallet::from_text(&"7".repeat(64)).unwrap();
        let wallets = [rsa(), secp256k1(), &other];
        let sign = |message: Message, wallet: &Wallet| {
            commit(&message, &request(bundle), wallet, &NoContent).unwrap()
        };
        let stacked = order.into_iter().fold(message.clone(), |message, number| sign(message, wallets[number]));
        holds(&stacked, &NoContent)?;
        let signers: BTreeSet<Key> = committers(&stacked).into_iter().collect();
        let expected = wallets.map(|wallet| Key::from(wallet.address().to_string()));
        prop_assert_eq!(&signers, &BTreeSet::from(expected));
        prop_assert_eq!(Commitment::all(&stacked).count(), 4, "three signatures and one HMAC");
        if !bundle {
            prop_assert_eq!(unsigned_id(&stacked.clone().into()), unsigned_id(&message.into()));
        }
        for signer in &signers {
            let alone = Selection { committers: Which::These(vec![signer.clone()]), ..Selection::default() };
            prop_assert_eq!(verify(&stacked, &alone, None, &NoContent), Ok(()));
        }
        let commitments = map(stacked.get_exact(COMMITMENTS).cloned().unwrap());
        for id in commitments.keys() {
            let mut fewer = commitments.clone();
            fewer.remove(id);
            holds(&stacked.clone().with(COMMITMENTS, fewer), &NoContent)?;
        }
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn signatures_hold_after_a_journey_over_http(
        message in some_message(), bundle: bool, sent_whole: bool, signer in signer(), extra: bool,
    ) {
        // Headers without the body that was signed do not say what it held.
        let sent_whole = sent_whole || bundle;
        let mut message = signed(&signable(&message), signer, bundle);
        if extra {
            message.insert("not-covered", "x");
        }
        let store = Store::default();
        let links = if sent_whole { Links::Embed(&store) } else { Links::Offload(&store) };
        let wire = HttpSig { links }.encode(&message.clone().into()).unwrap();
        let received = map(HttpSig::decode(&wire).unwrap());
        prop_assert_eq!(committers(&received), committers(&message));
        prop_assert_eq!(Commitment::all(&received).count(), Commitment::all(&message).count());
        holds(&received, &store)?;
        holds(&only_committed(&received), &store)?;
        prop_assert!(!only_committed(&received).contains("not-covered"));
        prop_assert_eq!(signed_id(&received.into()), signed_id(&message.into()));
    }

    #[test]
    fn a_signature_over_links_holds_without_what_they_name(
        message in some_message(), signer in signer(),
    ) {
        let message = signed(&signable(&message), signer, false);
        let wire = HttpSig { links: Links::Discard }.encode(&message.into()).unwrap();
        holds(&map(HttpSig::decode(&wire).unwrap()), &NoContent)?;
    }

    #[test]
    fn signatures_hold_after_a_journey_as_json(
        message in some_message(), bundle: bool, signer in signer(),
    ) {
        let message = signable(&map(within_json(&message.into())));
        let message = signed(&message, signer, bundle);
        let text = Json { links: Links::Embed(&NoContent) }.encode(&message.clone().into()).unwrap();
        let received = map(Json::decode(&text.into()).unwrap());
        holds(&received, &NoContent)?;
        prop_assert_eq!(signed_id(&received.into()), signed_id(&message.into()));
    }

    #[test]
    fn signatures_hold_after_a_journey_as_data_items(
        message in some_message(), bundle: bool, number in 0..3_usize,
    ) {
        let message = map(within_ans104(&message.into()));
        let wallet = [secp256k1(), ed25519(), rsa()][number];
        let request = CommitRequest { device: Some(ANS104.into()), ..request(bundle) };
        let signed = commit(&message, &request, wallet, &NoContent).unwrap();
        holds(&signed, &NoContent)?;
        let links = if bundle { Links::Embed(&NoContent) } else { Links::Discard };
        let bytes = Ans104 { links }.encode(&signed.clone().into()).unwrap();
        prop_assert_eq!(Item::parse(bytes.clone()).unwrap().verify(), Ok(()));
        let received = map(Ans104::decode(&bytes).unwrap());
        holds(&received, &NoContent)?;
        prop_assert_eq!(&received, &signed);
        prop_assert_eq!(Ans104 { links }.encode(&received.into()).unwrap(), bytes);
    }

    #[test]
    fn signed_messages_within_signed_messages_hold(message in some_message(), bundle: bool) {
        // A nested message loses more than one that travels by itself.
        let outer = signable(&Message::new().with("child", signable(&message)));
        let child = signed(outer.get("child").unwrap().as_map().unwrap(), Signer::Secp256k1, bundle);
        let parent = Message::new().with("child", child).with("a", "b");
        let parent = signed(&parent, Signer::Hmac, bundle);
        prop_assert_eq!(verify_all(&parent, &NoContent), Ok(()));
        let wire = HttpSig { links: Links::Embed(&NoContent) }.encode(&parent.into()).unwrap();
        let received = map(HttpSig::decode(&wire).unwrap());
        prop_assert_eq!(verify_all(&received, &NoContent), Ok(()));
    }
}

#[test]
fn items_hold_whose_tags_are_lists_or_numbers_in_other_words() {
    for names in [["device-stack", "passes", "ao-types"], ["Device-Stack", "Passes", "ao-types"]] {
        let values =
            ["\"wasm-64@1.0\",  \"patch@1.0\"", "02", "device-stack=\"list\", passes=\"integer\""];
        let tags = names.into_iter().zip(values).map(|(name, value)| Tag::new(name, value));
        let item = Item { tags: tags.collect(), data: "1984".into(), ..Item::default() };
        let item = item.sign(rsa()).unwrap();
        let message = map(Ans104::decode_item(&item).unwrap());
        let stack: Value = ["wasm-64@1.0", "patch@1.0"].map(Value::from).into_iter().collect();
        let message = authenticate(&message, &NoContent).unwrap();
        assert_eq!(message.get("device-stack"), Some(&stack));
        assert_eq!(message.get("passes"), Some(&Value::from(2)));
        let written =
            Ans104 { links: Links::Embed(&NoContent) }.encode_item(&message.clone().into());
        assert_eq!(written.unwrap().to_bytes().unwrap(), item.to_bytes().unwrap());
        for (key, value) in
            [("device-stack", Value::from_iter([Value::from("x")])), ("passes", 3.into())]
        {
            let other = message.clone().with(key, value);
            assert!(verify_all(&other, &NoContent).is_err(), "{key}");
        }
    }
}
