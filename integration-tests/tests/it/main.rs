//! The node from outside: answers recorded from the reference node, and programs of the network.
#![cfg(test)]

mod aos;
mod clients;
mod crash;
mod docs;
mod hyper;
mod person;
mod vectors;
