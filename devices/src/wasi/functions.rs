//! The functions that a guest calls. Source: spec 13, section 5.2; WASI snapshot preview 1.

use std::sync::Arc;

use bytes::Bytes;
use oxbeam_kernel::{Call, CallError, Context, Outcome};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_sandbox::Val;

use super::errno::Errno;
use super::files::{self, Files, MAX_FILE, MAX_PATH};
use super::memory::{self, Stop, unsigned};
use crate::wasm::Door;

const CREATE: u64 = 1;
const FOLDER: u64 = 2;
const EXCLUSIVE: u64 = 4;
const TRUNCATE: u64 = 8;
const APPEND: u64 = 1;

/// Descriptors of the standard streams, which no guest can close for the slots to come.
const STANDARD: std::ops::RangeInclusive<u64> = 0..=2;

/// Whether a key is a function of WASI that this node has.
pub(super) fn is_one(function: &str) -> bool {
    matches!(
        function,
        "clock-time-get" | "fd-write" | "fd-read" | "fd-seek" | "fd-close" | "path-open"
    )
}

/// A call of a guest: what it can reach.
struct Guest<'a> {
    door: Arc<Door>,
    files: Files,
    arguments: &'a [Val],
}

/// Answers a guest: the next state, and 0 or an error.
pub(super) async fn answer(call: &Call, function: &str) -> Result<Outcome, CallError> {
    let context = &call.context;
    let Some(Value::Map(state)) = context.get(&call.base, "state").await? else {
        return Err(CallError::Raised(format!("{function} needs the state of a guest")));
    };
    if function == "clock-time-get" {
        return Ok(said(state, Some(Errno::TooBig)));
    }
    let door = Door::at(&call.base);
    let door = door.ok_or_else(|| CallError::Raised(format!("{function} is for guests alone")))?;
    let arguments = arguments(context, &call.request).await?;
    let files = Files::of(context, &state).await?;
    let mut guest = Guest { door, files, arguments: &arguments };
    let ended = match function {
        "fd-write" => guest.write().await,
        "fd-read" => guest.read().await,
        "fd-seek" => guest.seek().await,
        "fd-close" => guest.close(),
        _ => guest.open().await,
    };
    match ended {
        Ok(()) => Ok(said(guest.files.into_state(state), None)),
        Err(Stop::Guest(error)) => Ok(said(state, Some(error))),
        Err(Stop::Call(error)) => Err(error),
    }
}

fn said(state: Message, error: Option<Errno>) -> Outcome {
    let error = error.map_or(0, |error| error as u8);
    let results: List = [Value::Integer(error.into())].into_iter().collect();
    Outcome::ok(Message::new().with("state", state).with("results", results))
}

/// Arguments came as integers, of which the type is known by the function.
async fn arguments(context: &Context, request: &Message) -> Result<Vec<Val>, CallError> {
    let arguments = context.get(request, "args").await?;
    let arguments = arguments.and_then(|arguments| List::try_from(arguments).ok());
    let number = |value: &Value| match value {
        Value::Integer(number) => i64::try_from(number).ok().map(Val::I64),
        _ => None,
    };
    let numbers = arguments.and_then(|list| list.iter().map(number).collect());
    numbers.ok_or_else(|| CallError::Raised("args is no list of integers".into()))
}

