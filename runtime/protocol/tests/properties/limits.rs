//! Each limit at its last value and one past it; the error says what is too much, and where.

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;
use oxbeam_protocol::ans104::{
    Item, ItemError, MAX_NAME_LENGTH, MAX_TAGS, MAX_TAGS_READ, MAX_VALUE_LENGTH,
    MAX_WRITTEN_LENGTH, Tag, VerifyError,
};
use oxbeam_protocol::codec::{
    Ans104, DecodeError, EncodeError, Flat, HttpMessage, HttpSig, Json, Links, MAX_HEADER_VALUE,
};
use oxbeam_protocol::limits::{
    MAX_DIGITS, MAX_KEY_LENGTH, MAX_PARTS, MAX_PATH_LENGTH, MAX_SEGMENT_LENGTH, MAX_SEGMENT_PARAMS,
    MAX_SEGMENTS, MAX_SIZE, MAX_STEP_KEYS,
};
use oxbeam_protocol::path::{PathError, Step, parse};
use oxbeam_protocol::structured_field::{self, MAX_INTEGER_DIGITS};
use oxbeam_protocol::{Key, Message, NoContent, Value};

use super::support::ed25519;

const EMBED: Links<'static> = Links::Embed(&NoContent);

fn key(length: usize) -> String {
    "k".repeat(length)
}

#[test]
fn keys_as_long_as_the_limit_are_read_in_every_form() {
    let readers: [fn(String) -> Result<Value, DecodeError>; 4] = [
        |key| HttpSig::decode(&[(key, "v")].into_iter().collect()),
        |key| HttpSig::decode(&multipart(&[&format!("{key}: v\r\n{}", disposition("n"))])),
        |key| {
            let paths = BTreeMap::from([(Key::from(key), Bytes::from("v"))]);
            Flat::decode(&paths).map(Value::from)
        },
        |key| Json::decode(&format!("{{\"{key}\":\"v\"}}").into()),
    ];
    for read in readers {
        assert!(read(key(MAX_KEY_LENGTH)).is_ok());
        let length = MAX_KEY_LENGTH + 1;
        assert_eq!(read(key(length)), Err(DecodeError::KeyTooLong { length }));
    }
    let part = |length| HttpSig::decode(&multipart(&[&disposition(&key(length))]));
    assert!(part(MAX_KEY_LENGTH).is_ok());
    let length = MAX_KEY_LENGTH + 1;
    assert_eq!(part(length), Err(DecodeError::KeyTooLong { length }));
}

fn disposition(name: &str) -> String {
    format!("content-disposition: form-data;name=\"{name}\"")
}

/// A message whose body has these parts.
fn multipart<P: AsRef<str>>(parts: &[P]) -> HttpMessage {
    let mut body = String::new();
    for part in parts {
        write!(body, "--b\r\n{}\r\n", part.as_ref()).unwrap();
    }
    let content_type = [("content-type", "multipart/form-data; boundary=\"b\"")];
    HttpMessage { body: Some((body + "--b--").into()), ..content_type.into_iter().collect() }
}

#[test]
fn a_body_has_at_most_as_many_parts_as_the_limit() {
    let parts = |count: usize| -> Vec<String> {
        (0..count).map(|at| disposition(&at.to_string()) + "\r\n\r\nv").collect()
    };
    assert!(HttpSig::decode(&multipart(&parts(MAX_PARTS))).is_ok());
    let over = HttpSig::decode(&multipart(&parts(MAX_PARTS + 1)));
    assert_eq!(over, Err(DecodeError::TooManyParts));
}

#[test]
fn no_more_parts_are_written_than_are_read() {
    let message = |count: usize| -> Value {
        let children = (0..count).map(|at| (at.to_string(), Message::from([("k", "v")])));
        children.collect::<Message>().into()
    };
    let http = HttpSig { links: EMBED }.encode(&message(MAX_PARTS)).unwrap();
    assert!(HttpSig::decode(&http).is_ok());
    let over = HttpSig { links: EMBED }.encode(&message(MAX_PARTS + 1));
    assert_eq!(over, Err(EncodeError::TooManyParts));
}

