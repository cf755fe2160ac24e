//! What is left of a crash: on the screen, and in the data folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::child::End;

/// The folder of reports in the data folder.
pub(in crate::cli) const FOLDER: &str = "crashes";
/// Reports that are kept.
const KEPT: usize = 10;

/// A crash in text: how it ended, and its last words.
pub(super) fn text(end: &End) -> String {
    let mut text = format!("the node {}; its last words:\n", end.says());
    for line in &end.last {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// Writes a report, and removes the oldest.
pub(super) fn keep(folder: &Path, end: &End) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    fs::write(folder.join(format!("{:014}.txt", now.as_millis())), text(end))?;
    let all = kept(folder)?;
    all.iter().take(all.len().saturating_sub(KEPT)).try_for_each(fs::remove_file)
}

/// The reports that are kept, the latest last.
pub(in crate::cli) fn kept(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let files = fs::read_dir(folder)?.map(|file| Ok(file?.path()));
    let mut files = files.collect::<io::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    Ok(files)
}
