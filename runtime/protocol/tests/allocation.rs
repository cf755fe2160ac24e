//! Hostile inputs cost memory in proportion to their size, and nesting costs no stack: what is past
//! a limit is an error.
//!
//! The whole heap is counted, so that the tests of this file take turns.

#![expect(clippy::unwrap_used, reason = "what helps tests may fail as they do")]

use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use oxbeam_protocol::ans104::{Bundle, BundleForm, Entry, Item, ItemError, Tag};
use oxbeam_protocol::codec::{
    Ans104, DecodeError, EncodeError, Flat, HttpMessage, HttpSig, Json, Links, Structured,
    decode_typed,
};
use oxbeam_protocol::limits::{
    MAX_BUNDLE_DEPTH, MAX_COMMITMENTS, MAX_DEPTH, MAX_PARTS, MAX_SIZE, MAX_SUB_PATH_DEPTH,
    MAX_VALUES,
};
use oxbeam_protocol::path::{self, PathError};
use oxbeam_protocol::{Key, Message, NoContent, Value, commitment, structured_field};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

static TURN: Mutex<()> = Mutex::new(());

/// Most bytes that reading may hold at once for each byte that is read. The worst case is JSON's
/// `1,`: two bytes are a number, its key, and both again in written form.
const BYTES_PER_BYTE: usize = 256;

/// Most bytes for what is limited by number, not by size. The dearest is a nested message: about a
/// kilobyte, for a moment twice.
const ALLOWANCE: usize = 2 * 1024 * MAX_PARTS;

/// How deep "too deep" is here: a parser that recursed this far would end the test.
const DEEP: usize = 10_000;

/// Runs `read` and holds its peak memory against the size of its input.
fn bounded<T>(size: usize, read: impl FnOnce() -> T) -> T {
    bounded_by(BYTES_PER_BYTE * size + ALLOWANCE, read)
}

fn bounded_by<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let answer = work();
    let peak = HEAP.peak_usage().saturating_sub(before);
    assert!(peak <= most, "{peak} bytes were held, more than {most}");
    answer
}

fn json(text: String) -> Result<Value, DecodeError> {
    let text = Bytes::from(text);
    bounded(text.len(), || Json::decode(&text))
}

fn flat(text: String) -> Result<Value, DecodeError> {
    let text = Bytes::from(text);
    bounded(text.len(), || Flat::decode_text(&text))
}

fn http(http: &HttpMessage) -> Result<Value, DecodeError> {
    let headers = http.headers.iter().map(|(key, value)| key.as_bytes().len() + value.len());
    let size = headers.sum::<usize>() + http.body.as_ref().map_or(0, Bytes::len);
    bounded(size, || HttpSig::decode(http))
}

fn ans104(item: &Item) -> Result<Value, DecodeError> {
    let bytes = item.to_bytes().unwrap();
    bounded(bytes.len(), || Ans104::decode(&bytes))
}

fn steps(path: String, keys: Message) -> Result<usize, PathError> {
    let values = keys.iter().filter_map(|(_, value)| value.as_bytes().map(Bytes::len));
    let size = path.len() + values.sum::<usize>();
    let request = keys.with("path", path);
    bounded(size, || path::parse(&request).map(|steps| steps.len()))
}

fn repeated(text: &str, times: usize, last: &str) -> String {
    text.repeat(times) + last
}

fn numbered(count: usize, write: impl Fn(usize) -> String) -> String {
    (0..count).map(write).collect()
}

/// A multipart body of the parts of these names.
fn multipart(names: impl Iterator<Item = String>) -> HttpMessage {
    let part = |name| format!("--b\r\ncontent-disposition: form-data;name=\"{name}\"\r\n\r\nx\r\n");
    let body = names.map(part).collect::<String>() + "--b--";
    let headers = [("content-type", "multipart/form-data; boundary=\"b\"")];
    HttpMessage { body: Some(body.into()), ..headers.into_iter().collect() }
}

fn ok<E: Debug>(answer: Result<impl Sized, E>) {
    assert!(answer.is_ok(), "refused: {:?}", answer.err());
}

#[test]
fn json_of_many_values_is_read_in_proportion() {
    ok(json(format!("[{}]", repeated("1,", 250_000, "1"))));
    ok(json(format!("[{}]", repeated("true,", 100_000, "null"))));
    ok(json(format!("[{}]", repeated("[],", MAX_PARTS - 2, "{}"))));
    ok(json(format!("{{{}\"x\":1}}", numbered(50_000, |number| format!("\"{number}\":1,")))));
    ok(json(format!("\"{}\"", "\\u0001".repeat(100_000))));
}

