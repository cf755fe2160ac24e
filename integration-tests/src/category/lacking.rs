//! Devices that a line needs and the node does not have.

use std::fmt;

/// What keeps a line from being checked to its end. It is no wrong answer: the line is skipped, until
/// the devices are there.
#[derive(Debug)]
pub struct Lacking(String);

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Lacking {}

/// Whether the node has these devices.
///
/// # Errors
/// [`Lacking`] with the names of those that it does not have.
pub(super) fn ensure_devices<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<(), Lacking> {
    let table = oxbeam_devices::table();
    let has = |name: &str| table.iter().any(|row| row.names.contains(&name));
    let mut lacking: Vec<&str> = names.into_iter().filter(|name| !has(name)).collect();
    lacking.sort_unstable();
    lacking.dedup();
    if lacking.is_empty() { Ok(()) } else { Err(Lacking(lacking.join(", "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_node_lacks_is_named() {
        ensure_devices(["message@1.0", "scheduling@1.0"]).unwrap();
        let lacking = ensure_devices(["b@9.9", "message@1.0", "a@9.9", "b@9.9"]).unwrap_err();
        assert_eq!(lacking.to_string(), "a@9.9, b@9.9");
    }
}
