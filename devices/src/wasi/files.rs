//! Files and descriptors in a state.

use bytes::Bytes;
use oxbeam_kernel::{CallError, Context};
use oxbeam_protocol::{Key, Message, Value};

use super::errno::Errno;
use super::memory::Stop;

/// Largest file, in bytes.
pub(super) const MAX_FILE: usize = 16 << 20;
/// Bytes of all files together.
const MAX_FILES: usize = 64 << 20;
/// Files, folders and descriptors of a guest.
const MAX_ENTRIES: usize = 1024;
/// Values under `vfs` and `file-descriptors` of a state: as many as guests can make, whose descriptors
/// are three values each.
const MAX_STATE: usize = 4 * MAX_ENTRIES;
/// Longest path, in bytes.
pub(super) const MAX_PATH: u64 = 4096;
/// Folders in folders.
const MAX_FOLDERS: usize = 32;
/// The first descriptor that is not a standard one.
const FIRST: usize = 3;

/// The files and descriptors of a state.
#[derive(Debug)]
pub(super) struct Files {
    root: Message,
    descriptors: Message,
}

/// An open file.
#[derive(Debug, Clone)]
pub(super) struct Descriptor {
    pub(super) path: Vec<Key>,
    pub(super) offset: usize,
}

impl Files {
    /// The files of a state, whole.
    pub(super) async fn of(context: &Context, state: &Message) -> Result<Self, CallError> {
        let part = async |key: &str| match context.get(state, key).await? {
            Some(part) => match context.load_all(part).await? {
                Value::Map(part) => Ok(part),
                // A list, if its keys happen to be numbers from 1 on.
                Value::List(part) => Ok(part.to_map()),
                _ => Ok(Message::new()),
            },
            None => Ok::<_, CallError>(Message::new()),
        };
        Self::new(part("vfs").await?, part("file-descriptors").await?)
    }

    fn new(root: Message, descriptors: Message) -> Result<Self, CallError> {
        // A call of the guest may look at all of them, for the same fuel.
        let mut used = Used::default();
        used.folder(&root);
        used.folder(&descriptors);
        if used.entries > MAX_STATE {
            let reason = format!("a state has more than {MAX_STATE} files and descriptors");
            return Err(CallError::Raised(reason));
        }
        Ok(Self { root, descriptors })
    }

    /// The state with these files.
    pub(super) fn into_state(self, state: Message) -> Message {
        state.with("vfs", self.root).with("file-descriptors", self.descriptors)
    }

    /// An open file.
    pub(super) fn descriptor(&self, number: u64) -> Result<Descriptor, Errno> {
        let entry = self.descriptors.get(number.to_string()).and_then(Value::as_map);
        let entry = entry.ok_or(Errno::BadDescriptor)?;
        let name = entry.get("filename").and_then(Value::as_name).ok_or(Errno::BadDescriptor)?;
        let offset = match entry.get("offset") {
            Some(Value::Integer(offset)) => usize::try_from(offset).ok(),
            _ => None,
        };
        let offset = offset.ok_or(Errno::BadDescriptor)?;
        Ok(Descriptor { path: path(name)?, offset })
    }

    /// Moves the offset of an open file.
    pub(super) fn seek(&mut self, number: u64, offset: usize) {
        let key = Key::from(number.to_string());
        if let Some(entry) = self.descriptors.child_mut(&key) {
            entry.insert("offset", i64::try_from(offset).unwrap_or(i64::MAX));
        }
    }

    /// Opens a file. Answers with the number of the descriptor.
    pub(super) fn open(&mut self, path: &[Key], offset: usize) -> Result<usize, Errno> {
        let free = |number: &usize| !self.descriptors.contains(number.to_string());
        let number = (FIRST..MAX_ENTRIES).find(free).ok_or(Errno::TooManyDescriptors)?;
        let name: Vec<u8> = path.iter().flat_map(|key| [b"/", key.as_bytes()].concat()).collect();
        let entry = Message::new()
            .with("filename", Value::bytes(name))
            .with("offset", i64::try_from(offset).unwrap_or(i64::MAX));
        self.descriptors.insert(number.to_string(), entry);
        Ok(number)
    }

    /// Closes an open file.
    pub(super) fn close(&mut self, number: u64) {
        self.descriptors.remove(number.to_string());
    }

    /// What a file holds.
    pub(super) fn read(&self, path: &[Key]) -> Result<Bytes, Errno> {
        let Some((name, folders)) = path.split_last() else { return Err(Errno::IsFolder) };
        let mut at = &self.root;
        for folder in folders {
            at = match at.get_exact(folder) {
                Some(Value::Map(folder)) => folder,
                Some(_) => return Err(Errno::NotFolder),
                None => return Err(Errno::NotFound),
            };
        }
        match at.get_exact(name) {
            Some(Value::Bytes(bytes)) => Ok(bytes.clone()),
            Some(Value::Map(_)) => Err(Errno::IsFolder),
            Some(_) => Err(Errno::Invalid),
            None => Err(Errno::NotFound),
        }
    }

