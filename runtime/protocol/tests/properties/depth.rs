//! What lies deeper than anything may: every reader and writer refuses it, and none runs out of stack.

use std::collections::BTreeMap;

use bytes::Bytes;
use oxbeam_protocol::ans104::{Bundle, BundleError, BundleForm, Entry, Item, Tag};
use oxbeam_protocol::codec::{
    Ans104, DecodeError, EncodeError, Flat, HttpMessage, HttpSig, Json, Links, Structured,
};
use oxbeam_protocol::commitment::{
    COMMITMENTS, CommitError, CommitRequest, VerifyError, commit, full_id, signed_id, unsigned_id,
    verify_all,
};
use oxbeam_protocol::limits::{MAX_BUNDLE_DEPTH, MAX_DEPTH, MAX_KEY_LENGTH, MAX_SUB_PATH_DEPTH};
use oxbeam_protocol::path::{PathError, Step, parse, to_singleton};
use oxbeam_protocol::{Id, Key, Message, NoContent, SetError, Value, structured_field};

use super::support::secp256k1;

const EMBED: Links<'static> = Links::Embed(&NoContent);
/// Far past every limit, and past what a thread's stack holds one call for each of.
const FAR: usize = 10_000;

/// A message of this many messages, each within the one before.
fn nested(depth: usize) -> Value {
    let inmost = Message::from([("k", "v")]);
    (1..depth).fold(inmost, |child, _| Message::new().with("k", child)).into()
}

/// The same of lists.
fn nested_lists(depth: usize) -> Value {
    (1..depth).fold(Value::from_iter([Value::from("v")]), |child, _| Value::from_iter([child]))
}

fn map(value: Value) -> Message {
    match value {
        Value::Map(map) => map,
        other => panic!("not a map: {other:?}"),
    }
}

fn http(name: &str) -> HttpMessage {
    let body = format!("--b\r\ncontent-disposition: form-data;name=\"{name}\"\r\n\r\nv\r\n--b--");
    let mut http: HttpMessage =
        [("content-type", "multipart/form-data; boundary=\"b\"")].into_iter().collect();
    http.body = Some(body.into());
    http
}

fn flat(path: String) -> Result<Message, DecodeError> {
    Flat::decode(&BTreeMap::from([(Key::from(path), Bytes::from("v"))]))
}

#[test]
fn a_message_as_deep_as_the_limit_reads_back_in_every_form_and_one_deeper_is_refused() {
    for make in [nested, nested_lists] {
        let (last, over) = (make(MAX_DEPTH), make(MAX_DEPTH + 1));
        let structured = Structured { links: EMBED };
        let tabm = structured.encode(&last).unwrap();
        assert_eq!(Structured::decode(&tabm), Ok(last.clone()));
        assert_eq!(structured.encode(&over), Err(EncodeError::TooDeep));
        let text = Json { links: EMBED }.encode(&last).unwrap();
        assert_eq!(Json::decode(&text.into()), Ok(last.clone()));
        assert_eq!(Json { links: EMBED }.encode(&over), Err(EncodeError::TooDeep));
        assert_eq!(unsigned_id(&over), Err(EncodeError::TooDeep));
        let (last, over) = (make(MAX_BUNDLE_DEPTH), make(MAX_BUNDLE_DEPTH + 1));
        let item = Ans104 { links: EMBED }.encode(&last).unwrap();
        assert_eq!(Ans104::decode(&item), Ok(last));
        assert_eq!(Ans104 { links: EMBED }.encode(&over), Err(EncodeError::TooDeep));
    }
    let (last, over) = (nested(MAX_DEPTH), nested(MAX_DEPTH + 1));
    let paths = Flat::encode(last.as_map().unwrap()).unwrap();
    assert_eq!(Flat::decode(&paths), Ok(map(last.clone())));
    assert_eq!(Flat::encode(over.as_map().unwrap()), Err(EncodeError::TooDeep));
    let http = HttpSig { links: EMBED }.encode(&last).unwrap();
    assert_eq!(HttpSig::decode(&http), Ok(last));
    assert_eq!(HttpSig { links: EMBED }.encode(&over), Err(EncodeError::TooDeep));
}

