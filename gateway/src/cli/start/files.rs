//! How many files the program may have open, of which each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More are asked for from no system.
const MOST: u64 = 1 << 20;
/// What a node has open beside connections and tables of the store: logs, pipes, its own sockets.
const OTHERS: u64 = 256;

/// Raises the limit as far as the system allows. Answers with how many of them may be connections, if
/// there is a limit, where the store has so many files open.
pub(super) fn for_connections(of_store: i32) -> Option<usize> {
    let of_store = u64::try_from(of_store).unwrap_or_default();
    let left = raised()?.saturating_sub(of_store).saturating_sub(OTHERS);
    Some(usize::try_from(left).unwrap_or(usize::MAX))
}

fn raised() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let soft = limit.current?;
    let wanted = limit.maximum.unwrap_or(MOST).min(MOST);
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    match wanted > soft && setrlimit(Resource::Nofile, raised).is_ok() {
        true => Some(wanted),
        false => Some(soft),
    }
}