impl Guest<'_> {
    /// `fd_write(fd, buffers, count, written)`.
    async fn write(&mut self) -> Result<(), Stop> {
        let [number, list, count, written] = self.take()?;
        let file = self.files.descriptor(number)?;
        let buffers = memory::buffers(&self.door, list, count).await?;
        let bytes = memory::together(&self.door, &buffers, MAX_FILE).await?;
        if !bytes.is_empty() {
            let before = self.files.read(&file.path)?;
            let end = file.offset.checked_add(bytes.len()).filter(|end| *end <= MAX_FILE);
            let end = end.ok_or(Errno::FileTooBig)?;
            self.door.charge(before.len().max(end) as u64).await?;
            self.files.write(&file.path, spliced(&before, file.offset, &bytes))?;
            self.files.seek(number, end);
        }
        memory::write_size(&self.door, written, bytes.len()).await
    }

    /// `fd_read(fd, buffers, count, read)`.
    async fn read(&mut self) -> Result<(), Stop> {
        let [number, list, count, read] = self.take()?;
        let file = self.files.descriptor(number)?;
        let buffers = memory::buffers(&self.door, list, count).await?;
        let bytes = self.files.read(&file.path)?;
        let rest = bytes.slice(file.offset.min(bytes.len())..);
        let length = memory::fill(&self.door, &buffers, rest).await?;
        if length > 0 {
            self.files.seek(number, file.offset + length);
        }
        memory::write_size(&self.door, read, length).await
    }

    /// `fd_seek(fd, offset, whence, position)`; a position has 64 bits, whatever the guest's memory.
    async fn seek(&mut self) -> Result<(), Stop> {
        let [number, offset, whence, position] = self.take()?;
        let file = self.files.descriptor(number)?;
        let from = match whence {
            0 => 0,
            1 => file.offset,
            2 => self.files.read(&file.path)?.len(),
            _ => return Err(Errno::Invalid.into()),
        };
        let from = i64::try_from(from).map_err(|_| Errno::Invalid)?;
        let to = from.checked_add(offset.cast_signed()).and_then(|to| usize::try_from(to).ok());
        let to = to.filter(|to| *to <= MAX_FILE).ok_or(Errno::Invalid)?;
        self.files.seek(number, to);
        memory::write(&self.door, position, &(to as u64).to_le_bytes()).await
    }

    /// `fd_close(fd)`.
    fn close(&mut self) -> Result<(), Stop> {
        let [number] = self.take()?;
        self.files.descriptor(number)?;
        if !STANDARD.contains(&number) {
            self.files.close(number);
        }
        Ok(())
    }

    /// `path_open(folder, lookup, path, length, how, rights, inherited, flags, opened)`. There is one
    /// root, and everything may be read and written.
    async fn open(&mut self) -> Result<(), Stop> {
        let [_, _, path, length, how, _, _, flags, opened] = self.take()?;
        if length > MAX_PATH {
            return Err(Errno::TooBig.into());
        }
        let path = files::path(&self.door.read(path, length).await?)?;
        let found = self.files.read(&path);
        let size = match found {
            Ok(_) if how & CREATE != 0 && how & EXCLUSIVE != 0 => return Err(Errno::Exists.into()),
            Ok(_) if how & FOLDER != 0 => return Err(Errno::NotFolder.into()),
            Ok(file) if how & TRUNCATE == 0 => file.len(),
            Ok(_) => self.empty(&path)?,
            Err(Errno::NotFound) if how & CREATE != 0 => self.empty(&path)?,
            Err(error) => return Err(error.into()),
        };
        let offset = if flags & APPEND != 0 { size } else { 0 };
        let number = u32::try_from(self.files.open(&path, offset)?);
        let number = number.map_err(|_| Errno::TooManyDescriptors)?;
        memory::write(&self.door, opened, &number.to_le_bytes()).await
    }

    fn empty(&mut self, path: &[oxbeam_protocol::Key]) -> Result<usize, Errno> {
        self.files.write(path, Bytes::new())?;
        Ok(0)
    }

    fn take<const N: usize>(&self) -> Result<[u64; N], Stop> {
        unsigned(self.arguments)
    }
}

/// A file with bytes in place of those at an offset; what is missing before it is zeros.
fn spliced(before: &[u8], offset: usize, bytes: &[u8]) -> Bytes {
    let end = offset.saturating_add(bytes.len());
    let mut after = before.to_vec();
    if after.len() < end {
        after.resize(end, 0);
    }
    if let Some(place) = after.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
    after.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_take_the_place_of_those_at_their_offset() {
        assert_eq!(spliced(b"abcdef", 2, b"XY"), "abXYef");
        assert_eq!(spliced(b"ab", 1, b"XY"), "aXY");
        assert_eq!(spliced(b"a", 3, b"X"), &b"a\0\0X"[..]);
    }
}