/// Zeros, which cost nothing until they are read.
fn zeros(size: usize) -> Vec<u8> {
    vec![0; size]
}

#[test]
fn no_form_is_read_past_its_largest_size() {
    let size = MAX_SIZE + 1;
    let too_large = DecodeError::TooLarge { size };
    let bytes = Bytes::from(zeros(size));
    assert_eq!(Json::decode(&bytes), Err(too_large.clone()));
    assert_eq!(Ans104::decode(&bytes), Err(too_large.clone()));
    assert_eq!(Flat::decode_text(&bytes), Err(too_large.clone()));
    let http = |body: Bytes| HttpMessage { body: Some(body), ..HttpMessage::default() };
    assert_eq!(HttpSig::decode(&http(bytes.clone())), Err(too_large.clone()));
    // Headers count too.
    let mut headers = http(bytes.slice(..MAX_SIZE - 1));
    headers.headers.insert("k".into(), "v".into());
    assert_eq!(HttpSig::decode(&headers), Err(too_large));

    let last = bytes.slice(..MAX_SIZE);
    assert!(matches!(Json::decode(&last), Err(DecodeError::Json { line: 1, column: 1, .. })));
    assert!(HttpSig::decode(&http(last)).is_ok());
    let mut item = zeros(MAX_SIZE);
    item[0] = 1;
    assert!(Ans104::decode(&item.into()).is_ok());
}

#[test]
fn a_value_as_long_as_the_longest_header_is_one_and_a_longer_one_lies_in_the_body() {
    let encode = |length| {
        let message = Message::from([("k", "v".repeat(length))]);
        HttpSig { links: EMBED }.encode(&message.into()).unwrap()
    };
    let (last, over) = (encode(MAX_HEADER_VALUE), encode(MAX_HEADER_VALUE + 1));
    assert!(last.headers.contains_key("k".as_bytes()) && last.body.is_none());
    assert!(!over.headers.contains_key("k".as_bytes()) && over.body.is_some());
}

#[test]
fn an_integer_has_at_most_as_many_digits_as_the_limit() {
    let field = |digits: usize| structured_field::item(&"9".repeat(digits).into());
    assert!(field(MAX_INTEGER_DIGITS).is_ok());
    assert_eq!(field(MAX_INTEGER_DIGITS + 1).unwrap_err().at, 0);
    let json = |digits: usize| Json::decode(&format!("{{\"n\":{}}}", "9".repeat(digits)).into());
    assert!(json(MAX_DIGITS).is_ok());
    let expected = "an integer of at most 4096 digits";
    let error = DecodeError::IllTyped { key: "n".into(), expected };
    assert_eq!(json(MAX_DIGITS + 1), Err(error));
}

fn item(tags: Vec<Tag>) -> Item {
    Item { tags, ..Item::default() }.sign(ed25519()).unwrap()
}

#[test]
fn an_item_verifies_with_as_many_and_as_long_tags_as_the_limits() {
    let tags = |count: usize| vec![Tag::new("k", "v"); count];
    assert_eq!(item(tags(MAX_TAGS)).verify(), Ok(()));
    let count = MAX_TAGS + 1;
    assert_eq!(item(tags(count)).verify(), Err(VerifyError::TooManyTags { count }));
    let tag = |name: usize, value: usize| {
        item(vec![Tag::new("k", "v"), Tag::new(key(name), "v".repeat(value))]).verify()
    };
    assert_eq!(tag(MAX_NAME_LENGTH, MAX_VALUE_LENGTH), Ok(()));
    assert_eq!(tag(MAX_NAME_LENGTH + 1, 1), Err(VerifyError::LongTag { index: 1 }));
    assert_eq!(tag(1, MAX_VALUE_LENGTH + 1), Err(VerifyError::LongTag { index: 1 }));
}

#[test]
fn an_item_is_written_with_as_long_tags_as_the_limit() {
    let tag = |name: usize, value: usize| {
        let tags = vec![Tag::new("k", "v"), Tag::new(key(name), "v".repeat(value))];
        Item { tags, ..Item::default() }.to_bytes().map(drop)
    };
    assert_eq!(tag(MAX_WRITTEN_LENGTH, MAX_WRITTEN_LENGTH), Ok(()));
    let unwritable = Err(ItemError::Unwritable { index: 1 });
    assert_eq!(tag(MAX_WRITTEN_LENGTH + 1, 1), unwritable);
    assert_eq!(tag(1, MAX_WRITTEN_LENGTH + 1), unwritable);
    assert_eq!(tag(0, 1), unwritable);
}

