//! Which keys of the steps are written once for all of them.

use crate::Key;
use crate::path::entry::Entry;
use crate::path::segment::is_id;
use crate::path::{PATH, Request, Step, name};

/// The request of a step to which the global and scoped keys of a singleton are added.
pub(super) fn takes_keys(step: &Step) -> Option<&Request> {
    match step {
        Step::Request(request) => Some(request),
        Step::As { request, .. } if !request.path().is_some_and(|path| is_id(path)) => {
            Some(request)
        }
        _ => None,
    }
}

/// What all steps that take keys have in common, if there are several.
///
/// A key that only some of them have is not written globally, because it would reach the others.
pub(super) fn shared(steps: &[Step]) -> Request {
    let mut takers = steps.iter().filter_map(takes_keys).peekable();
    let Some(mut shared) = takers.next().cloned() else { return Request::default() };
    if takers.peek().is_none() {
        return Request::default();
    }
    shared.set(PATH, Entry::Nothing);
    for other in takers {
        shared.message.retain(|key, value| other.message.get_exact(key) == Some(value));
        shared.pending.retain(|key, path| other.pending.get(key) == Some(path));
    }
    shared.message.retain(|key, _| reads_as(key, None));
    shared.pending.retain(|key, _| reads_as(key, None));
    shared
}

/// Whether a name is read as an untyped key of this scope.
pub(super) fn reads_as(name: &Key, scope: Option<usize>) -> bool {
    let (key, kind) = name::split_type(&name.to_bytes());
    kind.is_none() && matches!(name::split_scope(&key), Ok((found, _)) if found == scope)
}
