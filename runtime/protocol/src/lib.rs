//! AO-Core as pure data: messages, codecs, commitments, ids, hashpaths and paths.
//!
//! No I/O, no async, no clock: every function of this crate is a function of its arguments.

pub mod ans104;
pub mod base64;
pub mod codec;
pub mod commitment;
pub mod compare;
mod content;
pub mod hashpath;
mod id;
mod key;
pub mod limits;
mod message;
mod order;
pub mod path;
mod set;
pub mod signature;
pub mod structured_field;
mod value;
mod wallet;

pub use content::{Content, ContentError, NoContent};
pub use id::{ID_TEXT_LENGTH, Id, InvalidId};
pub use key::{Key, LINK_SUFFIX};
pub use message::{Entries, Message, Private};
pub use order::SORTED_KEYS;
pub use set::SetError;
pub use value::{Atom, Link, List, Value};
pub use wallet::{Wallet, WalletError};
