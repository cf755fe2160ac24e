use std::fmt::Write;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::limits::{MAX_SEGMENT_LENGTH, MAX_SEGMENT_PARAMS, MAX_SEGMENTS};

const ID: &str = "a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s";

fn singleton(path: &str) -> Message {
    Message::from([("path", path)])
}

fn steps(path: &str) -> Vec<Step> {
    parse(&singleton(path)).unwrap()
}

fn error(path: &str) -> PathError {
    parse(&singleton(path)).unwrap_err()
}

fn base() -> Step {
    Message::new().into()
}

fn key(path: &str) -> Step {
    singleton(path).into()
}

fn id() -> Step {
    Step::Id(ID.into())
}

fn read_as(device: &str, request: Message) -> Step {
    Step::As { device: device.to_owned().into(), request: request.into() }
}

fn sub_path(steps: impl IntoIterator<Item = Step>) -> Step {
    Step::SubPath(steps.into_iter().collect())
}

/// A request with sub-paths among its values.
fn pending<const N: usize>(message: Message, paths: [(&str, Vec<Step>); N]) -> Step {
    let pending = paths.map(|(key, steps)| (key.into(), steps.into()));
    Step::Request(Request { message, pending: pending.into() })
}

#[test]
fn a_key_is_a_request_on_an_empty_base() {
    assert_eq!(steps("/a"), [base(), key("a")]);
    assert_eq!(steps("//a//"), [base(), key("a")]);
    assert_eq!(steps("a/b"), [base(), key("a"), key("b")]);
}

#[test]
fn a_path_without_a_segment_has_no_steps() {
    for path in ["", "/", "//", "?x=1", "/?x=1"] {
        assert_eq!(steps(path), [], "{path}");
    }
    assert_eq!(parse(&Message::from([("a", "1")])), Ok(vec![]));
}

#[test]
fn a_segment_of_an_ids_length_is_an_id_whatever_it_holds() {
    assert_eq!(steps(&format!("/{ID}/a")), [id(), key("a")]);
    assert_eq!(steps(&format!("/a/{ID}")), [base(), key("a"), id()]);
    let address = "0x".to_owned() + &"a".repeat(40);
    assert_eq!(steps(&address), [Step::Id(address.into())]);
    let odd = "a&x=".to_owned() + &"b".repeat(39);
    assert_eq!(steps(&odd), [Step::Id(odd.into())]);
    let key_with_param = singleton(ID).with("x", "1").into();
    assert_eq!(steps(&format!("/{ID}&x=1")), [base(), key_with_param], "46 bytes");
}

#[test]
fn params_hold_values_flags_and_types() {
    let message = singleton("a").with("x", "1").with("y", true).with("n", 5).with("ff", 2.5);
    assert_eq!(steps("/a&x=1&&y&n+integer=5&ff float=2.5"), [base(), message.into()]);
    assert_eq!(steps("/a&k+integer"), [base(), singleton("a").with("k+integer", true).into()]);
    assert_eq!(steps("/a&x=1&x+integer=2"), [base(), singleton("a").with("x", 2).into()]);
    assert_eq!(steps("/a&x+integer=2&x=1"), [base(), singleton("a").with("x", "1").into()]);
}

#[test]
fn a_value_behind_the_key_is_a_param_of_that_name() {
    assert_eq!(steps("/b=4"), [base(), singleton("b").with("b", "4").into()]);
    let typed = singleton("b").with("b", 4).with("c", "5");
    assert_eq!(steps("/b+integer=4&c=5/d"), [base(), typed.into(), key("d")]);
}

#[test]
fn types_are_known_in_any_case_and_others_are_errors() {
    assert_eq!(steps("/a+Integer=4"), [base(), singleton("a").with("a", 4).into()]);
    for path in ["/a+int=5", "/a+=5", "/a+binary=5", "/a+float=x", "/a+integer= 5", "/a?x+=1"] {
        assert!(matches!(error(path), PathError::Type { .. }), "{path}");
    }
}

#[test]
fn an_integer_that_is_another_value_is_dropped_with_what_it_overrides() {
    assert_eq!(steps("/a?x+integer=abc&x=1"), [base(), key("a")]);
    let message = singleton("/a&x+integer=1.5").with("x", "1");
    assert_eq!(parse(&message).unwrap(), [Message::from([("x", "1")]).into(), key("a")]);
}