#[test]
fn json_of_more_values_than_the_limit_is_refused() {
    let more = json(format!("[{}]", repeated("1,", MAX_VALUES - 1, "1")));
    assert_eq!(more, Err(DecodeError::TooManyValues));
    let more = json(format!("[{}]", repeated("[],", MAX_PARTS, "{}")));
    assert_eq!(more, Err(DecodeError::TooManyParts));
}

#[test]
fn json_nested_too_deep_is_refused() {
    ok(json(format!("{}{}", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1))));
    let arrays = format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP));
    let objects = format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP));
    for text in [arrays, objects, "[".repeat(DEEP)] {
        assert_eq!(json(text), Err(DecodeError::TooDeep));
    }
}

#[test]
fn structured_fields_of_many_members_are_read_in_proportion() {
    for (member, last) in
        [("1,", "1"), ("a,", "a"), ("(),", "()"), (";a", ";a"), ("a ", "a)"), ("a=1,", "b")]
    {
        let start = if last == "a)" { "(" } else { "a" };
        let field = Bytes::from(format!("{start}{}", repeated(member, 200_000, last)));
        let _ = bounded(field.len(), || structured_field::list(&field));
        let _ = bounded(field.len(), || structured_field::dictionary(&field));
        for kind in ["list", "map", "atom"] {
            let _ = bounded(field.len(), || decode_typed(&"k".into(), kind.as_bytes(), &field));
        }
    }
}

#[test]
fn structured_fields_do_not_nest() {
    let field = Bytes::from("(".repeat(DEEP));
    assert_eq!(structured_field::list(&field).unwrap_err().at, 1);
    let field = Bytes::from(format!("a={}", "(".repeat(DEEP)));
    assert_eq!(structured_field::dictionary(&field).unwrap_err().at, 3);
}

#[test]
fn flat_text_of_many_keys_is_read_in_proportion() {
    ok(flat(numbered(50_000, |number| format!("{number}: \n"))));
    ok(flat(numbered(2_800, |number| format!("{}{number}: 1\n", "a/".repeat(90)))));
    ok(flat(numbered(MAX_PARTS / 99, |number| format!("{number}/{}x: 1\n", "a/".repeat(98)))));
    ok(flat(format!("a: {}\nao-types: a=\"list\"\n", repeated("1,", 250_000, "1"))));
}

#[test]
fn flat_text_of_more_values_than_the_limit_is_refused() {
    let paths =
        numbered(MAX_VALUES / 100 + 1, |number| format!("{number}/{}x: 1\n", "a/".repeat(98)));
    assert_eq!(flat(paths), Err(DecodeError::TooManyParts));
}

#[test]
fn flat_paths_nested_too_deep_are_refused() {
    let deep = |depth: usize| format!("{}: 1\n", "a/".repeat(depth));
    ok(flat(deep(MAX_DEPTH)));
    assert_eq!(flat(deep(MAX_DEPTH + 1)), Err(DecodeError::TooDeep));
    let length = 2 * DEEP;
    assert_eq!(flat(deep(DEEP)), Err(DecodeError::KeyTooLong { length }));
}

#[test]
fn bodies_of_many_parts_are_read_in_proportion_up_to_the_limit() {
    ok(http(&multipart((0..MAX_PARTS).map(|number| format!("{number:x}")))));
    let more = multipart((0..=MAX_PARTS).map(|number| format!("{number:x}")));
    assert_eq!(http(&more), Err(DecodeError::TooManyParts));
    let deep = multipart((0..=MAX_PARTS / 98).map(|number| format!("{number}{}", "/a".repeat(98))));
    assert_eq!(http(&deep), Err(DecodeError::TooManyParts));
    let deep = multipart([format!("a{}", "/a".repeat(DEEP / 4))].into_iter());
    assert_eq!(http(&deep), Err(DecodeError::TooDeep));
}

#[test]
fn messages_of_many_headers_are_read_in_proportion() {
    ok(http(&(0..50_000).map(|number| (number.to_string(), "1")).collect()));
    let ids = numbered(50_000, |number| format!("{number}=\"\",")) + "x=\"\"";
    ok(http(&[("ao-ids", ids)].into_iter().collect()));
}

/// A message of `parts` keys in its body, under `signatures` signatures that name the digest of the
/// body `digests` times each.
fn signed(signatures: usize, digests: usize, parts: usize) -> HttpMessage {
    let label = |number| format!("comm-{number}=");
    let signature = (0..signatures).map(|number| format!("{}:{number:04}:", label(number)));
    let names = vec!["\"content-digest\""; digests].join(" ");
    let input = (0..signatures).map(|number| format!("{}({names})", label(number)));
    let mut http = multipart((0..parts).map(|number| number.to_string()));
    http.headers.insert("signature".into(), signature.collect::<Vec<_>>().join(", ").into());
    http.headers.insert("signature-input".into(), input.collect::<Vec<_>>().join(", ").into());
    http
}

