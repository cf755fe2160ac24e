//! Reads of ranges, a bounded piece at a time.

use std::ops::ControlFlow;

use crate::engine::{Family, Reader};
use crate::error::StoreError;

/// How much one read of a range returns at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Items.
    pub count: usize,
    /// Bytes as they lie on disk. An item that is larger comes alone.
    pub bytes: usize,
}

impl Default for Limit {
    /// 1 000 items or 16 MiB.
    fn default() -> Self {
        Self { count: 1000, bytes: 16 << 20 }
    }
}

impl Limit {
    /// So many items, or 16 MiB.
    #[must_use]
    pub fn count(count: usize) -> Self {
        Self { count, ..Self::default() }
    }
}

/// A piece of a range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T, C> {
    /// The items, in order.
    pub items: Vec<T>,
    /// The last item's place if there may be more: ask again from behind it.
    pub last: Option<C>,
}

impl<T, C> Default for Page<T, C> {
    /// Nothing.
    fn default() -> Self {
        Self { items: Vec::new(), last: None }
    }
}

/// Reads the keys from `from` up to `to` until the limit is reached. `item` turns each into an item
/// and its place.
pub(crate) fn page<T, C>(
    reader: &(impl Reader + ?Sized),
    family: Family,
    from: &[u8],
    to: &[u8],
    limit: Limit,
    mut item: impl FnMut(&[u8], &[u8]) -> Result<(T, C), StoreError>,
) -> Result<Page<T, C>, StoreError> {
    if from >= to {
        return Ok(Page::default());
    }
    let mut items = Vec::new();
    let mut last = None;
    let mut bytes = 0;
    let mut more = false;
    let mut failed = None;
    reader.scan(family, from, to, &mut |key, value| {
        let size = key.len() + value.len();
        if !items.is_empty() && (items.len() >= limit.count || bytes + size > limit.bytes) {
            more = true;
            return ControlFlow::Break(());
        }
        bytes += size;
        match item(key, value) {
            Ok((item, place)) => {
                items.push(item);
                last = Some(place);
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok(Page { items, last: last.filter(|_| more) }),
    }
}
