//! The commands for whoever writes agents, as they are typed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use oxbeam_protocol::Wallet;
use serde_json::Value as Json;

use super::node::{Program, output, oxbeam};
use super::{folder, sentence};

/// A folder with a wallet and an agent of this language.
fn workshop(language: &str) -> tempfile::TempDir {
    let folder = folder();
    let wallet = Wallet::generate_secp256k1().unwrap().to_text().unwrap();
    fs::write(folder.path().join("me.json"), wallet.as_bytes()).unwrap();
    said(folder.path(), &["new", "counter", "--lang", language]);
    folder
}

/// What a command says that succeeds.
pub(super) fn said(folder: &Path, arguments: &[&str]) -> String {
    let output = output(folder, arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}\n{text}");
    text
}

/// The lines of JSON that a command writes.
pub(super) fn json(folder: &Path, arguments: &[&str]) -> Vec<Json> {
    let text = said(folder, &[arguments, &["--json"]].concat());
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn deploy(folder: &Path, url: &str) -> String {
    let deployed = json(folder, &["deploy", "counter", "--node", url, "--wallet", "me.json"]);
    deployed[0]["process"].as_str().unwrap().to_owned()
}

fn add(folder: &Path, url: &str, process: &str, quantity: &str) -> Json {
    let quantity = format!("quantity={quantity}");
    let by = ["--node", url, "--wallet", "me.json", "--action", "Add", "--tag", &quantity];
    json(folder, &[["send", process].as_slice(), &by].concat()).remove(0)
}

#[test]
fn the_template_of_each_language_passes_its_test() {
    for (language, tool) in [("lua", None), ("wat", None), ("c", Some("wasm-ld"))] {
        let is_there = |tool: &str| {
            std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
                .any(|folder| folder.join(tool).exists())
        };
        if tool.is_some_and(|tool| !is_there(tool) || !is_there("clang")) {
            continue;
        }
        let folder = workshop(language);
        let run = ["run", "counter", "--messages", "counter/tests/agent.jsonl"];
        let text = said(folder.path(), &run);
        assert!(text.ends_with(" expectations hold\n"), "{language}: {text}");
        let lines = json(folder.path(), &run);
        assert_eq!(lines.len(), 5, "{language}");
        assert_eq!(lines[0]["slot"], 1);
        assert_eq!(lines[0]["expected"][0]["holds"], true);
        let again = output(folder.path(), &["new", "counter", "--lang", language]);
        assert_eq!(again.status.code(), Some(73));
        assert!(sentence(&again).contains("nothing is overwritten"));
    }
}

#[test]
fn what_is_not_as_expected_is_told_and_is_the_exit_code() {
    let folder = workshop("lua");
    let tests = r#"{"send": {"action": "Add", "quantity": 5}, "expect": {"total": 6}}"#;
    fs::write(folder.path().join("tests.jsonl"), tests).unwrap();
    let failed = output(folder.path(), &["run", "counter", "--messages", "tests.jsonl"]);
    assert_eq!(failed.status.code(), Some(1));
    let text = String::from_utf8(failed.stdout).unwrap();
    assert!(text.contains("expected total to be 6, it is 5"), "{text}");
    assert!(text.ends_with("1 messages, 0 of 1 expectations hold\n"), "{text}");
}

#[test]
fn what_a_script_prints_is_seen() {
    let folder = folder();
    let script = "function compute(base) print('seen', 1) return base end";
    fs::write(folder.path().join("a.lua"), script).unwrap();
    let run = output(folder.path(), &["run", "a.lua", "--message", "{}"]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(String::from_utf8_lossy(&run.stderr).contains("  print    seen\t1\n"));

    let node = Program::start(folder.path());
    said(folder.path(), &["wallet", "new", "--path", "me.json"]);
    let by = ["--node", &node.url, "--wallet", "me.json"];
    let deployed = json(folder.path(), &[["deploy", "a.lua"].as_slice(), &by].concat()).remove(0);
    let log = ["log", deployed["process"].as_str().unwrap(), "--node", &node.url];
    let shown = said(folder.path(), &log);
    assert!(shown.contains("\n  print    seen 1\n"), "{shown}");
    assert_eq!(json(folder.path(), &log)[0]["printed"], "seen\t1\n");
}

#[test]
fn a_missing_tool_is_named_with_how_to_get_it() {
    let folder = workshop("rust");
    let mut command = oxbeam(folder.path(), &["run", "counter"]);
    let failed = command.env("PATH", "/nowhere").output().unwrap();
    assert_eq!(failed.status.code(), Some(69));
    let told = sentence(&failed);
    assert!(told.starts_with("oxbeam: cargo is needed to build counter: "), "{told}");
    assert!(told.contains("rustup target add wasm32-unknown-unknown"), "{told}");
}

#[test]
fn an_agent_is_deployed_sent_to_read_and_logged() {
    let folder = workshop("lua");
    let node = Program::start(folder.path());
    let process = deploy(folder.path(), &node.url);
    let sent = add(folder.path(), &node.url, &process, "5");
    assert_eq!(
        (&sent["slot"], &sent["results"]["output"]["data"]),
        (&1.into(), &"the total is 5".into())
    );
    let at = ["--node", &node.url];
    let state = |arguments: &[&str]| {
        said(folder.path(), &[["state", &process].as_slice(), arguments, &at].concat())
    };
    assert_eq!(state(&["total"]), "5\n");
    assert_eq!(state(&["results/output/data"]), "the total is 5\n");
    let whole: Json = serde_json::from_str(&state(&["--json"])).unwrap();
    assert_eq!((&whole["total"], &whole["at-slot"]), (&5.into(), &1.into()));
    let not_waited = ["send", &process, "--action", "Add", "--tag", "quantity=2", "--no-wait"];
    let by = ["--wallet", "me.json", "--json"];
    let text = said(folder.path(), &[not_waited.as_slice(), &by, &at].concat());
    assert_eq!(serde_json::from_str::<Json>(&text).unwrap()["slot"], 2);
    assert_eq!((state(&["total"]), state(&["total", "--slot", "1"])), ("7\n".into(), "5\n".into()));
    let log = said(folder.path(), &[["log", &process].as_slice(), &at].concat());
    for line in
        ["slot 0  definition counter", "slot 1  action=Add quantity=5", "output   the total is 7"]
    {
        assert!(log.contains(line), "{line} in {log}");
    }
    let log = json(folder.path(), &[["log", &process, "--from", "2"].as_slice(), &at].concat());
    assert_eq!((log.len(), &log[0]["message"]["quantity"]), (1, &"2".into()));
    assert_eq!(log[0]["results"]["output"]["data"], "the total is 7");
}

#[test]
fn a_wasm_agent_is_called_with_numbers() {
    let folder = workshop("wat");
    let node = Program::start(folder.path());
    let process = deploy(folder.path(), &node.url);
    let message = r#"{"function": "add", "parameters": [5]}"#;
    let by = ["--node", &node.url, "--wallet", "me.json"];
    let send = [["send", &process, "--message", message].as_slice(), &by].concat();
    assert_eq!(json(folder.path(), &send)[0]["results"]["output"], serde_json::json!([5]));
}

#[test]
fn an_agent_is_verified_replayed_and_forked() {
    let folder = workshop("lua");
    let node = Program::start(folder.path());
    let process = deploy(folder.path(), &node.url);
    for quantity in ["5", "2", "1"] {
        add(folder.path(), &node.url, &process, quantity);
    }
    let at = ["--node", &node.url];
    let verify = ["verify", &process, "--peer", &node.url];
    let found = json(folder.path(), &[verify.as_slice(), &at].concat()).remove(0);
    assert_eq!((&found["verified"], &found["holds"]), (&4.into(), &true.into()), "{found}");
    assert_eq!(found["nodes"].as_array().unwrap().len(), 2);
    let replay = ["replay", &process, "--from", "1", "--to", "2"];
    let slots = json(folder.path(), &[replay.as_slice(), &at].concat());
    assert_eq!(slots.len(), 2);
    assert!(slots.iter().all(|slot| slot["same"] == true && slot["hashpath"].is_string()));
    let fork = ["fork", &process, "--at", "1", "--into", "what-if"];
    said(folder.path(), &[fork.as_slice(), &at].concat());
    let message = r#"{"send": {"action": "Add", "quantity": 100}, "expect": {"total": 105}}"#;
    let tried = json(folder.path(), &["run", "what-if", "--message", message]);
    assert_eq!((&tried[0]["slot"], &tried[0]["expected"][0]["holds"]), (&2.into(), &true.into()));
    let state = said(folder.path(), &[["state", &process, "total"].as_slice(), &at].concat());
    assert_eq!(state, "8\n", "the node knows nothing of it");
    let beyond = output(folder.path(), &[["fork", &process, "--at", "9"].as_slice(), &at].concat());
    assert_eq!(beyond.status.code(), Some(65));
    assert!(sentence(&beyond).ends_with("has no slot 9: the last one is 3"));
}

#[test]
fn a_task_is_started_shown_and_stopped() {
    let folder = workshop("lua");
    let node = Program::start(folder.path());
    let process = deploy(folder.path(), &node.url);
    let by = ["--node", &node.url, "--wallet", "me.json"];
    let task =
        ["cron", "add", &process, "--every", "1-hours", "--action", "Add", "--tag", "quantity=1"];
    let started = json(folder.path(), &[task.as_slice(), &by].concat()).remove(0);
    let id = started["task"].as_str().unwrap().to_owned();
    let tasks = json(folder.path(), &[["cron", "list"].as_slice(), &by].concat());
    assert_eq!((tasks.len(), &tasks[0]["id"]), (1, &id.as_str().into()));
    assert_eq!(tasks[0]["path"], format!("/{process}~process@1.0/push"));
    said(folder.path(), &[["cron", "stop", &id].as_slice(), &by].concat());
    assert!(json(folder.path(), &[["cron", "list"].as_slice(), &by].concat()).is_empty());
}

#[test]
fn what_is_wrong_is_told_with_what_to_do() {
    let folder = workshop("lua");
    let node = Program::start(folder.path());
    let unknown = oxbeam_protocol::Id::of(b"unknown").to_string();
    for (arguments, code, told) in [
        (vec!["deploy", "none", "--node", &node.url], 66, "name a folder with agent.toml"),
        (
            vec!["deploy", "counter", "--node", &node.url, "--wallet", "none.json"],
            66,
            "`oxbeam wallet new --path none.json`",
        ),
        (
            vec!["deploy", "counter", "--node", "http://127.0.0.1:1", "--wallet", "me.json"],
            69,
            "`oxbeam start`",
        ),
        (vec!["state", &unknown, "--node", &node.url], 65, "is it on this node?"),
        (vec!["run", "counter", "--message", "[]"], 64, "a message is a JSON object"),
        (vec!["run", "counter", "--messages", "none"], 66, "a JSON object in each line"),
        (vec!["new", "1st"], 64, "begins with a letter"),
    ] {
        let failed = output(folder.path(), &arguments);
        let sentence = sentence(&failed);
        assert_eq!(failed.status.code(), Some(code), "{arguments:?}: {sentence}");
        assert!(sentence.contains(told), "{sentence}");
    }
}

#[test]
fn every_shell_gets_its_completions() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        assert!(said(folder.path(), &["completions", shell]).contains("oxbeam"), "{shell}");
    }
}

/// `oxbeam log --follow`, line by line.
struct Following {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Following {
    fn start(folder: &Path, process: &str, url: &str) -> Self {
        let mut command = oxbeam(folder, &["log", process, "--follow", "--json", "--node", url]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn slot(&mut self) -> Json {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str::<Json>(&line).expect(&line)["slot"].clone()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_log_that_is_followed_goes_on_after_the_node_was_killed() {
    let folder = workshop("lua");
    let node = Program::start(folder.path());
    let url = node.url.clone();
    let process = deploy(folder.path(), &url);
    let mut following = Following::start(folder.path(), &process, &url);
    assert_eq!(following.slot(), 0);
    add(folder.path(), &url, &process, "5");
    assert_eq!(following.slot(), 1);
    assert_eq!(node.signal("-KILL"), None);
    let port = url.rsplit(':').next().unwrap().trim_end_matches('/').to_owned();
    let _again = Program::start_on(folder.path(), &port);
    add(folder.path(), &url, &process, "2");
    assert_eq!(following.slot(), 2, "nothing is left out, and nothing comes twice");
}
