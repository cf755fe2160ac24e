//! The chain of steps: it can be taken up anywhere, and any other step is another chain.

use bytes::Bytes;
use oxbeam_protocol::hashpath::{Algorithm, HASHPATH, Hashpath, HashpathError, Request};
use oxbeam_protocol::{Id, Message};
use proptest::collection::vec;
use proptest::prelude::*;

use super::generators::{cases, message};

/// The text of a request in a hashpath: an id or a bare key.
fn request() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => id(),
        1 => "[a-z][a-z0-9_.-]{0,30}",
    ]
}

fn id() -> impl Strategy<Value = String> {
    any::<[u8; 32]>().prop_map(|bytes| Id::from(bytes).to_string())
}

fn extend(from: &str, requests: &[String], algorithm: Algorithm) -> String {
    let start = Hashpath::parse(&Bytes::copy_from_slice(from.as_bytes())).unwrap();
    let step = |path: Hashpath, request: &String| {
        path.extend(Request::new(request.clone()), algorithm).unwrap()
    };
    requests.iter().fold(start, step).to_string()
}

/// A request that is more than a path.
fn request_message() -> impl Strategy<Value = Message> {
    message().prop_map(|message| message.with("k", "v"))
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn a_chain_can_be_taken_up_from_its_text_anywhere(
        base in id(), requests in vec(request(), 0..12), at in any::<prop::sample::Index>(),
    ) {
        let whole = extend(&base, &requests, Algorithm::Sha256Chain);
        let (before, after) = requests.split_at(at.index(requests.len() + 1));
        let middle = extend(&base, before, Algorithm::Sha256Chain);
        prop_assert_eq!(extend(&middle, after, Algorithm::Sha256Chain), whole);
    }

    #[test]
    fn an_accumulated_chain_can_be_taken_up_too_and_forgets_the_order(
        base in id(),
        (requests, shuffled) in vec(id(), 0..12).prop_flat_map(|ids| (Just(ids.clone()), Just(ids).prop_shuffle())),
        last in id(),
        at in any::<prop::sample::Index>(),
    ) {
        let extend = |from: &str, requests: &[String]| extend(from, requests, Algorithm::Accumulate256);
        let end = [last];
        let whole = extend(&extend(&base, &requests), &end);
        let (before, after) = requests.split_at(at.index(requests.len() + 1));
        prop_assert_eq!(extend(&extend(&extend(&base, before), after), &end), whole.clone());
        prop_assert_eq!(extend(&extend(&base, &shuffled), &end), whole);
    }

    #[test]
    fn any_other_request_is_another_chain(
        base in id(),
        requests in vec(request(), 1..8),
        other in request(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut changed = requests.clone();
        changed[at.index(requests.len())] = other;
        let of = |requests: &[String]| extend(&base, requests, Algorithm::Sha256Chain);
        prop_assert_eq!(changed == requests, of(&changed) == of(&requests));
    }

    #[test]
    fn a_history_verifies_and_no_other_history_does(
        bases in vec(message(), 2..6),
        requests in vec(request_message(), 5),
        other in request_message(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut history = vec![bases[0].clone()];
        for (base, request) in bases.iter().skip(1).zip(&requests) {
            let last = &history[history.len() - 1];
            let hashpath = Hashpath::of_step(last, request).unwrap().to_string();
            let mut next = base.clone();
            next.set_private(HASHPATH, hashpath);
            history.push(next);
        }
        let requests = &requests[..history.len() - 1];
        prop_assert_eq!(Hashpath::verify(&history, requests), Ok(()));

        let step = at.index(requests.len());
        let mut forged = requests.to_vec();
        forged[step] = other;
        let value = |request: &Message| Request::of(request).unwrap();
        if value(&forged[step]) != value(&requests[step]) {
            let found = Hashpath::verify(&history, &forged);
            let is_named = matches!(&found, Err(HashpathError::WrongStep { step: at, .. }) if *at == step);
            prop_assert!(is_named, "{found:?}");
        }
    }
}
