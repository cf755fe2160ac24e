//! The crate as its users see it.
#![cfg(test)]

mod asks;
mod boot;
mod bounds;
mod chaos;
mod common;
mod concurrent;
mod control;
mod drops;
mod dynamic;
mod inspect;
mod links;
mod on_demand;
mod one_life;
mod outermost;
mod panics;
mod rules;
mod scheduler;
mod shell;
mod sitters;
mod stuck;
mod threads;
mod watching;
