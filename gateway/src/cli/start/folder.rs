//! The data folder.
//!
//! | Name          | What                                                 |
//! |---------------|------------------------------------------------------|
//! | `store/`      | the store                                            |
//! | `wallet.json` | the wallet, unless the configuration has another one |
//! | `oxbeam.lock` | held by the node that runs                           |

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;

/// The file that the node which runs holds.
pub(in crate::cli) const LOCK: &str = "oxbeam.lock";
/// The folder of the store.
pub(in crate::cli) const STORE: &str = "store";

/// A folder that no other node uses, until this is dropped or the program ends.
#[derive(Debug)]
pub(super) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if it is not there, for its user alone, and takes it.
    pub(super) fn take(path: &Path) -> Result<Self, Failure> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| Failure::io(path, error))?;
        let file = path.join(LOCK);
        let lock = File::options().create(true).truncate(false).write(true).open(&file);
        let lock = lock.map_err(|error| Failure::io(&file, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(Failure::FolderInUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(Failure::io(&file, error)),
        }
    }

    pub(super) fn store(&self) -> PathBuf {
        self.path.join(STORE)
    }
}