#[test]
fn json_as_deep_as_the_limit_is_read_and_deeper_is_refused() {
    let arrays = |depth: usize| Bytes::from("[".repeat(depth) + &"]".repeat(depth));
    let objects =
        |depth: usize| Bytes::from("{\"a\":".repeat(depth) + "\"v\"" + &"}".repeat(depth));
    assert!(Json::decode(&arrays(MAX_DEPTH)).is_ok());
    assert!(Json::decode(&objects(MAX_DEPTH)).is_ok());
    for depth in [MAX_DEPTH + 1, FAR] {
        assert_eq!(Json::decode(&arrays(depth)), Err(DecodeError::TooDeep));
        assert_eq!(Json::decode(&objects(depth)), Err(DecodeError::TooDeep));
    }
    assert_eq!(Json::decode(&Bytes::from("[".repeat(FAR))), Err(DecodeError::TooDeep));
}

#[test]
fn written_messages_deeper_than_the_limit_are_not_read() {
    for make in [nested, nested_lists] {
        for depth in [MAX_DEPTH + 1, FAR] {
            assert_eq!(Structured::decode(&make(depth)), Err(DecodeError::TooDeep));
        }
    }
}

#[test]
fn paths_as_deep_as_the_limit_are_read_and_deeper_are_refused() {
    let path = |depth: usize| vec!["a"; depth].join("/");
    assert!(flat(path(MAX_DEPTH)).is_ok());
    assert_eq!(flat(path(MAX_DEPTH + 1)), Err(DecodeError::TooDeep));
    assert_eq!(flat(path(MAX_KEY_LENGTH / 2)), Err(DecodeError::TooDeep));
    assert_eq!(flat(path(FAR)), Err(DecodeError::KeyTooLong { length: 2 * FAR - 1 }));
    let text = |depth: usize| Flat::decode_text(&Bytes::from(path(depth) + ": v\n"));
    assert!(text(MAX_DEPTH).is_ok());
    assert_eq!(text(MAX_DEPTH + 1), Err(DecodeError::TooDeep));
    assert_eq!(text(FAR), Err(DecodeError::KeyTooLong { length: 2 * FAR - 1 }));
}

#[test]
fn parts_as_deep_as_the_limit_are_read_and_deeper_are_refused() {
    let name = |depth: usize| vec!["a"; depth].join("/");
    assert!(HttpSig::decode(&http(&name(MAX_DEPTH))).is_ok());
    assert_eq!(HttpSig::decode(&http(&name(MAX_DEPTH + 1))), Err(DecodeError::TooDeep));
    assert_eq!(HttpSig::decode(&http(&name(MAX_KEY_LENGTH / 2))), Err(DecodeError::TooDeep));
    let too_long = DecodeError::KeyTooLong { length: 2 * FAR - 1 };
    assert_eq!(HttpSig::decode(&http(&name(FAR))), Err(too_long));
}

/// An item of this many items, each in the bundle of the one before under the key `k`.
fn nested_items(depth: usize) -> Bytes {
    let inmost = Item { tags: vec![Tag::new("k", "v")], ..Item::default() };
    let around = |item: Item| {
        let inner = Entry::new(BundleForm::Reference, &item).unwrap();
        let manifest =
            Item { data: format!("{{\"k\":\"{}\"}}", inner.id).into(), ..Item::default() };
        let manifest = Entry::new(BundleForm::Reference, &manifest).unwrap();
        let tags = [
            ("bundle-format", "binary".to_owned()),
            ("bundle-version", "2.0.0".to_owned()),
            ("bundle-map", manifest.id.to_string()),
        ];
        let tags = tags.map(|(name, value)| Tag::new(name, value)).to_vec();
        let bundle = Bundle { entries: vec![manifest, inner] };
        Item { tags, data: bundle.to_bytes(BundleForm::Reference), ..Item::default() }
    };
    (1..depth).fold(inmost, |item, _| around(item)).to_bytes().unwrap()
}

#[test]
fn bundles_as_deep_as_the_limit_are_read_and_deeper_are_refused() {
    assert_eq!(Ans104::decode(&nested_items(MAX_BUNDLE_DEPTH)), Ok(nested(MAX_BUNDLE_DEPTH)));
    assert_eq!(Ans104::decode(&nested_items(MAX_BUNDLE_DEPTH + 1)), Err(DecodeError::TooDeep));
    assert_eq!(Ans104::decode(&nested_items(3 * MAX_BUNDLE_DEPTH)), Err(DecodeError::TooDeep));
}

