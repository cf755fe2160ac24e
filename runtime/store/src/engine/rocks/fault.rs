//! What RocksDB's errors mean to us. It says much of it in text only.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rocksdb::{Error, ErrorKind};

use crate::engine::Family;
use crate::error::{Ended, StoreError};
use crate::record::hex;

/// The system's words for a disk, or a user's share of it, that is full.
const FULL: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

fn says(error: &Error, words: &[&str]) -> bool {
    words.iter().any(|word| error.as_ref().contains(word))
}

pub(super) fn not_open() -> StoreError {
    StoreError::Ended { ended: Ended::Closed }
}

pub(super) fn reading(family: Family, key: &[u8], error: Error) -> StoreError {
    if error.kind() == ErrorKind::Corruption || says(&error, &["No such file"]) {
        return StoreError::Corrupt { family, key: hex(key), reason: error.into_string() };
    }
    StoreError::ReadFailed { family, source: Arc::new(error) }
}

pub(super) fn writing(error: Error) -> StoreError {
    if says(&error, &FULL) {
        return StoreError::DiskFull { source: Arc::new(error) };
    }
    StoreError::WriteFailed { action: "write a batch", source: Arc::new(error) }
}

pub(super) fn opening(folder: &Path, error: Error) -> StoreError {
    let folder = folder.to_owned();
    if says(&error, &["lock file", "lock hold by"]) && !says(&error, &["Permission denied"]) {
        return StoreError::InUse { folder, source: Arc::new(error) };
    }
    if says(&error, &["Permission denied", "Read-only file system"]) {
        return StoreError::NoPermission { folder, source: Arc::new(error) };
    }
    if says(&error, &FULL) {
        return StoreError::DiskFull { source: Arc::new(error) };
    }
    if error.kind() == ErrorKind::Corruption || says(&error, &["No such file", "truncated"]) {
        return StoreError::Damaged { folder, source: Arc::new(error) };
    }
    StoreError::OpenFailed { folder, source: Arc::new(error) }
}

pub(super) fn system(folder: &Path, error: io::Error) -> StoreError {
    let folder = folder.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::NoPermission { folder, source: Arc::new(error) }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            StoreError::DiskFull { source: Arc::new(error) }
        }
        _ => StoreError::OpenFailed { folder, source: Arc::new(error) },
    }
}

pub(super) fn damaged(folder: &Path, reason: String) -> StoreError {
    let source = Arc::new(io::Error::other(reason));
    StoreError::Damaged { folder: folder.to_owned(), source }
}
