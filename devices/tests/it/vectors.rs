//! Vectors that lie beside the repository; a test of them passes where they are not at hand.

use std::fs;
use std::path::{Path, PathBuf};

use oxbeam_protocol::Wallet;
use serde_json::Value as Json;

fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = match std::env::var_os("OXBEAM_VECTORS") {
        Some(folder) => PathBuf::from(folder),
        None => folder,
    };
    folder.exists().then_some(folder)
}

/// The lines of a file, none if there are no vectors here.
pub(crate) fn lines(file: &str) -> Vec<Json> {
    let Some(folder) = folder() else { return Vec::new() };
    let text = fs::read_to_string(folder.join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// One of the vectors' wallets.
pub(crate) fn wallet(number: &str) -> Option<Wallet> {
    let text = fs::read_to_string(folder()?.join("wallets.json")).unwrap();
    let wallets: Json = serde_json::from_str(&text).unwrap();
    Some(Wallet::from_text(&wallets[number].to_string()).unwrap())
}