#[test]
fn an_item_counts_once_for_each_place_that_a_bundle_has_for_it() {
    // Two keys for one item, level by level, would double the work at each.
    let inmost = Item { tags: vec![Tag::new("k", "v")], ..Item::default() };
    let around = |item: Item, copies: usize| {
        let inner = Entry::new(BundleForm::Reference, &item).unwrap();
        let keys = format!("{{\"a\":\"{0}\",\"b\":\"{0}\"}}", inner.id);
        let manifest = Item { data: keys.into(), ..Item::default() };
        let manifest = Entry::new(BundleForm::Reference, &manifest).unwrap();
        let tags = [
            ("bundle-format", "binary".to_owned()),
            ("bundle-version", "2.0.0".to_owned()),
            ("bundle-map", manifest.id.to_string()),
        ];
        let tags = tags.map(|(name, value)| Tag::new(name, value)).to_vec();
        let entries = [vec![manifest], vec![inner; copies]].concat();
        Item { tags, data: Bundle { entries }.to_bytes(BundleForm::Reference), ..Item::default() }
    };
    let twice = around(inmost.clone(), 2);
    let child = Message::from([("k", "v")]);
    let expected = Message::from([("a", child.clone()), ("b", child)]);
    assert_eq!(Ans104::decode_item(&twice), Ok(expected.into()));
    let bomb = (1..MAX_BUNDLE_DEPTH).fold(inmost, |item, _| around(item, 1));
    assert!(matches!(Ans104::decode_item(&bomb), Err(DecodeError::NotAMessage(_))));
}

#[test]
fn bundles_far_past_the_limit_are_refused_at_the_first_item() {
    // Each id is the hash of all that lies within, so that nobody can make such a bundle in earnest.
    let mut data = Vec::new();
    for _ in 0..FAR {
        let mut head = [0; 32];
        head[31] = 1;
        data.extend_from_slice(&head);
        data.extend_from_slice(&[0; 64]);
    }
    let tags = [("bundle-format", "binary"), ("bundle-version", "2.0.0")];
    let mut tags: Vec<Tag> = tags.map(|(name, value)| Tag::new(name, value)).to_vec();
    tags.push(Tag::new("bundle-map", Id::of(b"").to_string()));
    let item = Item { tags, data: data.into(), ..Item::default() }.to_bytes().unwrap();
    let found = Ans104::decode(&item);
    assert!(matches!(found, Err(DecodeError::Bundle(BundleError::Trailing { .. }))), "{found:?}");
}

#[test]
fn parentheses_in_a_path_as_deep_as_the_limit_are_read_and_deeper_are_refused() {
    // A segment as long as an id would be one, whatever it holds.
    let longer_than_an_id = "a".repeat(44);
    let path =
        |depth: usize| format!("/{}{longer_than_an_id}{}", "(".repeat(depth), ")".repeat(depth));
    let request = |path: String| Message::from([("path", path)]);
    assert!(parse(&request(path(MAX_SUB_PATH_DEPTH))).is_ok());
    let innermost = |mut error: PathError| loop {
        match error {
            PathError::SubPath { source, .. } | PathError::KeySubPath { source, .. } => {
                error = *source
            }
            other => return other,
        }
    };
    for depth in [MAX_SUB_PATH_DEPTH + 1, 200] {
        let error = parse(&request(path(depth))).unwrap_err();
        assert_eq!(innermost(error), PathError::TooDeep, "{depth}");
    }
    let error = parse(&request(path(FAR))).unwrap_err();
    assert_eq!(error, PathError::SegmentTooLong { at: 1, length: 2 * FAR + 44 });
    let open = parse(&request("(".repeat(FAR))).unwrap_err();
    assert_eq!(open, PathError::SegmentTooLong { at: 0, length: FAR });
    for depth in [MAX_SUB_PATH_DEPTH + 1, FAR] {
        let key = Message::from([("path", "/a".to_owned()), ("k+resolve", path(depth))]);
        let error = innermost(parse(&key).unwrap_err());
        assert!(
            matches!(error, PathError::TooDeep | PathError::SegmentTooLong { .. }),
            "{error:?}"
        );
    }
}