#[test]
fn quotes_hide_separators() {
    assert_eq!(steps("a=\"x/y\""), [base(), singleton("a").with("a", "x/y").into()]);
    assert_eq!(steps("/a&x=\"?&~+ \""), [base(), singleton("a").with("x", "?&~+ ").into()]);
    assert_eq!(steps("/\"b/c\""), [base(), key("\"b/c\"")]);
    assert_eq!(steps("/a&x=y\""), [base(), singleton("a").with("x", "y\"\"").into()]);
    assert_eq!(steps("/a&x=\"y/b?c=d"), [base(), singleton("a").with("x", "y/b?c=d").into()]);
}

#[test]
fn decoding_comes_before_splitting() {
    assert_eq!(steps("/a%2fb%3fx=1&y=%252b").len(), 3);
    let expected = Message::from([("x", "1"), ("y", "+")]);
    assert_eq!(steps("/a%3fx=1&y=%252b").first(), Some(&expected.into()));
    assert_eq!(error("/%zz"), PathError::Percent { at: 1, part: "path" });
    assert_eq!(error("/a?x=%25"), PathError::Percent { at: 2, part: "query" });
}

#[test]
fn a_space_before_the_modifiers_is_an_error_and_later_ones_are_kept() {
    assert_eq!(error("/x/a%20b"), PathError::Space { at: 4 });
    assert_eq!(steps("/a&x=a b"), [base(), singleton("a").with("x", "a b").into()]);
}

#[test]
fn a_device_makes_an_as_message() {
    let device = |request| read_as("message@1.0", request);
    assert_eq!(steps("/~message@1.0&x=1/y"), [device(Message::from([("x", "1")])), key("y")]);
    assert_eq!(steps("/a~message@1.0"), [device(singleton("a"))]);
    assert_eq!(
        steps("/a/~d@1.0&k=v/z"),
        [base(), key("a"), read_as("d@1.0", Message::from([("k", "v")])), key("z")]
    );
    assert_eq!(steps("/a&b=1~d"), [base(), singleton("a").with("b", "1~d").into()]);
    assert_eq!(steps("/a~d=5"), [read_as("d=5", singleton("a"))]);
}

#[test]
fn global_keys_reach_every_message_but_the_loaded_ones() {
    let message = singleton(&format!("/{ID}~d@1.0&k=v/a/{ID}/~e")).with("g", "1");
    let expected = [
        read_as("d@1.0", singleton(ID).with("k", "v")),
        singleton("a").with("g", "1").into(),
        id(),
        read_as("e", Message::from([("g", "1")])),
    ];
    assert_eq!(parse(&message).unwrap(), expected);
}

#[test]
fn inline_beats_scoped_beats_global() {
    let message = singleton("/x/y&k=inline").with("k", "global");
    let message = message.with("2.k", "s2").with("1.k", "s1");
    let expected = [
        Message::from([("k", "global")]).into(),
        singleton("x").with("k", "s1").into(),
        singleton("y").with("k", "inline").into(),
    ];
    assert_eq!(parse(&message).unwrap(), expected);
}

#[test]
fn scoped_keys_belong_to_the_step_of_their_number() {
    let message = singleton("/~message@1.0&x=1/x").with("0.x", "5").with("0.y", "6");
    let base = read_as("message@1.0", Message::from([("x", "1"), ("y", "6")]));
    let steps = parse(&message.with("1.z", "7").with("9.z", "8")).unwrap();
    assert_eq!(steps, [base, singleton("x").with("z", "7").into()]);

    let message = singleton(&format!("/{ID}/x")).with("0.x", "5").with("g", "7");
    let steps = parse(&message.with("1.x+integer", "6")).unwrap();
    assert_eq!(steps, [id(), singleton("x").with("x", 6).with("g", "7").into()]);
}

#[test]
fn typed_beats_untyped_and_a_query_beats_headers() {
    let message = singleton("/a?y=q").with("x+integer", "5").with("x", "6").with("y", "h");
    let expected = Message::from([("y", "q")]).with("x", 5);
    assert_eq!(parse(&message).unwrap().first(), Some(&expected.into()));
}

