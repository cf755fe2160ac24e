use proptest::prelude::*;

use super::*;
use crate::path::SubPath;
use crate::{Atom, Value};

const ID: &str = "a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s";

fn request(path: &str) -> Message {
    Message::from([("path", path)])
}

fn base() -> Step {
    Message::new().into()
}

fn read_as(device: &str, request: Message) -> Step {
    Step::As { device: device.to_owned().into(), request: request.into() }
}

#[test]
fn steps_without_keys_are_a_path() {
    let steps = [base(), request("a").into(), Step::Id(ID.into()), request("b").into()];
    assert_eq!(to_singleton(&steps), Ok(request(&format!("/a/{ID}/b"))));
    assert_eq!(to_singleton(&[]), Ok(request("/")));
}

#[test]
fn keys_that_all_steps_have_are_global_and_others_scoped() {
    let steps = [
        Message::from([("x", "1")]).into(),
        request("a").with("x", "1").with("n", 5).into(),
        request("b").with("x", "1").with("l", Value::from_iter([1.into()])).into(),
    ];
    let expected = request("/a/b").with("x", "1").with("1.n+integer", "5");
    let expected = expected.with("2.l", Value::from_iter([1.into()]));
    assert_eq!(to_singleton(&steps), Ok(expected));
}

#[test]
fn a_loaded_as_message_has_its_keys_in_its_segment() {
    let steps = [
        read_as("d@1.0", request(ID).with("k", "a/b").with("n", 5).with("t", true)),
        request("now").with("h", "1").into(),
    ];
    let expected = request(&format!("/{ID}~d@1.0&k=%22a/b%22&n+integer=5&t/now")).with("1.h", "1");
    assert_eq!(to_singleton(&steps), Ok(expected));
}

#[test]
fn a_key_with_a_dot_is_a_param() {
    let steps = [base(), request("a").with("x.y", "1").into()];
    assert_eq!(to_singleton(&steps), Ok(request("/a&x.y=1")));
}

#[test]
fn sub_paths_hold_their_keys_in_their_query() {
    let inner: SubPath =
        [Message::from([("b", "7 %")]).into(), request("b").with("b", "7 %").into()]
            .into_iter()
            .collect();
    let mut pending = Request::from(request("a"));
    pending.set("k".into(), Entry::SubPath(inner.clone()));
    let steps = [base(), Step::Request(pending), Step::SubPath(inner)];
    let expected = request("/a/(b?b=7%252520%252525)").with("1.k+resolve", "/b?b=7%2520%2525");
    assert_eq!(to_singleton(&steps), Ok(expected));
}

#[test]
fn a_key_that_looks_like_something_else_is_still_a_key() {
    let steps = [base(), request(ID).into(), request("(b)").into()];
    assert_eq!(to_singleton(&steps), Ok(request(&format!("/{ID}&/(b)&"))));
}

#[test]
fn what_would_be_read_differently_is_refused() {
    let refused = |steps: &[Step], step| match to_singleton(steps) {
        Err(PathError::Unwritable { step: found, .. }) => assert_eq!(found, step, "{steps:?}"),
        other => panic!("{steps:?}: {other:?}"),
    };
    refused(&[Message::from([("x", "1")]).into()], 0);
    refused(&[base(), Message::from([("x", "1")]).into()], 1);
    refused(&[base(), request("a/b").into()], 1);
    refused(&[base(), request("a").into(), request("b~d").into()], 2);
    refused(&[base(), request("a").with("content-digest", "x").into()], 1);
    refused(&[base(), request("a").with("k\"", "x").with("x.y", Message::new()).into()], 1);
    refused(&[Message::from([("x.y", "1")]).into(), request("a").into()], 0);
}

#[test]
fn steps_past_the_limits_are_refused() {
    let deep = (0..=MAX_SUB_PATH_DEPTH).fold(base(), |step, _| Step::SubPath([step].into()));
    assert_eq!(to_singleton(&[deep]), Err(PathError::TooDeep));
    let long = "x".repeat(600);
    let error = to_singleton(&[base(), request(&long).into()]);
    assert!(matches!(error, Err(PathError::SegmentTooLong { .. })), "{error:?}");
}

fn values() -> impl Strategy<Value = Value> {
    prop_oneof![
        "\\PC{0,12}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        "[a-z]{1,8}".prop_map(|name| Atom::new(name).into()),
        prop::collection::vec(any::<i64>().prop_map(Value::from), 0..3)
            .prop_map(|values| values.into_iter().collect()),
    ]
}

fn keys() -> impl Strategy<Value = Message> {
    prop::collection::btree_map("[a-oA-Z][a-z-]{0,5}", values(), 0..5)
        .prop_map(|entries| entries.into_iter().collect())
}

fn later_steps() -> impl Strategy<Value = Step> {
    let path = "[a-zA-Z][a-z0-9_-]{0,8}";
    let requests = (path, keys()).prop_map(|(path, keys)| keys.with("path", path).into());
    let devices = ("[a-z]{1,6}@[0-9]\\.[0-9]", prop::option::of(path), keys());
    prop_oneof![
        4 => requests,
        1 => Just(Step::Id(ID.into())),
        1 => devices.prop_map(|(device, path, mut keys)| {
            keys.extend(path.map(|path| (PATH, path)));
            read_as(&device, keys)
        }),
    ]
}

fn plain_steps() -> impl Strategy<Value = Vec<Step>> {
    (keys(), keys(), prop::collection::vec(later_steps(), 1..6)).prop_map(
        |(own, global, mut steps)| {
            if matches!(steps.first(), Some(Step::Request(_))) {
                steps.insert(0, own.into());
            }
            for step in &mut steps {
                if let Step::Request(request) | Step::As { request, .. } = step {
                    request.message.extend(global.clone());
                }
            }
            steps
        },
    )
}

proptest! {
    #[test]
    fn plain_steps_come_back(steps in plain_steps()) {
        prop_assert_eq!(parse(&to_singleton(&steps).unwrap()), Ok(steps));
    }

    #[test]
    fn what_was_parsed_is_written_and_comes_back_or_is_refused(path in "[a-c/()~&+=?.\" %]{0,40}") {
        let Ok(steps) = parse(&request(&path)) else { return Ok(()) };
        if let Ok(written) = to_singleton(&steps) {
            prop_assert_eq!(parse(&written), Ok(steps));
        }
    }
}
