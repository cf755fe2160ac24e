//! What whoever runs a node sees of it in a terminal, and what is tried again from there.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tempfile::TempDir;

use super::agents::{json, said};
use super::node::{Program, output, put_wallet};
use super::{folder, sentence};

/// An agent that sends to nobody, and one that fails.
const SCRIPT: &str = "function compute(base, request)
    local action = request.body and request.body.action
    if action == 'Poison' then error('poisoned') end
    if action == 'Send' then
        base.results = { outbox = { { target = request.body.peer, data = 'hello' } } }
    end
    return base
end";

/// The operator's: the node's own.
const WALLET: &str = "data/wallet.json";

/// A node that gives a message up at once, and a process of the script.
fn node() -> (TempDir, Program, String) {
    let folder = folder();
    put_wallet(folder.path());
    fs::write(folder.path().join("oxbeam.toml"), "outbox_max_attempts = 1\n").unwrap();
    fs::write(folder.path().join("agent.lua"), SCRIPT).unwrap();
    let node = Program::start(folder.path());
    let process = deploy(folder.path(), &node.url);
    (folder, node, process)
}

/// The same with a process of the wallet that the node had before: to the node of now another one
/// schedules it, and nobody has said where that is.
fn node_of_a_new_wallet() -> (TempDir, Program, String, String) {
    let (folder, node, elsewhere) = node();
    assert_eq!(node.signal("-TERM"), Some(0));
    put_wallet(folder.path());
    let node = Program::start(folder.path());
    let process = deploy(folder.path(), &node.url);
    (folder, node, process, elsewhere)
}

fn deploy(folder: &Path, url: &str) -> String {
    let by = ["deploy", "agent.lua", "--wallet", WALLET, "--node", url];
    json(folder, &by)[0]["process"].as_str().unwrap().to_owned()
}

fn frame(folder: &Path, url: &str, more: &[&str]) -> String {
    said(folder, &[["top", "--once", "--node", url].as_slice(), more].concat())
}

#[test]
fn a_frame_shows_the_tree_by_its_parts_and_the_actors_that_stand_out() {
    let (folder, node, process) = node();
    let by = ["--wallet", WALLET, "--node", &node.url];
    said(folder.path(), &[["send", &process, "--action", "Hello"].as_slice(), &by].concat());
    let text = frame(folder.path(), &node.url, &[]);
    let first = text.lines().next().unwrap();
    assert!(first.starts_with("oxbeam top  http://127.0.0.1:"), "{text}");
    assert!(first.contains(" actors  queue "), "{text}");
    for part in ["part ", "processes ", "store ", "outbox ", "actors of the tree by queue"] {
        assert!(text.lines().any(|line| line.starts_with(part)), "{part} in {text}");
    }
    let text = frame(folder.path(), &node.url, &["--part", "processes"]);
    let row = text.lines().find(|line| line.starts_with(&format!("processes/{process}")));
    assert!(row.expect(&text).contains(" running "), "{text}");
    assert!(text.lines().all(|line| !line.starts_with("store/")), "{text}");
    let text = frame(folder.path(), &node.url, &["--by", "restarts", "--part", "processes"]);
    assert!(!text.contains(&process), "it has never ended: {text}");
}

#[test]
fn a_process_that_is_held_is_shown_with_what_it_said_to_its_operator_alone() {
    let (folder, node, process) = node();
    let by = ["--wallet", WALLET, "--node", &node.url];
    let poison = [["send", &process, "--action", "Poison"].as_slice(), &by].concat();
    assert_ne!(output(folder.path(), &poison).status.code(), Some(0));
    let page = ["--page", "quarantine"];
    let text = frame(folder.path(), &node.url, &page);
    let row = text.lines().find(|line| line.starts_with(&process)).expect(&text);
    assert!(row.contains(" stopped "), "{row}");
    assert!(!text.contains("poisoned"), "{text}");
    let text = frame(folder.path(), &node.url, &[page.as_slice(), &["--wallet", WALLET]].concat());
    assert!(text.contains("poisoned"), "{text}");
}

#[test]
fn whoever_has_no_terminal_is_told_how_to_get_a_frame() {
    let folder = folder();
    let failed = output(folder.path(), &["top", "--node", "http://127.0.0.1:1"]);
    assert_eq!(failed.status.code(), Some(64));
    assert!(sentence(&failed).ends_with("`oxbeam top --once` prints one frame"));
    let failed = output(folder.path(), &["top", "--once", "--node", "http://127.0.0.1:1"]);
    assert_eq!(failed.status.code(), Some(69));
}

/// Dead letters, as the command shows them.
fn dead(folder: &Path, url: &str, more: &[&str]) -> Vec<Json> {
    let by = ["outbox", "--dead", "--wallet", WALLET, "--node", url];
    json(folder, &[by.as_slice(), more].concat())
}

/// Waits until a letter is given up.
fn given_up(folder: &Path, url: &str) -> Json {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match dead(folder, url, &[]).pop() {
            Some(letter) => return letter,
            None => assert!(Instant::now() < until, "no letter is given up"),
        }
    }
}

#[test]
fn letters_that_did_not_arrive_are_listed_and_tried_again() {
    let (folder, node, process, elsewhere) = node_of_a_new_wallet();
    let by = ["--wallet", WALLET, "--node", &node.url];
    let peer = format!("peer={elsewhere}");
    let send = ["send", &process, "--action", "Send", "--tag", &peer];
    said(folder.path(), &[send.as_slice(), &by].concat());
    let given_up = given_up(folder.path(), &node.url);
    assert_eq!(given_up["target"], elsewhere.as_str());
    assert_eq!(
        given_up["last-error"],
        "the target is scheduled by another node, and no location of it is known"
    );
    assert_eq!(dead(folder.path(), &node.url, &["--process", &process]).len(), 1);
    assert!(dead(folder.path(), &node.url, &["--process", &elsewhere]).is_empty());
    let letter = given_up["letter"].as_str().unwrap();
    let text = said(folder.path(), &[["outbox"].as_slice(), &by].concat());
    assert!(text.contains(&format!("letter {letter}\n")), "{text}");
    let retry = |which: &[&str]| {
        json(folder.path(), &[["outbox", "retry"].as_slice(), which, &by].concat()).remove(0)
    };
    assert_eq!(retry(&[letter])["redriven"], 1);
    assert_eq!(retry(&["--target", &process])["redriven"], 0, "nothing is for that one");
    let all = retry(&["--all"]);
    assert!(all["redriven"].as_u64().unwrap() <= 1, "it may be on its way: {all}");
    let shown = frame(folder.path(), &node.url, &["--page", "outbox"]);
    assert!(shown.starts_with("oxbeam top "), "{shown}");
}

#[test]
fn only_the_operator_has_letters_tried_again() {
    let (folder, node, _) = node();
    let stranger = oxbeam_protocol::Wallet::generate_secp256k1().unwrap().to_text().unwrap();
    fs::write(folder.path().join("stranger.json"), stranger.as_bytes()).unwrap();
    let retry = ["outbox", "retry", "--all", "--wallet", "stranger.json", "--node", &node.url];
    let refused = output(folder.path(), &retry);
    assert_eq!(refused.status.code(), Some(65));
    assert!(sentence(&refused).contains("sign with another wallet: --wallet"));
    let nothing = output(folder.path(), &["outbox", "retry", "--node", &node.url]);
    assert_eq!(nothing.status.code(), Some(64), "which of them has to be said");
}
