//! Exports that nobody exported: their checksums are right, and what they say is not.

use bytes::Bytes;
use oxbeam_protocol::Id;
use oxbeam_store::{
    Change, Family, Limit, Log, Outbox, Persist, Processes, StoreError, Table, Tables,
};
use serde::Serialize;

use crate::common::{Place, append, bytes, id};

#[derive(Serialize)]
enum Body {
    Process(Bytes),
    Record(u8, Bytes, Bytes),
    End(u64, Bytes),
}

/// An export of any records.
struct Stream {
    bytes: Vec<u8>,
    count: u64,
    sum: Vec<u8>,
}

impl Stream {
    fn new(processes: &[Id]) -> Self {
        let mut stream =
            Self { bytes: b"OXBEAM-STORE\0\0\0\x01".to_vec(), count: 0, sum: Vec::new() };
        for process in processes {
            stream.frame(&Body::Process(raw(*process)));
        }
        stream
    }

    fn frame(&mut self, body: &Body) {
        let body = rmp_serde::to_vec(body).unwrap();
        self.bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        self.bytes.extend(crc32fast::hash(&body).to_be_bytes());
        self.bytes.extend(body);
    }

    fn record(mut self, family: Family, key: &[u8], value: &impl Serialize) -> Self {
        let body = rmp_serde::to_vec(value).unwrap();
        let mut sealed = vec![1];
        sealed.extend(crc32fast::hash(&[key, &body].concat()).to_be_bytes());
        sealed.extend(body);
        let code = Family::ALL.iter().position(|other| *other == family).unwrap();
        let code = u8::try_from(code).unwrap();
        self.count += 1;
        self.sum.push(code);
        for part in [key, &sealed] {
            self.sum.extend((part.len() as u64).to_be_bytes());
            self.sum.extend_from_slice(part);
        }
        self.frame(&Body::Record(code, Bytes::copy_from_slice(key), sealed.into()));
        self
    }

    fn end(mut self) -> Vec<u8> {
        let hash = raw(Id::of(&self.sum));
        self.frame(&Body::End(self.count, hash));
        self.bytes
    }
}

fn key(kind: u8, process: Id, slot: Option<u64>) -> Vec<u8> {
    let slot = slot.map_or(Vec::new(), |slot| slot.to_be_bytes().to_vec());
    [&[kind], &process.as_bytes()[..], &slot[..]].concat()
}

fn raw(id: Id) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

fn assignment(text: &str) -> (Bytes, Bytes, Option<Bytes>, Vec<Bytes>) {
    (bytes(text), raw(id("chain")), None, Vec::new())
}

/// The import is refused, nothing of it is left, and the store goes on.
async fn refused(stream: Stream) {
    let store = Place::memory().open();
    let refused = store.import(&mut &*stream.end()).unwrap_err();
    let expected = matches!(refused, StoreError::InvalidExport { .. } | StoreError::Corrupt { .. });
    assert!(expected, "{refused}");
    assert!(store.processes(None, Limit::default()).await.unwrap().items.is_empty());
    assert_eq!(store.next_due().await.unwrap(), None);
    store.append(append(id("p"), 0)).await.unwrap();
    assert!(store.check().unwrap().is_sound());
}

#[tokio::test]
async fn a_head_that_is_not_the_end_of_its_log_is_refused() {
    let p = id("p");
    for head in [0_u64, 2, u64::MAX] {
        let stream = (0..2).fold(Stream::new(&[p]), |stream, slot| {
            stream.record(Family::Log, &key(1, p, Some(slot)), &assignment("one"))
        });
        refused(stream.record(Family::Log, &key(0, p, None), &(head, raw(id("chain"))))).await;
    }
}

#[tokio::test]
async fn a_log_without_a_head_or_with_a_gap_is_refused() {
    let p = id("p");
    let log = |slots: &[u64]| {
        slots.iter().fold(Stream::new(&[p]), |stream, slot| {
            stream.record(Family::Log, &key(1, p, Some(*slot)), &assignment("one"))
        })
    };
    refused(log(&[0])).await;
    let head = (u64::MAX, raw(id("chain")));
    refused(log(&[u64::MAX]).record(Family::Log, &key(0, p, None), &head)).await;
    refused(log(&[0, u64::MAX]).record(Family::Log, &key(0, p, None), &head)).await;
}

#[tokio::test]
async fn records_of_another_form_are_refused() {
    let p = id("p");
    refused(Stream::new(&[p]).record(Family::Log, &key(0, p, None), &"no head at all")).await;
    let long = [&key(1, p, Some(0))[..], b"more"].concat();
    refused(Stream::new(&[p]).record(Family::Log, &long, &assignment("one"))).await;
    refused(Stream::new(&[]).record(Family::Names, b"\0name", &"no value")).await;
}

#[tokio::test]
async fn a_checkpoint_that_names_too_few_pages_is_refused() {
    let p = id("p");
    let memory = ("path", Some((64_u64 << 20, 4096_u32, Bytes::new())));
    let stream = Stream::new(&[p])
        .record(Family::Log, &key(1, p, Some(0)), &assignment("one"))
        .record(Family::Checkpoints, &key(1, p, Some(0)), &bytes("state"))
        .record(Family::Checkpoints, &key(0, p, Some(0)), &memory)
        .record(Family::Log, &key(0, p, None), &(0_u64, raw(id("chain"))));
    refused(stream).await;
}

#[tokio::test]
async fn a_value_whose_versions_are_used_up_is_not_changed_and_the_writer_goes_on() {
    let value = (u64::MAX, Some(bytes("value")));
    let stream = Stream::new(&[]).record(Family::Names, b"\0name", &value);
    let store = Place::memory().open();
    store.import(&mut &*stream.end()).unwrap();
    let change = Change { name: bytes("name"), expected: None, value: None };
    let refused = store.change(Table::Names, vec![change], Persist::Synced).await.unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
    store.append(append(id("healthy"), 0)).await.unwrap();
}
