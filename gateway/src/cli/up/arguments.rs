//! What the child is started with: the launcher's own arguments, as `start` without those of `up`.

use std::ffi::OsString;

/// Options that are the launcher's own; each has a value.
const OWN: [&str; 2] = ["--max-crashes", "--pause"];

/// The arguments of the child, from those of this program without its name.
pub(super) fn of_child(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut given = given.into_iter();
    let mut child = vec!["start".into()];
    // The command comes first: there are no options before it.
    let _ = given.next();
    while let Some(argument) = given.next() {
        let text = argument.to_string_lossy();
        if OWN.contains(&&*text) {
            let _ = given.next();
        } else if !OWN.iter().any(|own| text.starts_with(&format!("{own}="))) {
            child.push(argument);
        }
    }
    child
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_child_gets_all_but_the_launchers_own() {
        let given = ["up", "--port", "0", "--pause", "5", "--max-crashes=3", "--set", "a=b"];
        let child = of_child(given.map(OsString::from));
        assert_eq!(child, ["start", "--port", "0", "--set", "a=b"]);
    }
}
