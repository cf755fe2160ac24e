//! From a request to its steps. Source: spec 05, section 3.

use bytes::Bytes;

use super::entry::Entry;
use super::keys::Keys;
use super::percent::decode_path;
use super::scan::Scanner;
use super::segment::{Segment, is_id, path_is};
use super::{PATH, PathError, Request, Step, SubPath, annotations, query};
use crate::commitment::COMMITMENTS;
use crate::limits::{MAX_PATH_LENGTH, MAX_STEP_KEYS, MAX_SUB_PATH_DEPTH};
use crate::{Key, Message, Value};

/// Bytes of `ao-types` whose reading costs about as much as copying one key.
const TYPE_BYTES_PER_KEY: usize = 16;

/// Expands a request into its steps. A request without a segment has none.
///
/// # Errors
/// A path that leaves the grammar or a limit, a type or scope that does not fit. The error says
/// where in the path, or which key.
pub fn parse(request: &Message) -> Result<Vec<Step>, PathError> {
    let path = match request.get_exact(PATH) {
        Some(Value::Bytes(path)) => path.clone(),
        Some(_) => return Err(PathError::NotText),
        None => Bytes::new(),
    };
    Parser::default().expand(&path, request)
}

/// The names and values of a path's query, as [`parse`] reads them, in order. A bare name is true.
///
/// # Errors
/// A path that is too long; a percent sign that encodes nothing; a value without a name.
pub fn query_of(path: &Bytes) -> Result<Vec<(Key, Value)>, PathError> {
    query::pairs(&split_query(path)?.1)
}

/// What the parts of one request have used of its limits.
#[derive(Debug, Default)]
pub(super) struct Parser {
    pub(super) segments: usize,
    pub(super) spent: usize,
    depth: usize,
}

impl Parser {
    fn expand(&mut self, text: &Bytes, request: &Message) -> Result<Vec<Step>, PathError> {
        let (path, query) = split_query(text)?;
        let segments = self.segments(&path)?;
        let keys = self.keys(request, query::pairs(&query)?)?;
        self.build(segments, &keys)
    }

    /// Expands a path of its own, which gets none of the request's keys.
    pub(super) fn sub_path(&mut self, text: &Bytes) -> Result<SubPath, PathError> {
        if self.depth == MAX_SUB_PATH_DEPTH {
            return Err(PathError::TooDeep);
        }
        self.depth += 1;
        let steps = self.expand(text, &Message::new());
        self.depth -= 1;
        steps.map(SubPath::from)
    }

    fn build(&mut self, segments: Vec<Segment>, keys: &Keys) -> Result<Vec<Step>, PathError> {
        let mut steps = Vec::with_capacity(segments.len() + 1);
        if let Some(Segment::Message { device: None, .. }) = segments.first() {
            steps.push(Step::Request(self.request(keys, 0, Vec::new())?));
        }
        for segment in segments {
            let step = self.step(segment, steps.len(), keys)?;
            steps.push(step);
        }
        Ok(steps)
    }

    fn step(&mut self, segment: Segment, index: usize, keys: &Keys) -> Result<Step, PathError> {
        Ok(match segment {
            Segment::Id(id) => Step::Id(id),
            Segment::SubPath(sub_path) => Step::SubPath(sub_path),
            Segment::Message { device: None, entries } => {
                Step::Request(self.request(keys, index, entries)?)
            }
            Segment::Message { device: Some(device), mut entries } => {
                if path_is(&entries, <[u8]>::is_empty) {
                    entries.push((PATH, Entry::Nothing));
                    // Its keys are set on a message, whose signers have not signed that.
                    entries.push((COMMITMENTS, Entry::Nothing));
                }
                // A message that is loaded takes only what its own segment adds.
                let own = Keys::default();
                let keys = if path_is(&entries, is_id) { &own } else { keys };
                Step::As { device, request: self.request(keys, index, entries)? }
            }
        })
    }

    /// A message of the keys for a step: global, scoped, its own.
    fn request(
        &mut self,
        keys: &Keys,
        index: usize,
        own: Vec<(Key, Entry)>,
    ) -> Result<Request, PathError> {
        let scoped = keys.scoped(index);
        self.spend(keys.weight)?;
        self.spend(keys.global.len() + scoped.len() + own.len())?;
        let mut request = keys.global.clone();
        for (key, entry) in scoped.iter().cloned().chain(own) {
            request.set(key, entry);
        }
        if let Some(types) = annotations::of(&request) {
            self.spend(types.len() / TYPE_BYTES_PER_KEY)?;
        }
        annotations::apply(&mut request)?;
        Ok(request)
    }

    /// Counts keys and segments. A sub-path that several steps share counts in each of them, because
    /// each evaluates it: otherwise sub-paths of sub-paths would make work without end.
    pub(super) fn spend(&mut self, keys: usize) -> Result<(), PathError> {
        self.spent = self.spent.saturating_add(keys);
        if self.spent > MAX_STEP_KEYS { Err(PathError::TooManyKeys) } else { Ok(()) }
    }
}

/// Decodes a path and splits it at its query. A quote that stays open is closed at the end.
fn split_query(text: &Bytes) -> Result<(Bytes, Bytes), PathError> {
    if text.len() > MAX_PATH_LENGTH {
        return Err(PathError::TooLong { length: text.len() });
    }
    let decoded = decode_path(text)?;
    let mut scanner = Scanner::new(&decoded);
    match scanner.separator(b"?") {
        Some(at) => Ok((decoded.slice(..at), decoded.slice(at + 1..))),
        None if scanner.in_quotes() => Ok(([&*decoded, b"\""].concat().into(), Bytes::new())),
        None => Ok((decoded, Bytes::new())),
    }
}

#[cfg(test)]
mod tests;
