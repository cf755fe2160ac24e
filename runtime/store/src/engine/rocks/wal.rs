//! Whether the write-ahead log ends where it was written to, or where it is damaged.
//!
//! RocksDB takes the first record of a log's last block that makes no sense for the log's end, which
//! is what a power cut leaves. If a record that makes sense lies behind it, it is damage, and what
//! RocksDB would drop may have been acknowledged. Damage before the last block it finds itself.
//!
//! ```text
//! block of 32 KiB: records, then zeros if no header fits
//! record: masked CRC-32C of type and body, u32 ‖ length of the body, u16 ‖ type, u8 ‖ body
//! ```
//!
//! All numbers are little-endian. Source: RocksDB's `db/log_format.h`.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::fault::{damaged, system};
use crate::error::StoreError;

const BLOCK_BYTES: u64 = 32 << 10;
const HEADER_BYTES: usize = 7;
/// Whole, first, middle and last parts of a batch. Logs are not recycled.
const TYPES: std::ops::RangeInclusive<u8> = 1..=4;
const CASTAGNOLI: [u32; 256] = table();

/// Refuses a folder with a log that goes on behind damage.
pub(super) fn check(folder: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(folder).map_err(|error| system(folder, error))? {
        let entry = entry.map_err(|error| system(folder, error))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".log") {
            continue;
        }
        let block = last_block(&entry.path()).map_err(|error| system(folder, error))?;
        if let Some(at) = damage(&block) {
            let reason = format!("{name} is damaged at byte {at} of its last block");
            return Err(damaged(folder, reason));
        }
    }
    Ok(())
}

fn last_block(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length - length % BLOCK_BYTES))?;
    let mut block = Vec::new();
    file.take(BLOCK_BYTES).read_to_end(&mut block)?;
    Ok(block)
}

/// Where a record makes no sense, if one behind it does.
fn damage(block: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(length) = record(block, at) {
        at += length;
    }
    (at + 1..block.len()).any(|behind| record(block, behind).is_some()).then_some(at)
}

/// The length of the record at `at`, if there is one.
fn record(block: &[u8], at: usize) -> Option<usize> {
    let (&[a, b, c, d, short, long, kind], rest) =
        block.get(at..)?.split_first_chunk::<HEADER_BYTES>()?;
    let body = rest.get(..usize::from(u16::from_le_bytes([short, long])))?;
    let masked = u32::from_le_bytes([a, b, c, d]);
    let sound = TYPES.contains(&kind) && masked == mask(checksum(kind, body));
    sound.then_some(HEADER_BYTES + body.len())
}

/// A checksum as it is stored, so that a log within a log is not taken for one.
fn mask(checksum: u32) -> u32 {
    checksum.rotate_right(15).wrapping_add(0xa282_ead8)
}

fn checksum(kind: u8, body: &[u8]) -> u32 {
    let mut checksum = u32::MAX;
    for byte in std::iter::once(&kind).chain(body) {
        let [low, ..] = (checksum ^ u32::from(*byte)).to_le_bytes();
        let entry = CASTAGNOLI.get(usize::from(low)).copied().unwrap_or_default();
        checksum = (checksum >> 8) ^ entry;
    }
    !checksum
}

#[expect(clippy::indexing_slicing, reason = "run by the compiler, which would say so")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut entry = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            entry = if entry & 1 == 1 { (entry >> 1) ^ 0x82f6_3b78 } else { entry >> 1 };
            bit += 1;
        }
        table[byte] = entry;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, appendix B.4, has no shorter vector; this one is everybody's.
        assert_eq!(checksum(b'1', b"23456789"), 0xe306_9283);
    }

    fn written(body: &[u8]) -> Vec<u8> {
        let mut record = mask(checksum(1, body)).to_le_bytes().to_vec();
        record.extend((body.len() as u16).to_le_bytes());
        record.push(1);
        record.extend(body);
        record
    }

    #[test]
    fn any_flipped_bit_before_the_last_record_is_damage_and_any_cut_is_none() {
        let block: Vec<u8> = [&b"first"[..], b"second", b"third"].map(written).concat();
        assert_eq!(damage(&block), None);
        for cut in 0..block.len() {
            assert_eq!(damage(&block[..cut]), None, "{cut}");
        }
        for bit in 0..(block.len() - written(b"third").len()) * 8 {
            let mut flipped = block.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(damage(&flipped).is_some(), "{bit}");
        }
    }
}