#[test]
fn only_text_has_a_type_suffix() {
    let message = singleton("/a").with("x+integer", 5);
    assert_eq!(parse(&message), Err(PathError::TypedValue { key: "x".into() }));
    assert_eq!(error("/a&x+integer=(b)"), PathError::TypedValue { key: "x".into() });
    assert_eq!(parse(&Message::from([("path", 5)])), Err(PathError::NotText));
}

#[test]
fn sub_paths_are_steps_and_see_no_keys() {
    let message = singleton("/(a?x=1)/b/()/((c))").with("g", "1");
    let inner = [Message::from([("x", "1")]).into(), singleton("a").with("x", "1").into()];
    let expected = [
        sub_path(inner),
        singleton("b").with("g", "1").into(),
        sub_path([]),
        sub_path([sub_path([base(), key("c")])]),
    ];
    assert_eq!(parse(&message).unwrap(), expected);
}

#[test]
fn sub_paths_as_values_are_pending() {
    let sub = || vec![base(), key("b"), key("c")];
    let inline = steps("/a&k=(b/c)");
    assert_eq!(inline, [base(), pending(singleton("a"), [("k", sub())])]);
    let global = steps("/a?k+resolve=/b/c");
    let expected =
        [pending(Message::new(), [("k", sub())]), pending(singleton("a"), [("k", sub())])];
    assert_eq!(global, expected);
    assert_eq!(steps("/a&k+resolve=\"b/c\""), inline);
    let overridden = singleton("/a&k=v").with("1.k+resolve", "/b");
    assert_eq!(parse(&overridden).unwrap(), steps("/a&k=v"));
}

#[test]
fn parentheses_that_are_not_the_whole_segment_are_part_of_the_key() {
    assert_eq!(steps("/(a)&k=v"), [base(), singleton("(a)").with("k", "v").into()]);
    assert_eq!(steps("/(a"), [base(), key("(a")]);
    assert_eq!(steps("/a)"), [base(), key("a)")]);
    assert_eq!(steps("/(a)(b)"), [sub_path([base(), key("a)(b")])]);
}

#[test]
fn an_error_in_a_sub_path_says_where_it_is() {
    let source = Box::new(PathError::Space { at: 1 });
    assert_eq!(error("/a/(b c)"), PathError::SubPath { at: 3, source: source.clone() });
    assert_eq!(error("/a?k+resolve=b c"), PathError::KeySubPath { key: "k".into(), source });
}

#[test]
fn ao_types_give_a_steps_values_their_types() {
    let message = singleton("/a&y=6").with("ao-types", "x=\"integer\", y=\"integer\"");
    let message = message.with("x", "5").with("m", Message::new());
    let expected = Message::new().with("x", 5).with("m", Message::new());
    let expected = [expected.clone().into(), expected.with("path", "a").with("y", 6).into()];
    assert_eq!(parse(&message).unwrap(), expected);
    let message = singleton("/a").with("ao-types", "x=\"integer\"").with("x", "y");
    assert!(matches!(parse(&message), Err(PathError::Annotations { .. })));
}

#[test]
fn the_private_part_goes_with_the_messages() {
    let mut message = singleton("/a").with("x", "1");
    message.set_private("cookie", "c");
    for step in parse(&message).unwrap() {
        let Step::Request(request) = step else { panic!("{step:?}") };
        assert_eq!(request.message.private("cookie"), Some(&"c".into()));
    }
}

