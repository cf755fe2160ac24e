//! Where the program lies.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The variable that names the program.
const VARIABLE: &str = "OXBEAM";
const NAME: &str = "oxbeam";
const BUILD: &str = "cargo build -p oxbeam-gateway --bin oxbeam";

/// The program that the variable `OXBEAM` names, else the one that cargo has built beside this one,
/// with the same profile.
///
/// # Errors
/// It is not there, or older than what it was built from; the text says what to do.
pub fn find() -> Result<PathBuf> {
    if let Some(named) = env::var_os(VARIABLE) {
        let path = fs::canonicalize(&named);
        return path.with_context(|| format!("{VARIABLE} names {}", named.display()));
    }
    let own = env::current_exe()?;
    // Tests lie in `deps/`, one folder further down.
    let folders = own.ancestors().skip(1).take(2);
    let built = folders.map(|folder| folder.join(NAME)).find(|path| path.is_file());
    let built = built.with_context(|| {
        let own = own.display();
        format!("there is no {NAME} beside {own}: run `{BUILD}`, or name it in {VARIABLE}")
    })?;
    ensure_fresh(&built)?;
    Ok(built)
}

/// The tests of another package do not make cargo build the program: what they would see is the node
/// of yesterday.
fn ensure_fresh(built: &Path) -> Result<()> {
    let age = fs::metadata(built)?.modified()?;
    // Absent where somebody has copied the program.
    let Ok(rule) = fs::read_to_string(built.with_extension("d")) else { return Ok(()) };
    // A commit alone changes what `--version` says, and nothing that is tested.
    let is_git = |path: &PathBuf| path.components().any(|part| part.as_os_str() == ".git");
    for source in sources(&rule).into_iter().filter(|path| !is_git(path)) {
        // Of another checkout, with which this one shares a target folder, and which is gone; or no
        // longer there, and then what named it has changed.
        let Ok(changed) = fs::metadata(&source).and_then(|source| source.modified()) else {
            continue;
        };
        ensure!(
            changed <= age,
            "{} is older than {}: run `{BUILD}`",
            built.display(),
            source.display()
        );
    }
    Ok(())
}

/// What stands to the right in the rule that cargo writes: paths, in which blanks are escaped.
fn sources(rule: &str) -> Vec<PathBuf> {
    let sources = rule.split_once(": ").map_or("", |(_, sources)| sources.trim_end());
    let mut paths = vec![String::new()];
    for part in sources.split(' ') {
        let Some(path) = paths.last_mut() else { break };
        match part.strip_suffix('\\') {
            Some(start) => path.extend([start, " "]),
            None => {
                path.push_str(part);
                paths.push(String::new());
            }
        }
    }
    paths.into_iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_the_paths_of_a_rule_are_read() {
        let paths = sources("/t/debug/oxbeam: /a/b.rs /a/with\\ blank.rs\n");
        assert_eq!(paths, ["/a/b.rs", "/a/with blank.rs"].map(PathBuf::from));
        assert!(sources("").is_empty());
    }
}
