//! The stream's frames.

use std::io::{Read, Write};
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use oxbeam_protocol::Id;
use serde::{Deserialize, Serialize};

use crate::engine::Family;
use crate::error::StoreError;
use crate::log::MAX_VALUE_BYTES;

const MAGIC: &[u8; 12] = b"OXBEAM-STORE";
/// The version of the stream that is written, and the newest that is read.
const VERSION: u32 = 1;
/// No record is longer: the longest value and what surrounds it.
const MAX_FRAME_BYTES: usize = MAX_VALUE_BYTES + (1 << 20);

/// A record as it lies in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) family: Family,
    pub(super) key: Bytes,
    pub(super) value: Bytes,
}

#[derive(Debug)]
pub(super) enum Frame {
    Process(Id),
    Record(Record),
    End,
}

#[derive(Serialize, Deserialize)]
enum Body {
    Process(Bytes),
    Record(u8, Bytes, Bytes),
    End(u64, Bytes),
}

/// What both sides count and hash.
struct Sum {
    records: u64,
    hash: Context,
}

impl Sum {
    fn new() -> Self {
        Self { records: 0, hash: Context::new(&SHA256) }
    }

    fn add(&mut self, record: &Record) {
        self.records += 1;
        self.hash.update(&[record.family.code()]);
        for part in [&record.key, &record.value] {
            self.hash.update(&(part.len() as u64).to_be_bytes());
            self.hash.update(part);
        }
    }

    fn end(&self) -> (u64, Bytes) {
        (self.records, Bytes::copy_from_slice(self.hash.clone().finish().as_ref()))
    }
}

/// Frames being written.
pub(super) struct Frames<'a> {
    to: &'a mut dyn Write,
    sum: Sum,
}

impl<'a> Frames<'a> {
    pub(super) fn begin(to: &'a mut dyn Write) -> Result<Self, StoreError> {
        to.write_all(MAGIC).and_then(|()| to.write_all(&VERSION.to_be_bytes())).map_err(failed)?;
        Ok(Self { to, sum: Sum::new() })
    }

    pub(super) fn process(&mut self, process: Id) -> Result<(), StoreError> {
        self.write(&Body::Process(Bytes::copy_from_slice(process.as_bytes())))
    }

    pub(super) fn record(&mut self, record: Record) -> Result<(), StoreError> {
        self.sum.add(&record);
        self.write(&Body::Record(record.family.code(), record.key, record.value))
    }

    pub(super) fn end(&mut self) -> Result<(), StoreError> {
        let (records, hash) = self.sum.end();
        self.write(&Body::End(records, hash))?;
        self.to.flush().map_err(failed)
    }

    fn write(&mut self, body: &Body) -> Result<(), StoreError> {
        let invalid = |error: rmp_serde::encode::Error| failed(std::io::Error::other(error));
        let body = rmp_serde::to_vec(body).map_err(invalid)?;
        let length =
            u32::try_from(body.len()).map_err(|error| failed(std::io::Error::other(error)))?;
        let mut frame = length.to_be_bytes().to_vec();
        frame.extend_from_slice(&crc32fast::hash(&body).to_be_bytes());
        self.to.write_all(&frame).and_then(|()| self.to.write_all(&body)).map_err(failed)
    }
}

fn failed(error: std::io::Error) -> StoreError {
    StoreError::Stream { action: "write", source: Arc::new(error) }
}

/// Frames being read.
pub(super) struct ReadFrames<'a> {
    from: &'a mut dyn Read,
    sum: Sum,
}

impl<'a> ReadFrames<'a> {
    pub(super) fn begin(from: &'a mut dyn Read) -> Result<Self, StoreError> {
        let mut frames = Self { from, sum: Sum::new() };
        if frames.exactly::<12>()? != *MAGIC {
            return Err(invalid("it does not begin like one"));
        }
        let found = u32::from_be_bytes(frames.exactly()?);
        if found > VERSION {
            return Err(StoreError::VersionTooNew { found, supported: VERSION });
        }
        Ok(frames)
    }

    pub(super) fn next(&mut self) -> Result<Frame, StoreError> {
        let length = u32::from_be_bytes(self.exactly()?) as usize;
        let checksum = u32::from_be_bytes(self.exactly()?);
        if length > MAX_FRAME_BYTES {
            return Err(invalid("a frame is too long"));
        }
        let mut body = Vec::new();
        // Not allocated before it is there: the length may be wrong.
        let read = self.from.take(length as u64).read_to_end(&mut body).map_err(broken)?;
        if read != length {
            return Err(invalid("it ends within a frame"));
        }
        if crc32fast::hash(&body) != checksum {
            return Err(invalid("the checksum of a frame does not match"));
        }
        let body = rmp_serde::from_slice(&body).map_err(|error| invalid(&error.to_string()))?;
        self.understand(body)
    }

    fn understand(&mut self, body: Body) -> Result<Frame, StoreError> {
        match body {
            Body::Process(id) => {
                let id = <[u8; 32]>::try_from(&*id).map_err(|_| invalid("a process has no id"))?;
                Ok(Frame::Process(id.into()))
            }
            Body::Record(family, key, value) => {
                let family = Family::from_code(family).ok_or_else(|| invalid("no such family"))?;
                let record = Record { family, key, value };
                self.sum.add(&record);
                Ok(Frame::Record(record))
            }
            Body::End(records, hash) => match (records, hash) == self.sum.end() {
                true => Ok(Frame::End),
                false => Err(invalid("records are missing or changed")),
            },
        }
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut bytes = [0; N];
        match self.from.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(invalid("it ends too early"))
            }
            Err(error) => Err(broken(error)),
        }
    }
}

fn broken(error: std::io::Error) -> StoreError {
    StoreError::Stream { action: "read", source: Arc::new(error) }
}

pub(super) fn invalid(reason: &str) -> StoreError {
    StoreError::InvalidExport { reason: reason.to_owned() }
}
