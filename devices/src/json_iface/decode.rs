//! A guest's answer as JSON, which may take many times the memory of its text.

use oxbeam_sandbox::GUEST_VALUES;
use serde_json::Value as Json;

use super::strings::MAX_ANSWER;

/// The answer, or why it cannot be read.
pub(super) fn json(text: &[u8]) -> Result<Json, String> {
    if text.len() > MAX_ANSWER {
        return Err(format!("it has more than {MAX_ANSWER} bytes"));
    }
    if separators(text) >= GUEST_VALUES {
        return Err(format!("it has more than {GUEST_VALUES} values"));
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

/// Bytes of which each begins at most one value or key: a text has no more of these than one more.
fn separators(text: &[u8]) -> usize {
    let mut count = 0;
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' | b',' | b':' => count += 1,
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    count
}

/// Goes on behind the end of a string.
fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_holds_is_not_taken_for_values() {
        let text = serde_json::json!([",[{\\\":", { "a": [1, true] }]).to_string();
        assert_eq!(separators(text.as_bytes()), 6);
        assert_eq!(separators(br#""\"#), 0);
    }

    #[test]
    fn an_answer_of_too_many_values_is_not_read() {
        let answer = |zeros: usize| format!("[{}0]", "0,".repeat(zeros - 1));
        assert!(json(answer(GUEST_VALUES - 1).as_bytes()).is_ok());
        let error = json(answer(GUEST_VALUES).as_bytes()).unwrap_err();
        assert_eq!(error, "it has more than 1048576 values");
    }

    #[test]
    fn an_answer_of_too_many_bytes_is_not_read() {
        let error = json(&vec![b' '; MAX_ANSWER + 1]).unwrap_err();
        assert_eq!(error, "it has more than 67108864 bytes");
    }
}
