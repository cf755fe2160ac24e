//! AO-Core as pure data: messages, codecs, commitments, ids, hashpaths and paths.
//!
//! No I/O, no async, no clock: every function of this crate is a function of its arguments.

pub mod ans104;
pub mod base64;
mod id;
pub mod signature;
mod wallet;

pub use id::{ID_TEXT_LENGTH, Id, InvalidId};
pub use wallet::{Wallet, WalletError};
