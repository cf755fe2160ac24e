//! Tells the program which source it was made from.

use std::env;
use std::process::Command;

fn main() {
    let source = git(&["rev-parse", "HEAD"]).unwrap_or_default();
    // The time of the source and not of the clock: the same source gives the same program.
    let time = env::var("SOURCE_DATE_EPOCH").ok().or_else(|| git(&["log", "-1", "--format=%ct"]));
    println!("cargo::rustc-env=OXBEAM_SOURCE={source}");
    println!("cargo::rustc-env=OXBEAM_BUILD_TIME={}", time.unwrap_or_else(|| "0".into()));
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
}

fn git(args: &[&str]) -> Option<String> {
    let output = Command::new("git").args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
