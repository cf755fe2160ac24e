//! Tells the program which commit it is built from: `OXBEAM_COMMIT` of the environment, else what git
//! says of this checkout, else `unknown`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=OXBEAM_COMMIT");
    println!("cargo:rerun-if-changed=build.rs");
    let told = std::env::var("OXBEAM_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = told.or_else(checked_out).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=OXBEAM_COMMIT={commit}");
}

/// The commit of this checkout; cargo asks again when another one is checked out.
fn checked_out() -> Option<String> {
    let moves = git(&["rev-parse", "--git-path", "logs/HEAD"])?;
    // A file that is not there would have this program run at every build.
    if Path::new(&moves).exists() {
        println!("cargo:rerun-if-changed={moves}");
    }
    git(&["rev-parse", "--short=12", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
