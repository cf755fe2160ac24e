//! Both engines, and small things to put into them.

use std::future::Future;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::FutureExt;
use oxbeam_protocol::Id;
use oxbeam_store::{
    Append, Commit, ContentBatch, LocalStore, MemoryDisk, Outgoing, Recovery, Slot, StoreConfig,
    StoreError,
};

/// Where a store keeps its data, across restarts.
#[derive(Debug)]
pub(crate) enum Place {
    Memory(MemoryDisk),
    Folder(tempfile::TempDir),
}

impl Place {
    pub(crate) fn folder() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn memory() -> Self {
        Self::Memory(MemoryDisk::new())
    }

    pub(crate) fn path(&self) -> PathBuf {
        match self {
            Self::Folder(folder) => folder.path().join("store"),
            Self::Memory(_) => panic!("memory has no path"),
        }
    }

    pub(crate) fn open(&self) -> LocalStore {
        self.open_with(&small()).unwrap().0
    }

    pub(crate) fn open_with(
        &self,
        config: &StoreConfig,
    ) -> Result<(LocalStore, Recovery), StoreError> {
        match self {
            Self::Memory(disk) => LocalStore::open_memory(disk, config),
            Self::Folder(_) => LocalStore::open(self.path(), config),
        }
    }

    pub(crate) async fn reopen(&self, store: LocalStore) -> LocalStore {
        store.close().await;
        drop(store);
        self.open()
    }
}

/// A configuration that makes many small stores cheap.
pub(crate) fn small() -> StoreConfig {
    StoreConfig {
        cache_bytes: 8 << 20,
        write_buffer_bytes: 4 << 20,
        collection_bytes: 64 << 10,
        ..StoreConfig::default()
    }
}

/// Runs a test on the memory engine, then on RocksDB.
pub(crate) async fn on_both<F: Future<Output = ()>>(test: impl Fn(Place) -> F) {
    test(Place::memory()).await;
    test(Place::folder()).await;
}

pub(crate) fn id(name: &str) -> Id {
    Id::of(name.as_bytes())
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// The hash chain at a slot of bodies that [`append`] names.
pub(crate) fn chain(process: Id, slot: Slot) -> Id {
    let before = slot.checked_sub(1).map(|before| chain(process, before));
    next_chain(before, body(process, slot))
}

/// The hash chain after one more body.
pub(crate) fn next_chain(before: Option<Id>, body: Id) -> Id {
    let mut hashed = before.map_or(Vec::new(), |chain| chain.as_bytes().to_vec());
    hashed.extend_from_slice(body.to_string().as_bytes());
    Id::of(&hashed)
}

pub(crate) fn body(process: Id, slot: Slot) -> Id {
    id(&format!("body {process} {slot}"))
}

pub(crate) fn append(process: Id, slot: Slot) -> Append {
    append_with(process, slot, chain(process, slot))
}

/// The same with a chain that is known already, for long logs.
pub(crate) fn append_with(process: Id, slot: Slot, chain: Id) -> Append {
    Append {
        process,
        slot,
        assignment: format!("assignment {slot} of {process}").into(),
        chain,
        body: Some(body(process, slot)),
        origin: None,
        content: ContentBatch::default(),
    }
}

pub(crate) fn commit(process: Id, slot: Slot) -> Commit {
    Commit {
        process,
        slot,
        result: id(&format!("result {process} {slot}")),
        hashpath: format!("{process}/{slot}"),
        state: None,
        outbox: Vec::new(),
        content: ContentBatch::default(),
        allowance: None,
        printed: String::new(),
        begins: 0,
    }
}

pub(crate) fn outgoing(index: u32, next_try: u64) -> Outgoing {
    Outgoing {
        index,
        target: format!("target {index}"),
        id: id(&format!("sent {index}")),
        message: format!("message {index}").into(),
        next_try,
    }
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Asks an answer once whether it is there.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    future.now_or_never()
}
