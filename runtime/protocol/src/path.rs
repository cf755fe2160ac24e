//! Requests as lists of steps, and back.
//!
//! A request is one message, the *singleton*: its path (query included), headers and body keys.
//! [`parse`] expands it into the steps that a node takes one after another, each on the result of
//! the one before; [`to_singleton`] is the inverse.
//!
//! ```text
//! path     = [ "/" ] *( segment "/" ) [ segment ] [ "?" query ]
//! segment  = id                        exactly 32, 42 or 43 bytes, whatever they are
//!          / "(" path ")"              a sub-path: its result is the step
//!          / key [ mods ]
//! mods     = "~" device [ "&" params ]
//!          / "&" params
//!          / [ "+" type ] "=" value [ "&" params ]      short for key & key = value …
//! params   = param *( "&" param )
//! param    = name [ "+" type ] "=" value / name         a name alone is true
//! value    = "(" path ")" / DQUOTE … DQUOTE / …
//! ```
//!
//! The whole path is percent-decoded before it is split, so `%2f` separates segments. No separator
//! counts between parentheses or quotes. Sub-paths are paths of their own: they are decoded again,
//! and see none of the request's keys.
//!
//! | Step                 | Keys that it gets, later ones override                        |
//! |----------------------|---------------------------------------------------------------|
//! | base (no segment)    | global, scope 0                                               |
//! | `key`                | global, scope of its number, `path` and params of its segment |
//! | `key~device`         | the same                                                      |
//! | `id~device`          | `path` and params of its segment                              |
//! | `id`, `(sub-path)`   | none                                                          |
//!
//! A key of the query or of the message is *global*, unless it is `N.name` and so belongs to step N
//! alone. `name+type` gives text a type. The base is there unless the path starts with an id, a
//! device or a sub-path. Nested messages stay in place: whoever stores or hashes a step links them.
//!
//! ```
//! use oxbeam_protocol::path::{Step, parse};
//! use oxbeam_protocol::Message;
//!
//! let steps = parse(&Message::from([("path", "/a&n+integer=5"), ("k", "v")]))?;
//! let base = Message::from([("k", "v")]);
//! let a = Message::from([("path", "a"), ("k", "v")]).with("n", 5);
//! assert_eq!(steps, [Step::from(base), Step::from(a)]);
//! # Ok::<(), oxbeam_protocol::path::PathError>(())
//! ```
//!
//! Source: spec 05, sections 1 to 3.

mod annotations;
mod entry;
mod error;
mod keys;
mod name;
mod params;
mod parser;
mod percent;
mod query;
mod scan;
mod segment;
mod step;
mod write;

pub use error::PathError;
pub use parser::{parse, query_of};
pub use step::{Request, Step, SubPath};
pub use write::to_singleton;

use crate::Key;

/// The key of a request that holds its path.
pub const PATH: Key = Key::from_static("path");
