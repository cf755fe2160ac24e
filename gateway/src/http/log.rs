//! A line for every request, and an incident for every one that the node failed.

use std::time::Instant;

use oxbeam_kernel::Answer;
use oxbeam_protocol::Value;
use tracing::{debug, error};

use super::refusal::sentence;

/// Longest part of a path, or of what a device says of its failure, that is logged, in characters.
const MAX_SHOWN: usize = 256;

/// A path without the values in it: they may be secrets.
pub(super) fn shown_path(path: &str) -> String {
    let mut shown = String::new();
    let mut in_value = false;
    for character in path.chars().take(MAX_SHOWN) {
        match character {
            '&' | '/' => in_value = false,
            '=' if !in_value => {
                in_value = true;
                shown.push_str("=…");
                continue;
            }
            _ => {}
        }
        if !in_value {
            shown.push(character);
        }
    }
    shown
}

/// Names an answer that is the node's failure, and logs what failed.
pub(super) fn incident(path: &str, answer: &Answer) -> Option<String> {
    if answer.status < 500 {
        return None;
    }
    let incident = format!("{:08x}", fastrand::u32(..));
    let reason = match &answer.error {
        Some(error) => sentence(error),
        None => said(answer),
    };
    error!(incident, path, status = answer.status, reason, "request failed");
    Some(incident)
}

/// What a device says about its failure.
fn said(answer: &Answer) -> String {
    let told = ["details", "body"].into_iter().find_map(|key| answer.message.get(key));
    let told = told.and_then(Value::as_name).map(|text| String::from_utf8_lossy(text));
    told.unwrap_or_default().chars().take(MAX_SHOWN).collect()
}

/// Notes a request that was answered.
pub(super) fn answered(method: &str, path: &str, answer: &Answer, since: Instant) {
    let (status, took) = (answer.status, since.elapsed());
    match &answer.error {
        Some(error) if status < 500 => {
            debug!(method, path, status, ?took, reason = sentence(error), "request refused");
        }
        None if (400..500).contains(&status) && !answer.signed => {
            debug!(method, path, status, ?took, reason = said(answer), "request refused");
        }
        _ => debug!(method, path, status, ?took, "request answered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_a_path_are_not_shown() {
        assert_eq!(shown_path("/~m@1.0&key=secret/x&a=b=c&d/y"), "/~m@1.0&key=…/x&a=…&d/y");
    }
}