#[test]
fn signatures_over_a_large_body_are_read_up_to_the_limit() {
    let parts = MAX_VALUES / MAX_COMMITMENTS;
    ok(http(&signed(MAX_COMMITMENTS, 1, parts)));
    ok(http(&signed(1, MAX_COMMITMENTS, parts)));
    for (signatures, digests) in [(1, MAX_COMMITMENTS + 1), (MAX_COMMITMENTS, 2), (1, 10_000)] {
        let more = http(&signed(signatures, digests, parts));
        assert_eq!(more, Err(DecodeError::TooManyValues));
    }
}

#[test]
fn paths_are_read_in_proportion_up_to_their_limits() {
    let keys = |count: usize| -> Message { (0..count).map(|n| (n.to_string(), "1")).collect() };
    ok(steps("/a".repeat(1_000), keys(100)));
    assert_eq!(steps("/a".repeat(1_000), keys(1_000)), Err(PathError::TooManyKeys));
    ok(steps(format!("/a?{}", "a&".repeat(30_000)), Message::new()));
    let list = Message::from([("l+list", repeated("1,", 100_000, "1"))]);
    ok(steps("/a&b".repeat(1_000), list));
}

#[test]
fn sub_paths_nested_too_deep_are_refused() {
    // Longer than an id, or some sub-path of these would be one.
    let innermost = "a".repeat(44);
    let nested = |depth| format!("{}{innermost}{}", "(".repeat(depth), ")".repeat(depth));
    ok(steps(nested(MAX_SUB_PATH_DEPTH), Message::new()));
    let cause = |mut error: PathError| loop {
        match error {
            PathError::SubPath { source, .. } => error = *source,
            other => return other,
        }
    };
    let error = steps(nested(MAX_SUB_PATH_DEPTH + 1), Message::new()).unwrap_err();
    assert_eq!(cause(error), PathError::TooDeep);
    let length = 2 * DEEP + innermost.len();
    let error = steps(nested(DEEP), Message::new()).unwrap_err();
    assert_eq!(error, PathError::SegmentTooLong { at: 0, length });
}

#[test]
fn items_of_many_tags_are_read_in_proportion_up_to_the_limit() {
    let tags = |count: usize| (0..count).map(|n| Tag::new(n.to_string(), "")).collect();
    ok(ans104(&Item { tags: tags(1_024), ..Item::default() }));
    let more = Item { tags: tags(1_025), ..Item::default() };
    assert_eq!(ans104(&more), Err(ItemError::TooManyTags { count: 1_025 }.into()));
}

/// A bundle with one item, under each of these names.
fn wrapped(item: &Item, names: &[&str]) -> Item {
    const FORM: BundleForm = BundleForm::Reference;
    let entry = Entry::new(FORM, item).unwrap();
    let names = names.iter().map(|name| format!("\"{name}\":\"{}\"", entry.id));
    let data = format!("{{{}}}", names.collect::<Vec<_>>().join(",")).into();
    let manifest = Entry::new(FORM, &Item { data, ..Item::default() }).unwrap();
    let structure = [("bundle-format", "binary"), ("bundle-version", "2.0.0")];
    let structure = structure.map(|(name, value)| Tag::new(name, value));
    let map = Tag::new("bundle-map", manifest.id.to_string());
    Item {
        tags: structure.into_iter().chain([map]).collect(),
        data: Bundle { entries: vec![manifest, entry] }.to_bytes(FORM),
        ..Item::default()
    }
}

#[test]
fn a_manifest_that_names_an_item_more_often_than_it_is_there_is_refused() {
    let leaf = Item { tags: vec![Tag::new("a", "b")], ..Item::default() };
    let twice = (0..MAX_BUNDLE_DEPTH - 1).fold(leaf, |item, _| wrapped(&item, &["a", "b"]));
    let refused = DecodeError::NotAMessage("a manifest that names a missing item");
    assert_eq!(ans104(&twice), Err(refused));
}

#[test]
fn equal_values_in_a_bundle_come_back() {
    let child = Value::from(Message::from([("k", "v")]));
    let message = Value::from(Message::from([("a", child.clone()), ("b", child)]));
    let codec = Ans104 { links: Links::Embed(&NoContent) };
    let Ok(Value::Map(read)) = Ans104::decode(&codec.encode(&message).unwrap()) else {
        panic!("a map was written");
    };
    assert_eq!(read.get("a"), read.get("b"));
}

