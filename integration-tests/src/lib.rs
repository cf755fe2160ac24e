//! Conformance vectors: answers recorded from the reference node, checked against this node.
//!
//! A folder of vectors holds one JSON Lines file a category. Every line names an operation, its
//! input and the answer. [`run`] computes each answer anew and compares; which lines are answered
//! differently on purpose stands in [`deviations`].

pub mod aos;
pub mod bench;
pub mod category;
pub mod client;
pub mod deviations;
pub mod node;
pub mod program;
pub mod report;
pub mod served;
pub mod typed;
pub mod upstream;
pub mod vector;

pub use report::{Report, run};