#[test]
fn steps_deeper_than_the_limit_are_not_written() {
    let base = || Step::from(Message::from([("path", "a")]));
    let steps = (0..MAX_SUB_PATH_DEPTH + 1).fold(base(), |step, _| Step::SubPath([step].into()));
    assert_eq!(to_singleton(&[steps]), Err(PathError::TooDeep));
}

#[test]
fn inner_lists_have_no_inner_lists() {
    for text in ["(".repeat(FAR), "k=".to_owned() + &"(".repeat(FAR)] {
        let text = Bytes::from(text);
        assert!(structured_field::list(&text).is_err());
        assert!(structured_field::dictionary(&text).is_err());
        assert!(structured_field::item(&text).is_err());
    }
}

#[test]
fn a_change_deeper_than_the_limit_is_refused_and_says_where() {
    let set =
        |depth: usize| Message::new().set(&Message::from([(vec!["k"; depth].join("/"), "v")]));
    assert!(set(MAX_DEPTH).is_ok());
    for depth in [MAX_DEPTH + 1, FAR] {
        assert_eq!(set(depth), Err(SetError::TooDeep { key: "k".into() }));
    }
}

#[test]
fn a_change_to_a_value_that_is_itself_deep_is_refused() {
    let request = |prefix: &str, depth| Message::new().with(format!("{prefix}a"), nested(depth));
    assert!(Message::new().set(&request("", MAX_DEPTH - 1)).is_ok());
    let too_deep = Err(SetError::TooDeep { key: "a".into() });
    assert_eq!(Message::new().set(&request("", MAX_DEPTH)), too_deep);
    assert_eq!(Message::new().set(&request("b/", MAX_DEPTH - 1)), too_deep);
    assert_eq!(Message::new().set(&request("", FAR)), too_deep);
    let base = Message::new().with("a", Message::new());
    let merged = base.set(&request("", FAR));
    assert!(matches!(merged, Err(SetError::TooDeep { .. })), "merged into a map");
}

#[test]
fn no_writer_overflows_on_a_message_that_was_built_too_deep() {
    for deep in [nested(FAR), nested_lists(FAR)] {
        assert_eq!(Structured { links: EMBED }.encode(&deep), Err(EncodeError::TooDeep));
        assert_eq!(Structured { links: Links::Discard }.encode(&deep), Err(EncodeError::TooDeep));
        assert_eq!(HttpSig { links: EMBED }.encode(&deep), Err(EncodeError::TooDeep));
        assert_eq!(Json { links: EMBED }.encode(&deep), Err(EncodeError::TooDeep));
        assert_eq!(Ans104 { links: EMBED }.encode(&deep), Err(EncodeError::TooDeep));
        assert_eq!(Flat::encode_text(&deep, EMBED), Err(EncodeError::TooDeep));
        for id in [unsigned_id, signed_id, full_id] {
            assert_eq!(id(&deep), Err(EncodeError::TooDeep));
        }
        let message = Message::new().with("k", deep);
        let signed = commit(&message, &CommitRequest::default(), secp256k1(), &NoContent);
        assert_eq!(signed.unwrap_err(), CommitError::Encode(EncodeError::TooDeep));
        assert_eq!(verify_all(&message, &NoContent), Err(VerifyError::TooDeep));
    }
    assert_eq!(Flat::encode(&map(nested(FAR))), Err(EncodeError::TooDeep));
}

#[test]
fn commitments_that_were_built_too_deep_are_refused_where_they_are_written() {
    let message = Message::new().with("k", "v").with(COMMITMENTS, nested(FAR));
    assert_eq!(Json { links: EMBED }.encode(&message.clone().into()), Err(EncodeError::TooDeep));
    let nested = Message::new().with("child", message);
    assert_eq!(HttpSig { links: EMBED }.encode(&nested.into()), Err(EncodeError::TooDeep));
}

#[test]
fn a_message_of_any_depth_can_be_dropped() {
    drop(nested(20 * FAR));
    drop(nested_lists(20 * FAR));
    let alternating = (0..20 * FAR).fold(Value::from("v"), |child, at| match at % 2 {
        0 => Message::from([("k", child), ("l", "w".into())]).into(),
        _ => Value::from_iter([child, "w".into()]),
    });
    drop(alternating.clone());
    drop(alternating);
    let mut private = Message::new();
    for _ in 0..20 * FAR {
        let mut outer = Message::new();
        outer.set_private("inner", private);
        private = outer;
    }
    drop(private);
}
