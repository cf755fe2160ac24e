//! A state as a checkpoint keeps it: the memory of guests lies in pages, the rest in a record.
//!
//! What devices save in their snapshots is mostly the memory of a guest, of which a few slots change
//! little. As pages it is compared with what the store has, and only what is new is written.

use bytes::Bytes;
use oxbeam_protocol::{Key, List, Message, Value};
use oxbeam_store::{Memory, PAGE_BYTES};

/// Shortest byte string of a snapshot that lies in pages: below, a record costs less.
const LONG: usize = 16 * PAGE_BYTES as usize;
/// How deep in a snapshot a guest's memory is looked for: a stack of stacks saves by number.
const DEPTH: usize = 8;
const SNAPSHOT: &str = "snapshot";

/// A byte string that was taken out: where it belongs, and where it lies.
struct Taken {
    path: Vec<Key>,
    at: u64,
    length: u64,
}

/// A state in two parts: the record, and the memory that was taken out of its snapshot.
pub(super) fn apart(mut state: Message) -> (Value, Option<Memory>) {
    let mut pages = Pages::default();
    let mut taken = Vec::new();
    if let Some(mut snapshot) = state.remove(SNAPSHOT) {
        take(&mut snapshot, &mut Vec::new(), &mut pages, &mut taken);
        state.insert(SNAPSHOT, snapshot);
    }
    if taken.is_empty() {
        return (state.into(), None);
    }
    let taken: List = taken.into_iter().map(Value::from).collect();
    let record: List = [Value::from(state), taken.into()].into_iter().collect();
    (record.into(), Some(pages.into_memory()))
}

/// The state of a record and its memory. None if they do not fit together.
pub(super) fn together(record: Value, memory: Option<Vec<u8>>) -> Option<Message> {
    let record = match record {
        Value::Map(state) => return Some(state),
        Value::List(record) => record,
        _ => return None,
    };
    let [Value::Map(state), Value::List(taken)] = &*record else { return None };
    let memory = Bytes::from(memory?);
    let mut state = state.clone();
    let mut snapshot = state.remove(SNAPSHOT)?;
    for one in taken.iter() {
        let Taken { path, at, length } = Taken::read(one)?;
        let (at, length) = (usize::try_from(at).ok()?, usize::try_from(length).ok()?);
        let end = at.checked_add(length).filter(|end| *end <= memory.len())?;
        put(&mut snapshot, &path, memory.slice(at..end))?;
    }
    state.insert(SNAPSHOT, snapshot);
    Some(state)
}

/// Takes the long byte strings out of a snapshot.
fn take(value: &mut Value, path: &mut Vec<Key>, pages: &mut Pages, taken: &mut Vec<Taken>) {
    match value {
        Value::Bytes(bytes) if bytes.len() >= LONG => {
            let bytes = std::mem::take(bytes);
            let length = bytes.len() as u64;
            taken.push(Taken { path: path.clone(), at: pages.push(&bytes), length });
        }
        Value::Map(message) if path.len() < DEPTH => {
            let nested = message.iter().filter(|(_, value)| {
                matches!(value, Value::Map(_))
                    || matches!(value, Value::Bytes(bytes) if bytes.len() >= LONG)
            });
            let keys: Vec<Key> = nested.map(|(key, _)| key.clone()).collect();
            for key in keys {
                let Some(mut nested) = message.remove(&key) else { continue };
                path.push(key.clone());
                take(&mut nested, path, pages, taken);
                path.pop();
                message.insert(key, nested);
            }
        }
        _ => {}
    }
}

/// Puts a byte string where it was taken from.
fn put(value: &mut Value, path: &[Key], bytes: Bytes) -> Option<()> {
    let Some((key, rest)) = path.split_first() else {
        *value = Value::Bytes(bytes);
        return Some(());
    };
    let Value::Map(message) = value else { return None };
    let mut nested = message.remove(key)?;
    put(&mut nested, rest, bytes)?;
    message.insert(key.clone(), nested);
    Some(())
}

