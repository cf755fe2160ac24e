//! What guests print while a slot is computed: kept with what it came to, and no part of it.

use std::sync::Arc;

use oxbeam_store::MAX_PRINTED_BYTES;
use parking_lot::Mutex;

/// Says that there was more.
const MORE: &str = "…";

/// What was printed so far; clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prints(Arc<Mutex<String>>);

impl Prints {
    /// Adds a line, as far as there is room.
    pub(crate) fn add(&self, text: &[u8]) {
        let mut printed = self.0.lock();
        if printed.ends_with(MORE) {
            return;
        }
        let room = (MAX_PRINTED_BYTES - MORE.len()).saturating_sub(printed.len());
        let text = String::from_utf8_lossy(text);
        printed.push_str(text.get(..text.floor_char_boundary(room)).unwrap_or_default());
        match text.len() < room {
            true => printed.push('\n'),
            false => printed.push_str(MORE),
        }
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        self.0.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_has_a_bound_and_stays_text() {
        let prints = Prints::default();
        prints.add(b"a\xff");
        for _ in 0..MAX_PRINTED_BYTES {
            prints.add("ä".as_bytes());
        }
        let text = prints.text();
        assert!(text.starts_with("a\u{fffd}\nä\n") && text.ends_with(MORE), "{text:.20}");
        assert!((MAX_PRINTED_BYTES - 4..=MAX_PRINTED_BYTES).contains(&text.len()));
    }
}
