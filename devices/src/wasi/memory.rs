//! What a guest hands over in its memory: numbers and buffers.

use bytes::Bytes;
use oxbeam_kernel::CallError;
use oxbeam_sandbox::Val;

use super::errno::Errno;
use crate::wasm::{Door, Refused};

/// Buffers of one call, as on other systems.
const MAX_BUFFERS: u64 = 1024;

/// Why a function ends early: an error for the guest, or one of the call as a whole.
#[derive(Debug)]
pub(super) enum Stop {
    Guest(Errno),
    Call(CallError),
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Guest(error)
    }
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<Refused> for Stop {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Fault => Self::Guest(Errno::Fault),
            Refused::Closed(error) => Self::Call(error),
        }
    }
}

/// A part of a guest's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Buffer {
    pub(super) address: u64,
    pub(super) length: u64,
}

/// Reads a list of buffers: `{address, length}` each, as wide as the guest's addresses.
pub(super) async fn buffers(door: &Door, at: u64, count: u64) -> Result<Vec<Buffer>, Stop> {
    if count > MAX_BUFFERS {
        return Err(Errno::Invalid.into());
    }
    let width = if door.is_64() { 8 } else { 4 };
    let list = door.read(at, count * 2 * width as u64).await?;
    let numbers: Vec<u64> = list.chunks(width).map(little_endian).collect();
    let pairs = numbers.chunks_exact(2);
    let pairs = pairs.filter_map(|pair| match pair {
        [address, length] => Some(Buffer { address: *address, length: *length }),
        _ => None,
    });
    Ok(pairs.collect())
}

/// The bytes of all buffers together; at most `limit` of them.
pub(super) async fn together(
    door: &Door,
    buffers: &[Buffer],
    limit: usize,
) -> Result<Vec<u8>, Stop> {
    let total = buffers.iter().fold(0_u64, |total, one| total.saturating_add(one.length));
    if total > limit as u64 {
        return Err(Errno::FileTooBig.into());
    }
    let mut bytes = Vec::new();
    for buffer in buffers {
        bytes.extend_from_slice(&door.read(buffer.address, buffer.length).await?);
    }
    Ok(bytes)
}

/// Fills the buffers one after another. Answers with how many bytes they took.
pub(super) async fn fill(door: &Door, buffers: &[Buffer], mut bytes: Bytes) -> Result<usize, Stop> {
    let available = bytes.len();
    for buffer in buffers {
        let length = usize::try_from(buffer.length).unwrap_or(usize::MAX).min(bytes.len());
        if length > 0 {
            door.write(buffer.address, bytes.split_to(length)).await?;
        }
    }
    Ok(available - bytes.len())
}

/// Writes a size, as wide as the guest's addresses.
pub(super) async fn write_size(door: &Door, at: u64, size: usize) -> Result<(), Stop> {
    let bytes = (size as u64).to_le_bytes();
    let width = if door.is_64() { 8 } else { 4 };
    write(door, at, bytes.get(..width).unwrap_or_default()).await
}

/// Writes bytes.
pub(super) async fn write(door: &Door, at: u64, bytes: &[u8]) -> Result<(), Stop> {
    Ok(door.write(at, Bytes::copy_from_slice(bytes)).await?)
}

/// Arguments as the unsigned numbers that they are meant to be.
pub(super) fn unsigned<const N: usize>(arguments: &[Val]) -> Result<[u64; N], Stop> {
    let numbers: Option<Vec<u64>> = arguments.iter().map(Val::address).collect();
    let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
    numbers.ok_or_else(|| Errno::Invalid.into())
}

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
