//! Lines that are answered differently on purpose. `docs/compatibility.md` explains each to people.

/// How the id of a line must look, and why its answer differs. A `*` stands for any text.
pub const DEVIATIONS: &[(&str, &str)] = &[];

/// Why the line of this id is answered differently, if it is.
#[must_use]
pub fn reason(id: &str) -> Option<&'static str> {
    let listed = DEVIATIONS.iter().find(|(pattern, _)| matches(pattern, id));
    listed.map(|(_, reason)| *reason)
}

fn matches(pattern: &str, id: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == id,
        Some((start, end)) => {
            id.len() >= start.len() + end.len() && id.starts_with(start) && id.ends_with(end)
        }
    }
}
