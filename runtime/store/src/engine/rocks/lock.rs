//! Who has the folder.
//!
//! RocksDB's own lock is free before the list of files is written, and is not yet taken when the
//! list is read. This one is held from before the one until after the other.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::fault::system;
use crate::error::StoreError;

const LOCK: &str = "STORE.LOCK";

/// The folder is ours until this is dropped, or the program ends.
#[derive(Debug)]
pub(super) struct FolderLock(File);

impl FolderLock {
    pub(super) fn take(folder: &Path) -> Result<Self, StoreError> {
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).open(folder.join(LOCK));
        let file = file.map_err(|error| system(folder, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                let source = Arc::new(io::Error::from(io::ErrorKind::WouldBlock));
                Err(StoreError::InUse { folder: folder.to_owned(), source })
            }
            Err(TryLockError::Error(error)) => Err(system(folder, error)),
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // Closing the file is not enough: a child that is being started has a copy of it.
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the folder's lock could not be given up");
        }
    }
}