#[test]
fn an_item_is_read_with_as_many_tags_as_the_limit() {
    let read = |count: usize| {
        let tags = vec![Tag::new("k", "v"); count];
        Item::parse(Item { tags, ..Item::default() }.to_bytes().unwrap()).map(drop)
    };
    assert_eq!(read(MAX_TAGS_READ), Ok(()));
    let count = MAX_TAGS_READ + 1;
    assert_eq!(read(count), Err(ItemError::TooManyTags { count }));
}

#[test]
fn a_message_has_at_most_as_many_keys_as_an_item_has_tags() {
    let message = |count: usize| -> Value {
        (0..count).map(|at| (at.to_string(), "v")).collect::<Message>().into()
    };
    assert!(Ans104 { links: EMBED }.encode(&message(MAX_TAGS)).is_ok());
    let over = Ans104 { links: EMBED }.encode(&message(MAX_TAGS + 1));
    assert!(matches!(over, Err(EncodeError::Unsupported(_))), "{over:?}");
}

fn steps(path: String) -> Result<Vec<Step>, PathError> {
    parse(&Message::from([("path", path)]))
}

#[test]
fn a_path_is_as_long_as_the_limit() {
    let path = |length: usize| format!("/a?{}", "k".repeat(length - 3));
    assert_eq!(steps(path(MAX_PATH_LENGTH)).map(|steps| steps.len()), Ok(2));
    let length = MAX_PATH_LENGTH + 1;
    assert_eq!(steps(path(length)), Err(PathError::TooLong { length }));
}

#[test]
fn a_segment_is_as_long_as_the_limit_after_decoding() {
    let path = |length: usize| format!("/a/{}", "%6b".repeat(length));
    assert!(steps(path(MAX_SEGMENT_LENGTH)).is_ok());
    let length = MAX_SEGMENT_LENGTH + 1;
    assert_eq!(steps(path(length)), Err(PathError::SegmentTooLong { at: 3, length }));
}

#[test]
fn a_segment_cannot_have_more_parameters_than_the_limit() {
    // The shortest parameters there are, all of one name: any more make the segment too long.
    let path = |count: usize| "/".to_owned() + &"&k".repeat(count);
    assert!(steps(path(MAX_SEGMENT_PARAMS)).is_ok());
    let over = steps(path(MAX_SEGMENT_PARAMS + 1));
    assert_eq!(over, Err(PathError::SegmentTooLong { at: 1, length: MAX_SEGMENT_LENGTH + 2 }));
}

#[test]
fn a_path_and_its_sub_paths_have_as_many_segments_as_the_limit() {
    assert_eq!(steps("/a".repeat(MAX_SEGMENTS)).map(|steps| steps.len()), Ok(MAX_SEGMENTS + 1));
    assert_eq!(steps("/a".repeat(MAX_SEGMENTS + 1)), Err(PathError::TooManySegments));
    // Each of these is two: the sub-path and what is in it.
    assert!(steps("/(a)".repeat(MAX_SEGMENTS / 2)).is_ok());
    let over = steps("/(a)".repeat(MAX_SEGMENTS / 2) + "/a").unwrap_err();
    assert_eq!(over, PathError::TooManySegments);
}

#[test]
fn all_steps_together_have_as_many_keys_as_the_limit() {
    // Every segment counts one, every step its path and the keys that all of them share.
    let request = |more: usize| {
        let keys = MAX_STEP_KEYS / (MAX_SEGMENTS + 1) - 2 + more;
        let keys: Message = (0..keys).map(|at| (format!("k{at}"), "v")).collect();
        parse(&keys.with("path", "/a".repeat(MAX_SEGMENTS)))
    };
    assert!(request(0).is_ok());
    assert_eq!(request(2), Err(PathError::TooManyKeys));
}
