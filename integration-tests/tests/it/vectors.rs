//! The conformance vectors: the chosen part of them that lies in this repository, all of them where
//! they are at hand, and the runner itself.

use std::fs;
use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use oxbeam_integration_tests::category::CATEGORIES;
use oxbeam_integration_tests::served::ServedNode;
use oxbeam_integration_tests::vector::Folder;
use oxbeam_integration_tests::{Report, deviations, run};
use serde_json::{Value as Json, json};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors")
}

/// Fails with every line that was answered wrongly; returns the number of the others, and names
/// those for which the node lacks a device.
fn assert_all_pass(folder: &Path) -> usize {
    let reports = run(folder).unwrap();
    reports.iter().filter(|report| !report.skipped.is_empty()).for_each(|report| {
        println!("{report}");
    });
    let wrong: Vec<_> = reports.iter().filter(|report| !report.failures.is_empty()).collect();
    let text: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    assert!(wrong.is_empty(), "in {}:\n{}", folder.display(), text.join("\n"));
    reports.iter().map(|report| report.passed + report.skipped.len()).sum()
}

#[test]
fn every_fixture_is_answered_as_recorded() {
    let passed = assert_all_pass(&fixtures());
    let files =
        CATEGORIES.iter().map(|category| fixtures().join(format!("{}.jsonl", category.name)));
    let lines: usize = files.map(|file| fs::read_to_string(file).unwrap().lines().count()).sum();
    assert_eq!(passed, lines, "every file of every category is read to its end");
}

#[test]
fn every_vector_beside_the_repository_is_answered_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    if folder.exists() {
        println!("{} lines passed", assert_all_pass(&folder));
    } else {
        println!("skipped: there are no vectors in {}", folder.display());
    }
}

/// Runs a single line in a folder of its own, with the wallets of the fixtures.
fn run_alone(name: &str, category: &str, line: &Json) -> Report {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::copy(fixtures().join("wallets.json"), folder.join("wallets.json")).unwrap();
    fs::write(folder.join(format!("{category}.jsonl")), line.to_string()).unwrap();
    let mut reports = run(&folder).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

/// The first fixture of a category that `is_wanted` says yes to.
fn fixture(category: &str, is_wanted: impl Fn(&Json) -> bool) -> Json {
    let text = fs::read_to_string(fixtures().join(format!("{category}.jsonl"))).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.find(is_wanted).unwrap()
}

#[test]
fn a_wrong_answer_is_reported_under_the_id_of_its_line() {
    let right = fixture("ids", |line| line["op"] == "id");
    let report = run_alone("right", "ids", &right);
    assert_eq!((report.passed, report.failures.len()), (1, 0), "{report}");

    let mut wrong = right;
    wrong["out"]["id"] = json!("TWaabU6nSWpn7zPaiWSd9gQkfNwa1t3onrDRNB-bFiA");
    let report = run_alone("wrong", "ids", &wrong);
    assert_eq!(report.passed, 0);
    assert_eq!(report.failures[0].0, wrong["id"].as_str().unwrap());
    assert!(report.to_string().starts_with("ids 0 passed, 1 failed\n"), "{report}");
}

#[test]
fn an_operation_that_is_unknown_is_a_failure() {
    for category in CATEGORIES {
        let line = json!({"id": "x", "op": "no-such-operation", "in": {}, "out": {}});
        let report = run_alone(&format!("unknown-{}", category.name), category.name, &line);
        assert_eq!((report.passed, report.failures.len()), (0, 1), "{report}");
    }
}

#[test]
fn a_wrong_hash_chain_is_found_whatever_a_process_runs_on() {
    let right = fixture("process", |line| line["id"] == "process/aos-badjson");
    let mut wrong = right.clone();
    wrong["out"]["slots"][1]["assignment"]["m"]["hash-chain"] =
        right["out"]["slots"][0]["assignment"]["m"]["hash-chain"].clone();
    let report = run_alone("chain", "process", &wrong);
    assert_eq!((report.passed, report.failures.len()), (0, 1), "{report}");
    assert!(report.failures[0].1.contains("hash-chain"), "{report}");
}

#[test]
fn a_program_ends_with_whoever_has_started_it() {
    let node = ServedNode::start(&Folder::new(&fixtures()), &json!({})).unwrap();
    let host = node.host();
    TcpStream::connect(host).unwrap();
    catch_unwind(AssertUnwindSafe(move || {
        let _node = node;
        panic!("a test that fails");
    }))
    .unwrap_err();
    TcpStream::connect(host).unwrap_err();
}

#[test]
fn a_program_that_does_not_start_is_an_error_and_no_wait() {
    let config = json!({"no_such_option": 1});
    ServedNode::start(&Folder::new(&fixtures()), &config).unwrap_err();
}

#[test]
fn a_deviation_that_answers_like_the_reference_fails() {
    let id = "tamper/any/commitment-id-changed";
    assert!(deviations::reason(id).is_some());
    let mut line = fixture("commitments", |line| {
        line["op"] == "verify" && line["id"].as_str().unwrap().ends_with("/unchanged/all")
    });
    line["id"] = json!(id);
    let report = run_alone("deviation", "commitments", &line);
    assert_eq!((report.passed, report.failures.len()), (0, 1), "{report}");
    assert!(report.failures[0].1.contains("listed as a deviation"), "{report}");
}
