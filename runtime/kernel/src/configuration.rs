//! The node's configuration: one table of options, where their values come from, and the node
//! message that they make up.
//!
//! ```text
//! defaults ◄ file ◄ environment ◄ command line ◄ changes at run time
//! ```
//!
//! Each source takes precedence over those on its left. Source: spec 21, sections 1, 7 and 8.

mod document;
mod error;
mod kind;
mod names;
mod node_message;
mod option;
mod options;
mod sources;

pub use document::{OPTIONS_BEGIN, OPTIONS_END, document};
pub use error::ConfigurationError;
pub use kind::Kind;
pub use node_message::NodeMessage;
pub use option::{Change, NodeOption, Preset};
pub use options::{OPTIONS, option};
pub use sources::{CONFIG_FILES, Sources};
