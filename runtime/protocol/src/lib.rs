//! AO-Core as pure data: messages, codecs, commitments, ids, hashpaths and paths.
//!
//! No I/O, no async, no clock: every function of this crate is a function of its arguments.
//!
//! # The model
//!
//! A [`Message`] is a map from keys to [`Value`]s. Everything in AO-Core is one: a request, a
//! result, a program, the state of a process.
//!
//! - It is **written** in one of several forms: as HTTP headers and body, JSON, a data item, paths.
//!   Each form is a type of [`codec`]. All start from one plain form, in which every value is bytes or
//!   a map and `ao-types` says what the bytes were; [`codec::Structured`] makes it.
//! - It is **named** by the hash of what it says: [`commitment::unsigned_id`]. A nested message counts
//!   by its own id, so that a message has one name whether its parts are at hand or elsewhere.
//! - It is **signed** by commitments, which lie in the message itself: [`commitment::commit`]. They
//!   say who vouches for which keys. Of a message from outside, only what
//!   [`commitment::authenticate`] returns may be believed: it computes every claim anew.
//! - It is **computed** by applying requests to it, one after another. [`path`] turns a URL into that
//!   list of requests, and a [`hashpath`] names each result by the chain of steps that led to it.
//!
//! What the crate must keep or find elsewhere goes through the [`Content`] trait. What it reads from
//! outside is bounded by [`limits`], and wrong input is an error that says what and where.
//!
//! # An example
//!
//! A message is signed, travels over HTTP, and is verified on the other side.
//!
//! ```
//! use oxbeam_protocol::codec::{HttpSig, Links};
//! use oxbeam_protocol::commitment::{self, CommitRequest};
//! use oxbeam_protocol::hashpath::Hashpath;
//! use oxbeam_protocol::{Key, Message, NoContent, Value, Wallet};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // A message with a text, a number and a nested message.
//! let transfer = Message::new()
//!     .with("action", "Transfer")
//!     .with("quantity", 1000)
//!     .with("memo", Message::from([("for", "coffee")]));
//!
//! // Its name does not depend on who signs it.
//! let id = commitment::unsigned_id(&transfer.clone().into())?;
//! assert_eq!(id.to_string(), "vmM71Id9aXOGWEzjC_Qz4XwAAec8ddDUW1GD3W_RApM");
//!
//! // Its sender signs it. Another key would do as well: wallets hold RSA or Ethereum keys.
//! let wallet = Wallet::generate_secp256k1()?;
//! let signed = commitment::commit(&transfer, &CommitRequest::default(), &wallet, &NoContent)?;
//!
//! // On the wire short values are headers, and the nested message is a part of the body.
//! let wire = HttpSig { links: Links::Embed(&NoContent) }.encode(&signed.into())?;
//! assert_eq!(wire.headers[b"quantity".as_slice()], "1000");
//! assert!(wire.body.is_some());
//!
//! // Who receives it believes nothing, and then knows what was said and by whom.
//! let Value::Map(received) = HttpSig::decode(&wire)? else { unreachable!() };
//! let believed = commitment::authenticate(&received, &NoContent)?;
//! assert_eq!(commitment::committers(&believed), [Key::from(wallet.address().to_string())]);
//! assert_eq!(believed.get("quantity"), Some(&1000.into()));
//!
//! // A single changed value is found.
//! let forged = received.clone().with("quantity", 9999);
//! assert!(commitment::authenticate(&forged, &NoContent).is_err());
//!
//! // Reading its memo is a computation, and has a name of its own.
//! let step = Hashpath::of_step(&transfer, &Message::from([("path", "memo")]))?;
//! assert_eq!(step.to_string(), format!("{id}/memo"));
//! # Ok(())
//! # }
//! ```

pub mod ans104;
pub mod base64;
mod changes;
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
mod private;
mod set;
pub mod signature;
pub mod structured_field;
mod table;
mod teardown;
mod tree;
mod value;
mod wallet;

pub use changes::Change;
pub use content::{Content, ContentError, NoContent};
pub use id::{ID_TEXT_LENGTH, Id, InvalidId};
pub use key::{Key, LINK_SUFFIX};
pub use message::{Entries, Iter, Message};
pub use order::SORTED_KEYS;
pub use set::SetError;
pub use value::{Atom, Link, List, Value};
pub use wallet::{Wallet, WalletError};