#[test]
fn global_keys_are_shared_by_the_steps() {
    let message = singleton("/a/b").with("k", "x".repeat(1_000_000));
    let pointers: Vec<_> = parse(&message)
        .unwrap()
        .into_iter()
        .map(|step| match step {
            Step::Request(request) => {
                request.message.get("k").unwrap().as_bytes().unwrap().as_ptr()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(pointers.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_path_past_a_limit_is_refused() {
    let longest = "x".repeat(MAX_SEGMENT_LENGTH);
    assert_eq!(steps(&longest), [base(), key(&longest)]);
    let too_long = PathError::SegmentTooLong { at: 1, length: MAX_SEGMENT_LENGTH + 1 };
    assert_eq!(error(&format!("/{longest}x")), too_long);

    let many = "/a".repeat(MAX_SEGMENTS);
    assert_eq!(steps(&many).len(), MAX_SEGMENTS + 1);
    assert_eq!(error(&(many + "/a")), PathError::TooManySegments);

    let long = "?".to_owned() + &"x".repeat(MAX_PATH_LENGTH - 1);
    assert_eq!(steps(&long), []);
    assert_eq!(error(&(long + "x")), PathError::TooLong { length: MAX_PATH_LENGTH + 1 });
}

#[test]
fn a_segment_has_no_more_params_than_fit() {
    let path: String = (0..MAX_SEGMENT_PARAMS).fold(String::new(), |mut path, number| {
        path.push('&');
        path.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        path
    });
    assert_eq!(path.len(), MAX_SEGMENT_LENGTH);
    assert_eq!(steps(&path).len(), 2);
    assert!(matches!(error(&(path + "&")), PathError::SegmentTooLong { .. }));
}

#[test]
fn sub_paths_are_nested_to_a_limit() {
    // Four bytes a level around one, so that no level has an id's length.
    let nested = |depth| format!("{}a{}", "(b/".repeat(depth), ")".repeat(depth));
    assert_eq!(steps(&nested(MAX_SUB_PATH_DEPTH)).len(), 1);
    let error = error(&nested(MAX_SUB_PATH_DEPTH + 1));
    assert_eq!(innermost(&error), &PathError::TooDeep);
}

#[test]
fn ten_thousand_parentheses_are_a_clean_error() {
    let nested = "(".repeat(10_000) + &")".repeat(10_000);
    assert!(matches!(error(&nested), PathError::SegmentTooLong { .. }));
    let message = singleton("/a").with("x+resolve", nested);
    assert!(matches!(parse(&message), Err(PathError::KeySubPath { .. })));
}

/// The error in the innermost sub-path.
fn innermost(error: &PathError) -> &PathError {
    match error {
        PathError::SubPath { source, .. } | PathError::KeySubPath { source, .. } => {
            innermost(source)
        }
        other => other,
    }
}

#[test]
fn many_headers_on_many_segments_are_refused() {
    let mut message = singleton(&"/a".repeat(MAX_SEGMENT_LENGTH));
    message.extend((0..1000).map(|number| (format!("h{number}"), "v")));
    assert_eq!(parse(&message), Err(PathError::TooManyKeys));
}

#[test]
fn sub_paths_that_every_step_shares_count_in_every_step() {
    // Each level's two steps hold the next level: 2 to the 30 evaluations of the last.
    let path = (0..30).fold("/a".to_owned(), |path, _| format!("/a?x+resolve={path}"));
    assert_eq!(innermost(&error(&path)), &PathError::TooManyKeys);
}

#[test]
fn hostile_paths_take_time_in_proportion_to_their_length() {
    let open = ["(", "\"", "(\"", "\"\\", "%28", "&", "~", "/(", "=", "+", "%22", "?"];
    let start = Instant::now();
    for text in open {
        let path = text.repeat(MAX_PATH_LENGTH / text.len());
        let _ = parse(&singleton(&path));
        let mut keys = singleton("/a");
        keys.extend((0..100).map(|number| (format!("k{number}+resolve"), path.as_str())));
        let _ = parse(&keys);
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(path in "\\PC{0,200}", name in "\\PC{0,20}", value in "\\PC{0,80}") {
        let _ = parse(&singleton(&path).with(name, value));
    }

    #[test]
    fn no_text_of_separators_makes_it_panic(path in "[ab1/()~&+=?.\"\\\\ %]{0,200}") {
        let mut keys = String::new();
        write!(keys, "{path}+resolve").unwrap();
        let _ = parse(&singleton(&path).with("k+resolve", path.as_str()).with(keys, "a"));
    }

    #[test]
    fn no_bytes_make_it_panic(path in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&Message::from([("path", path)]));
    }

    #[test]
    fn simple_keys_are_as_many_steps_as_segments(keys in prop::collection::vec("[a-z]{1,20}", 1..50)) {
        let expected = std::iter::once(base()).chain(keys.iter().map(|path| key(path)));
        prop_assert_eq!(steps(&keys.join("/")), expected.collect::<Vec<_>>());
    }
}