impl From<Taken> for Value {
    fn from(taken: Taken) -> Self {
        let path: List = taken.path.into_iter().map(|key| Self::Bytes(key.to_bytes())).collect();
        let entry =
            [path.into(), Self::Integer(taken.at.into()), Self::Integer(taken.length.into())];
        entry.into_iter().collect::<List>().into()
    }
}

impl Taken {
    fn read(value: &Value) -> Option<Self> {
        let Value::List(entry) = value else { return None };
        let [Value::List(path), Value::Integer(at), Value::Integer(length)] = &**entry else {
            return None;
        };
        let path: Option<Vec<Key>> =
            path.iter().map(|key| key.as_bytes().map(|key| Key::from(key.clone()))).collect();
        Some(Self { path: path?, at: at.try_into().ok()?, length: length.try_into().ok()? })
    }
}

/// Memory that grows by what is taken out, each part from a new page on, so that a part which grows
/// does not move the pages of the next.
#[derive(Default)]
struct Pages {
    pages: Vec<(u32, Bytes)>,
    count: u32,
}

impl Pages {
    /// Appends a part. Answers with its offset in bytes.
    fn push(&mut self, bytes: &Bytes) -> u64 {
        let at = u64::from(self.count) * u64::from(PAGE_BYTES);
        let size = PAGE_BYTES as usize;
        for start in (0..bytes.len()).step_by(size) {
            let mut page = bytes.slice(start..bytes.len().min(start + size));
            if page.len() < size {
                let mut whole = page.to_vec();
                whole.resize(size, 0);
                page = whole.into();
            }
            // A page that is not given is zeros.
            if page.iter().any(|byte| *byte != 0) {
                self.pages.push((self.count, page));
            }
            self.count += 1;
        }
        at
    }

    fn into_memory(self) -> Memory {
        let bytes = u64::from(self.count) * u64::from(PAGE_BYTES);
        Memory { bytes, page_bytes: PAGE_BYTES, base: None, pages: self.pages }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(memory: &Memory) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(memory.bytes).unwrap()];
        for (index, page) in &memory.pages {
            let at = *index as usize * PAGE_BYTES as usize;
            bytes[at..at + page.len()].copy_from_slice(page);
        }
        bytes
    }

    #[test]
    fn long_parts_of_a_snapshot_lie_in_pages_and_come_back() {
        let first: Vec<u8> = (0..LONG + 5).map(|at| (at % 251) as u8).collect();
        let mut second = vec![0_u8; 3 * LONG];
        second[LONG + 1] = 7;
        let snapshot = Message::new()
            .with("3", Message::new().with("body", first).with("short", "x"))
            .with("body", second);
        let state = Message::from([("a", "1")]).with(SNAPSHOT, snapshot);
        let (record, memory) = apart(state.clone());
        let memory = memory.unwrap();
        // 17 pages of the first, and the only one of the second that is not zeros.
        assert_eq!(memory.pages.len(), 18);
        assert_eq!(together(record, Some(whole(&memory))), Some(state));
    }

    #[test]
    fn a_state_without_long_parts_is_its_own_record() {
        let state = Message::from([("body", vec![1_u8; 2 * LONG])])
            .with(SNAPSHOT, Message::from([("body", "short")]));
        let (record, memory) = apart(state.clone());
        assert_eq!(memory, None);
        assert_eq!(together(record, None), Some(state));
    }

    #[test]
    fn memory_that_does_not_fit_is_refused() {
        let state = Message::new().with(SNAPSHOT, Message::new().with("body", vec![1_u8; LONG]));
        let (record, memory) = apart(state);
        let mut bytes = whole(&memory.unwrap());
        assert_eq!(together(record.clone(), None), None);
        bytes.pop();
        assert_eq!(together(record, Some(bytes)), None);
        assert_eq!(together(Value::from("x"), None), None);
    }
}
