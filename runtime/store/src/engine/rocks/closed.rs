//! What a folder held when it was closed: length and name of each file with data, and a checksum of
//! logs and manifests.
//!
//! RocksDB finds changed bits by its own checksums, but takes a log or manifest whose end is cut off
//! or unreadable for one that was never written further. After an orderly end we know better. After
//! a crash there is no such list, and damage to the last record cannot be told from the crash.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write as _};
use std::path::Path;

use super::fault::{damaged, system};
use crate::error::StoreError;

const LIST: &str = "CLOSED";
const DATA_SUFFIXES: [&str; 3] = [".sst", ".blob", ".log"];
const DATA_PREFIXES: [&str; 2] = ["MANIFEST", "CURRENT"];

/// Whether RocksDB keeps data in a file of this name.
pub(super) fn holds_data(name: &str) -> bool {
    DATA_SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || DATA_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// A file's length, and its checksum unless RocksDB notices any change itself.
type File = (u64, u32);

/// Lists what is there now, nobody having the folder open.
///
/// All that is listed is on disk before the list is, for what the power takes of a file would make
/// the list wrong.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    sync(folder)?;
    let mut text = String::new();
    for (name, (length, checksum)) in found(folder)? {
        let _ = writeln!(text, "{length} {checksum:08x} {name}");
    }
    let checksum = crc32fast::hash(text.as_bytes());
    let _ = writeln!(text, "{checksum:08x}");
    let mut file = fs::File::create(folder.join(LIST))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::File::open(folder)?.sync_all()
}

/// Syncs the files that RocksDB may have left unsynced, and the folder.
fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if holds_data(&name) && !is_table(&name) {
            fs::File::open(entry.path())?.sync_all()?;
        }
    }
    fs::File::open(folder)?.sync_all()
}

/// RocksDB syncs tables before it names them anywhere, and notices any change of them.
fn is_table(name: &str) -> bool {
    name.ends_with(".sst") || name.ends_with(".blob")
}

/// Compares what is there with the list, if there is one, and removes the list: from now on it
/// would be wrong.
pub(super) fn check_and_remove(folder: &Path, salvage: bool) -> Result<(), StoreError> {
    let path = folder.join(LIST);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(system(folder, error)),
    };
    // A list that a crash left unfinished says nothing.
    if let Some(listed) = parse(&text).filter(|_| !salvage) {
        let found = found(folder).map_err(|error| system(folder, error))?;
        for (name, file) in listed {
            match found.get(&name) {
                Some(found) if *found == file => {}
                Some(_) => {
                    return Err(damaged(folder, format!("{name} was changed after it was closed")));
                }
                None => return Err(damaged(folder, format!("{name} is missing"))),
            }
        }
    }
    // Should the power bring the list back, it would be wrong.
    fs::remove_file(&path)
        .and_then(|()| fs::File::open(folder)?.sync_all())
        .map_err(|error| system(folder, error))
}

/// Bytes of the write-ahead log.
pub(super) fn log_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".log") {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

fn found(folder: &Path) -> io::Result<BTreeMap<String, File>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if holds_data(&name) {
            let checksum = if is_table(&name) { 0 } else { checksum(&entry.path())? };
            files.insert(name, (entry.metadata()?.len(), checksum));
        }
    }
    Ok(files)
}

fn checksum(path: &Path) -> io::Result<u32> {
    let mut file = fs::File::open(path)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize());
        }
        hasher.update(buffer.get(..read).unwrap_or_default());
    }
}

fn parse(text: &[u8]) -> Option<BTreeMap<String, File>> {
    let text = std::str::from_utf8(text).ok()?;
    let (list, checksum) = text.trim_end().rsplit_once('\n')?;
    let list = format!("{list}\n");
    if format!("{:08x}", crc32fast::hash(list.as_bytes())) != checksum {
        return None;
    }
    let files = list.lines().map(|line| {
        let mut parts = line.splitn(3, ' ');
        let (length, checksum, name) = (parts.next()?, parts.next()?, parts.next()?);
        let file = (length.parse().ok()?, u32::from_str_radix(checksum, 16).ok()?);
        Some((name.to_owned(), file))
    });
    files.collect()
}