    /// Puts a file in its folder, which is made if it is not there.
    pub(super) fn write(&mut self, path: &[Key], bytes: Bytes) -> Result<(), Errno> {
        let Some((name, folders)) = path.split_last() else { return Err(Errno::IsFolder) };
        let before = self.read(path).map_or(0, |file| file.len());
        let mut used = Used::default();
        used.folder(&self.root);
        if bytes.len() > MAX_FILE {
            return Err(Errno::FileTooBig);
        }
        // Folders that are made count as well.
        if used.bytes - before + bytes.len() > MAX_FILES || used.entries + path.len() > MAX_ENTRIES
        {
            return Err(Errno::NoSpace);
        }
        let mut at = &mut self.root;
        for folder in folders {
            at = at.child_mut(folder).ok_or(Errno::NotFolder)?;
        }
        at.insert(name.clone(), bytes);
        Ok(())
    }
}

/// How much of a guest's files there is.
#[derive(Default)]
struct Used {
    entries: usize,
    bytes: usize,
}

impl Used {
    fn folder(&mut self, folder: &Message) {
        folder.iter().for_each(|(_, value)| self.value(value));
    }

    fn value(&mut self, value: &Value) {
        self.entries += 1;
        match value {
            Value::Bytes(bytes) => self.bytes += bytes.len(),
            Value::Map(folder) => self.folder(folder),
            Value::List(list) => list.iter().for_each(|value| self.value(value)),
            _ => {}
        }
    }
}

/// The components of a path. `.` is left out; `..` leads nowhere, as there is nothing above.
pub(super) fn path(text: &[u8]) -> Result<Vec<Key>, Errno> {
    let parts = text.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    let parts: Vec<Key> = parts.map(|part| Key::from(Bytes::copy_from_slice(part))).collect();
    let invalid = |key: &Key| key.as_bytes() == b".." || key.is_private();
    if parts.len() > MAX_FOLDERS || parts.iter().any(invalid) {
        return Err(Errno::Invalid);
    }
    Ok(parts)
}

/// Gives the errors of files to a guest.
impl From<Stop> for CallError {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Guest(error) => Self::Raised(format!("error {} of a file", error as u8)),
            Stop::Call(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let devices = Message::from([("stdin", "in")]);
        Files { root: Message::new().with("dev", devices), descriptors: Message::new() }
    }

    #[test]
    fn files_lie_in_folders() {
        let mut files = files();
        let file = path(b"/a/./b.txt").unwrap();
        assert_eq!(files.read(&file), Err(Errno::NotFound));
        files.write(&file, Bytes::from_static(b"text")).unwrap();
        assert_eq!(files.read(&file).unwrap(), "text");
        assert_eq!(files.read(&path(b"a").unwrap()), Err(Errno::IsFolder));
        assert_eq!(files.read(&path(b"dev/stdin/x").unwrap()), Err(Errno::NotFolder));
        assert_eq!(
            files.write(&path(b"dev/stdin/x").unwrap(), Bytes::new()),
            Err(Errno::NotFolder)
        );
        assert_eq!(files.read(&path(b"dev/stdin").unwrap()).unwrap(), "in");
    }

    #[test]
    fn descriptors_take_the_lowest_free_number() {
        let mut files = files();
        let file = path(b"dev/stdin").unwrap();
        assert_eq!(files.open(&file, 0), Ok(3));
        assert_eq!(files.open(&file, 1), Ok(4));
        files.close(3);
        assert_eq!(files.open(&file, 2), Ok(3));
        assert_eq!(files.descriptor(3).unwrap().offset, 2);
        assert_eq!(files.descriptor(9).unwrap_err(), Errno::BadDescriptor);
    }

    #[test]
    fn files_that_a_state_came_with_are_no_more_than_guests_could_write() {
        let many = |number: usize| -> Message {
            (0..number).map(|name| (Key::number(name), Value::from(""))).collect()
        };
        assert!(Files::new(many(MAX_STATE), Message::new()).is_ok());
        let error = Files::new(many(MAX_STATE), many(1)).unwrap_err();
        assert_eq!(error.to_string(), "a state has more than 4096 files and descriptors");
        let folder = Message::new().with("folder", many(MAX_STATE));
        assert!(Files::new(folder, Message::new()).is_err());
    }

    #[test]
    fn what_would_be_too_large_is_refused() {
        let mut files = files();
        let large = Bytes::from(vec![0; MAX_FILE]);
        for name in [b"1", b"2", b"3"] {
            files.write(&path(name).unwrap(), large.clone()).unwrap();
        }
        assert_eq!(files.write(&path(b"4").unwrap(), large.clone()), Err(Errno::NoSpace));
        files.write(&path(b"3").unwrap(), large).unwrap();
        let larger = Bytes::from(vec![0; MAX_FILE + 1]);
        assert_eq!(files.write(&path(b"4").unwrap(), larger), Err(Errno::FileTooBig));
        for name in [&b"../x"[..], b"private", &b"d/".repeat(MAX_FOLDERS + 1)] {
            assert_eq!(path(name), Err(Errno::Invalid));
        }
    }
}
