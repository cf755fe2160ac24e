//! Guests from the outside.

mod lower;
