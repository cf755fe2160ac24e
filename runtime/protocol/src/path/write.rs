//! From steps to the request that expands to them. Source: spec 05, section 3.5.
//!
//! | Key                                      | Written as                                        |
//! |------------------------------------------|---------------------------------------------------|
//! | the same in all steps that take keys     | global: `key`, `key+resolve` for a sub-path       |
//! | another                                  | scoped: `N.key`, `N.key+integer`, `N.key+resolve` |
//! | one of `id~device`, or without such name | a param of the segment                            |
//!
//! A sub-path has no keys beside it: what would be keys of its request is its query.

mod global;

use bytes::Bytes;

use self::global::{reads_as, shared, takes_keys};
use super::entry::Entry;
use super::percent::encode_path;
use super::segment::is_id;
use super::{PATH, PathError, Request, Step, params, parse};
use crate::limits::MAX_SUB_PATH_DEPTH;
use crate::{Key, Message};

/// Writes steps as the request that [`parse`] expands to the same steps.
///
/// # Errors
/// Steps that no request expands to, or only one that [`parse`] would refuse.
pub fn to_singleton(steps: &[Step]) -> Result<Message, PathError> {
    let (path, keys) = write(steps, 0)?;
    let path = [b"/", &*encode_path(&path, false)].concat();
    let request = keys.with(PATH, path);
    let read = parse(&request)?;
    let same = steps.iter().zip(&read).take_while(|(step, read)| step == read).count();
    if same == steps.len() && same == read.len() {
        return Ok(request);
    }
    Err(PathError::Unwritable { step: same, reason: "it would be read differently" })
}

/// A sub-path as the text between its parentheses.
fn sub_path(steps: &[Step], depth: usize) -> Result<Bytes, PathError> {
    let (path, keys) = write(steps, depth)?;
    let mut text = encode_path(&path, true);
    let unwritable = || PathError::Unwritable { step: 0, reason: "a query holds no such value" };
    let query = params::query(&keys).ok_or_else(unwritable)?;
    if !query.is_empty() {
        text.push(b'?');
        text.extend(encode_path(&query, true));
    }
    Ok(text.into())
}

/// The segments of a path, and the keys beside it.
fn write(steps: &[Step], depth: usize) -> Result<(Vec<u8>, Message), PathError> {
    if depth > MAX_SUB_PATH_DEPTH {
        return Err(PathError::TooDeep);
    }
    let mut writer = Writer { depth, global: shared(steps), ..Writer::default() };
    writer.global_keys()?;
    for (index, step) in steps.iter().enumerate() {
        writer.step(index, step)?;
    }
    Ok((writer.path, writer.keys))
}

#[derive(Default)]
struct Writer {
    depth: usize,
    global: Request,
    keys: Message,
    path: Vec<u8>,
}

impl Writer {
    fn global_keys(&mut self) -> Result<(), PathError> {
        self.keys = self.global.message.clone();
        for (key, steps) in self.global.pending.clone() {
            self.resolve_key(&key, &steps)?;
        }
        Ok(())
    }

    fn step(&mut self, index: usize, step: &Step) -> Result<(), PathError> {
        let Some(mut segment) = self.head(index, step)? else {
            return self.own_keys(index, step, None);
        };
        self.own_keys(index, step, Some(&mut segment))?;
        // A key that looks like an id or a sub-path is neither with an empty param behind it.
        let is_message = matches!(step, Step::Request(_) | Step::As { .. });
        if is_message && (is_id(&segment) || segment.ends_with(b")")) {
            segment.push(b'&');
        }
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend(segment);
        Ok(())
    }

    /// The segment of a step without its params. The base has none.
    fn head(&self, index: usize, step: &Step) -> Result<Option<Vec<u8>>, PathError> {
        Ok(Some(match step {
            Step::Id(id) => id.to_vec(),
            Step::SubPath(steps) => [b"(", &*sub_path(steps, self.depth + 1)?, b")"].concat(),
            Step::Request(_) if index == 0 => return Ok(None),
            Step::Request(request) => {
                let reason = "a request has no path that is text";
                request.path().ok_or(PathError::Unwritable { step: index, reason })?.to_vec()
            }
            Step::As { device, request } => {
                let path: &[u8] = request.path().map_or(b"", |path| path);
                [path, b"~", device].concat()
            }
        }))
    }

    /// Writes the keys that a step alone has. The segment, if there is one, already says its path.
    fn own_keys(
        &mut self,
        index: usize,
        step: &Step,
        mut segment: Option<&mut Vec<u8>>,
    ) -> Result<(), PathError> {
        let (Step::Request(request) | Step::As { request, .. }) = step else { return Ok(()) };
        let takes_keys = takes_keys(step).is_some();
        for (key, entry) in entries(request) {
            let is_written = (takes_keys && self.global.contains(&key))
                || (segment.is_some() && key == PATH)
                || (takes_keys && self.scoped(index, &key, &entry)?);
            if is_written {
                continue;
            }
            let reason = "a key can be neither in the path nor beside it";
            let (Some(segment), Some(param)) = (&mut segment, self.param(&key, &entry)?) else {
                return Err(PathError::Unwritable { step: index, reason });
            };
            segment.push(b'&');
            segment.extend(param);
        }
        Ok(())
    }

    /// Writes a key as `N.key`, unless that name would be read as another.
    fn scoped(&mut self, index: usize, key: &Key, entry: &Entry) -> Result<bool, PathError> {
        let name = Key::from([index.to_string().as_bytes(), b".", key.as_bytes()].concat());
        if !reads_as(&name, Some(index)) {
            return Ok(false);
        }
        match entry {
            Entry::Value(value) => match params::integer(value) {
                Some(text) => drop(self.keys.insert(params::typed_name(&name, "integer"), text)),
                None => drop(self.keys.insert(name, value.clone())),
            },
            Entry::SubPath(steps) => self.resolve_key(&name, steps)?,
            Entry::Nothing => {}
        }
        Ok(true)
    }

    fn resolve_key(&mut self, name: &Key, steps: &[Step]) -> Result<(), PathError> {
        let path = [b"/", &*sub_path(steps, self.depth + 1)?].concat();
        self.keys.insert(params::typed_name(name, "resolve"), path);
        Ok(())
    }

    fn param(&self, key: &Key, entry: &Entry) -> Result<Option<Vec<u8>>, PathError> {
        Ok(match entry {
            Entry::Value(value) => params::param(key, value),
            Entry::SubPath(steps) => {
                let text = sub_path(steps, self.depth + 1)?;
                Some([key.as_bytes(), b"=(", &*text, b")"].concat())
            }
            Entry::Nothing => None,
        })
    }
}

fn entries(request: &Request) -> impl Iterator<Item = (Key, Entry)> {
    let known = request.message.iter();
    let known = known.map(|(key, value)| (key.clone(), Entry::Value(value.clone())));
    let pending = request.pending.iter();
    known.chain(pending.map(|(key, path)| (key.clone(), Entry::SubPath(path.clone()))))
}

#[cfg(test)]
mod tests;
