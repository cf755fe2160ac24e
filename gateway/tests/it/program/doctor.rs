//! What the doctor finds.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::folder;
use super::kill::listens;
use super::node::{Program, output};

/// The exit code, and what was found as JSON.
fn found(folder: &Path, more: &[&str]) -> (Option<i32>, Value) {
    let arguments = [["doctor", "--json", "--set", "bind=127.0.0.1"].as_slice(), more].concat();
    let output = output(folder, &arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code(), serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{errors}")))
}

fn check<'a>(found: &'a Value, name: &str) -> (&'a str, &'a str) {
    let checks = found["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name).unwrap();
    (check["state"].as_str().unwrap(), check["says"].as_str().unwrap())
}

#[test]
fn a_machine_without_a_node_is_fine_and_nothing_is_made() {
    let folder = TempDir::new().unwrap();
    let (code, found) = found(folder.path(), &["--set", "port=0"]);
    assert_eq!((code, &found["ok"]), (Some(0), &Value::Bool(true)), "{found:#}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_store_is_read_whole_if_no_node_has_it() {
    let folder = folder();
    assert_eq!(Program::start(folder.path()).signal("-TERM"), Some(0));
    let (code, found) = found(folder.path(), &["--store", "--set", "port=0"]);
    assert_eq!(code, Some(0), "{found:#}");
    assert_eq!(check(&found, "store").0, "ok", "{found:#}");
    assert!(check(&found, "store").1.ends_with("are sound"), "{found:#}");
    assert_eq!(check(&found, "wallet").0, "ok");
}

#[test]
fn what_is_wrong_is_named_and_ends_with_one() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = format!("port={}", taken.local_addr().unwrap().port());
    fs::write(folder.path().join("data/wallet.json"), "{\"SECRET").unwrap();
    let (code, found) = found(folder.path(), &["--set", &port]);
    assert_eq!((code, &found["ok"]), (Some(1), &Value::Bool(false)));
    assert_eq!(check(&found, "wallet").0, "wrong");
    assert_eq!(check(&found, "port").0, "wrong");
    assert!(check(&found, "port").1.contains("is in use by another program"));
    assert!(!found.to_string().contains("SECRET"));
    let (code, found) = self::found(folder.path(), &["--set", "max_dept=1"]);
    assert_eq!(code, Some(1));
    assert!(check(&found, "configuration").1.contains("did you mean max_depth?"));
}

#[test]
fn a_bundle_holds_what_helps_and_no_secret() {
    let folder = folder();
    fs::write(folder.path().join("oxbeam.toml"), "[custom]\npriv_word = \"S3CRET\"\nown = \"5\"\n")
        .unwrap();
    let node = Program::start(folder.path());
    fs::create_dir(folder.path().join("data/crashes")).unwrap();
    fs::write(folder.path().join("data/crashes/1.txt"), "the node was killed\n").unwrap();
    let port = format!("port={}", listens(&node).port());
    let arguments = ["--set", &port, "--bundle", "bundle.json"];
    let (code, found) = found(folder.path(), &arguments);
    assert_eq!(code, Some(0), "{found:#}");
    assert_eq!(check(&found, "store").0, "skipped");
    assert!(check(&found, "port").1.contains("a node is ready"));
    let text = fs::read_to_string(folder.path().join("bundle.json")).unwrap();
    let secret = fs::read_to_string(folder.path().join("data/wallet.json")).unwrap();
    assert!(!text.contains("S3CRET") && !text.contains(secret.trim()));
    let bundle: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bundle["crashes"][0], "the node was killed\n");
    assert_eq!(bundle["node"]["/~supervisor@1.0/tree"]["status"], 200);
    assert!(bundle["node"]["/metrics"]["body"].as_str().unwrap().contains("oxbeam_ready 1"));
    assert_eq!(bundle["configuration"]["custom"]["own"], "5", "{:#}", bundle["configuration"]);
}
