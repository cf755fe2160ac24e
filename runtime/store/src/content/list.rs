//! What lies directly in a group of paths.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::engine::{Family, Reader};
use crate::error::StoreError;
use crate::keys;
use crate::page::{Limit, Page};

/// Names of the group's children from behind `after` on. Everything below a child is jumped over, so
/// that the cost is that of the children.
pub(super) fn list(
    reader: &(impl Reader + ?Sized),
    path: &str,
    after: Option<&str>,
    limit: Limit,
) -> Result<Page<String, String>, StoreError> {
    let group = keys::key(&[&keys::path(path)?, &[0]]);
    let end = keys::after(&group);
    let mut from = match after {
        Some(name) => past(&group, name.as_bytes()),
        None => group.clone(),
    };
    let mut items: Vec<String> = Vec::new();
    let mut bytes = 0;
    while let Some(name) = first_child(reader, &group, &from, &end)? {
        bytes += name.len();
        if !items.is_empty() && (items.len() >= limit.count || bytes > limit.bytes) {
            return Ok(Page { last: items.last().cloned(), items });
        }
        from = past(&group, name.as_bytes());
        items.push(name);
    }
    Ok(Page { items, last: None })
}

/// The first key that is neither the child nor anything below it.
fn past(group: &Bytes, child: &[u8]) -> Bytes {
    keys::key(&[group, child, &[1]])
}

fn first_child(
    reader: &(impl Reader + ?Sized),
    group: &Bytes,
    from: &Bytes,
    end: &Bytes,
) -> Result<Option<String>, StoreError> {
    let mut child = None;
    reader.scan(Family::Content, from, end, &mut |key, _| {
        let rest = key.get(group.len()..).unwrap_or_default();
        let name = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        child = Some(String::from_utf8_lossy(name).into_owned());
        ControlFlow::Break(())
    })?;
    Ok(child)
}