#[test]
fn bundles_nested_too_deep_are_refused() {
    let leaf = Item { data: "x".into(), ..Item::default() };
    let deep = (0..MAX_BUNDLE_DEPTH).fold(leaf, |item, _| wrapped(&item, &["a"]));
    assert_eq!(ans104(&deep), Err(DecodeError::TooDeep));
}

/// Nested maps, each in the next under this key.
fn nested(key: &str, depth: usize, innermost: Message) -> Message {
    (0..depth).fold(innermost, |map, _| Message::from([(key, map)]))
}

#[test]
fn messages_nested_too_deep_are_neither_written_nor_read_nor_named_nor_verified() {
    // Dropping the message recurses by itself, so this is not `DEEP`.
    let deep = nested("a", 1_000, Message::from([("k", "v")]));
    let tabm = Value::Map(deep.clone());
    assert_eq!(Structured::decode(&tabm), Err(DecodeError::TooDeep));
    for links in [Links::Discard, Links::Embed(&NoContent)] {
        assert_eq!(Structured { links }.encode(&tabm), Err(EncodeError::TooDeep));
        assert_eq!(HttpSig { links }.encode(&tabm), Err(EncodeError::TooDeep));
        assert_eq!(Json { links }.encode(&tabm), Err(EncodeError::TooDeep));
        assert_eq!(Ans104 { links }.encode(&tabm), Err(EncodeError::TooDeep));
        assert_eq!(Flat::encode_text(&tabm, links), Err(EncodeError::TooDeep));
    }
    assert_eq!(commitment::unsigned_id(&tabm), Err(EncodeError::TooDeep));
    let verified = commitment::verify_all(&deep, &NoContent);
    assert_eq!(verified, Err(commitment::VerifyError::TooDeep));
}

#[test]
fn long_keys_that_every_path_below_repeats_count_in_the_size() {
    let leaves: Message =
        (0..2_000).map(|n| (n.to_string(), Message::from([("k", "v")]))).collect();
    let tabm = nested(&"k".repeat(8_000), 90, leaves);
    let links = Links::Embed(&NoContent);
    let text = bounded_by(3 * MAX_SIZE, || Flat::encode_text(&tabm.clone().into(), links));
    assert!(matches!(text, Err(EncodeError::TooLarge { .. })), "{text:?}");
    let http = bounded_by(3 * MAX_SIZE, || HttpSig { links }.encode(&tabm.into()));
    assert!(matches!(http, Err(EncodeError::TooLarge { .. })), "{http:?}");
}

#[test]
fn a_message_of_more_parts_than_the_limit_is_not_written() {
    let child = Message::from([("k", "v")]);
    let parts = |count: usize| -> Value {
        (0..count).map(|n| (Key::number(n), child.clone())).collect::<Message>().into()
    };
    let codec = HttpSig { links: Links::Embed(&NoContent) };
    ok(codec.encode(&parts(MAX_PARTS - 1)));
    assert_eq!(codec.encode(&parts(MAX_PARTS + 1)), Err(EncodeError::TooManyParts));
}

#[test]
fn a_write_to_a_copy_of_a_large_message_costs_what_is_written() {
    const KEYS: usize = 100_000;
    const SLOTS: usize = 100;
    let large: Message = (0..KEYS).map(|n| (n.to_string(), n.to_string())).collect();
    // The first copy that is written to becomes a tree.
    let mut state = Message::new().with("balances", large.clone().with("0", "1"));
    let mut before = Vec::new();
    let write = |state: &mut Message, slot: usize| {
        let balances = state.child_mut(&"balances".into()).unwrap();
        balances.insert(slot.to_string(), "1");
        balances.insert(format!("new-{slot}"), "1");
        balances.remove((KEYS / 2 + slot).to_string());
    };
    bounded_by(SLOTS * 32 * 1024, || {
        for slot in 0..SLOTS {
            before.push(state.clone());
            write(&mut state, slot);
        }
    });
    assert_eq!(before[0].get("balances"), Some(&large.with("0", "1").into()));
    let changed = |slot: usize| -> Vec<Key> {
        let child = |state: &Message| state.get("balances").unwrap().as_map().unwrap().clone();
        let (now, then) = (child(&state), child(&before[slot]));
        now.changes_since(&then).map(|change| change.key.clone()).collect()
    };
    assert_eq!(changed(99), ["50099", "99", "new-99"].map(Key::from));
    // Of the hundred that were set, two had that value before.
    assert_eq!(changed(0).len(), 298);
}
