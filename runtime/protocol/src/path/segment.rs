//! Segments of a path. Source: spec 05, section 1.

use bytes::Bytes;

use super::entry::{Entry, sub_path_text};
use super::parser::Parser;
use super::{PATH, PathError, SubPath, scan};
use crate::limits::{MAX_SEGMENT_LENGTH, MAX_SEGMENTS};
use crate::{Key, Value};

/// A segment, before the request's other keys join it.
#[derive(Debug)]
pub(super) enum Segment {
    Id(Bytes),
    SubPath(SubPath),
    /// A key, with or without a device.
    Message {
        device: Option<Bytes>,
        /// `path` and the params in order; of duplicates the last one counts.
        entries: Vec<(Key, Entry)>,
    },
}

/// Whether a text has the length of an id or address, which is all that makes it one in a path.
pub(super) const fn is_id(text: &[u8]) -> bool {
    matches!(text.len(), 32 | 42 | 43)
}

impl Parser {
    /// Splits and reads the segments of a decoded path.
    pub(super) fn segments(&mut self, path: &Bytes) -> Result<Vec<Segment>, PathError> {
        let mut segments = Vec::new();
        for (at, text) in scan::parts(path, b'/') {
            if text.len() > MAX_SEGMENT_LENGTH {
                return Err(PathError::SegmentTooLong { at, length: text.len() });
            }
            self.segments += 1;
            if self.segments > MAX_SEGMENTS {
                return Err(PathError::TooManySegments);
            }
            self.spend(1)?;
            segments.push(self.segment(&text, at)?);
        }
        Ok(segments)
    }

    fn segment(&mut self, text: &Bytes, at: usize) -> Result<Segment, PathError> {
        if is_id(text) {
            return Ok(Segment::Id(text.clone()));
        }
        if let Some(path) = sub_path_text(text) {
            return self.inline(&path, at).map(Segment::SubPath);
        }
        let end = scan::find(text, b"&~+ =").unwrap_or(text.len());
        let path = (PATH, Entry::Value(text.slice(..end).into()));
        let (device, params) = match text.get(end) {
            Some(b' ') => return Err(PathError::Space { at: at + end }),
            Some(b'~') => {
                let stop = scan::find(text, b"&").unwrap_or(text.len());
                (Some(text.slice(end + 1..stop)), stop)
            }
            // `key=value` and `key+type=value` are params whose name is the segment's key.
            Some(b'=' | b'+') => (None, 0),
            _ => (None, end),
        };
        let mut entries = vec![path];
        for (start, param) in scan::parts(&text.slice(params..), b'&') {
            entries.push(self.param(&param, at + params + start)?);
        }
        Ok(Segment::Message { device, entries })
    }
}

/// Whether a segment's path is the text that `test` says yes to.
pub(super) fn path_is(entries: &[(Key, Entry)], test: impl Fn(&[u8]) -> bool) -> bool {
    let path = entries.iter().rev().find(|(key, _)| *key == PATH);
    matches!(path, Some((_, Entry::Value(Value::Bytes(text)))) if test(text))
}
