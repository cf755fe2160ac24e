//! Oxbeam's gateway.
