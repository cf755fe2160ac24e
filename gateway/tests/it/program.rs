//! What whoever runs a node sees of it.

mod agents;
mod away;
mod doctor;
mod kill;
mod node;
mod operator;
mod pushed;
mod scripted;
mod start;
mod top;
mod traces;
mod up;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use tempfile::TempDir;

use node::{Program, output, put_wallet};

fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    put_wallet(folder.path());
    folder
}

/// The one sentence with which a command failed.
fn sentence(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with("oxbeam: "));
    let sentence = lines.next().expect(&text).to_owned();
    assert_eq!(lines.next(), None, "{text}");
    assert!(!text.contains("panicked") && !text.contains("backtrace"), "{text}");
    sentence
}

#[test]
fn the_first_start_makes_a_wallet_and_the_next_one_uses_it() {
    let folder = TempDir::new().unwrap();
    let first = Program::start(folder.path());
    let address = first.address.clone();
    assert_eq!(address.len(), 43);
    assert_eq!(first.signal("-TERM"), Some(0));
    let wallet = folder.path().join("data/wallet.json");
    assert_eq!(fs::metadata(&wallet).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read(&wallet).unwrap();
    assert_eq!(Program::start(folder.path()).address, address);
    assert_eq!(fs::read(&wallet).unwrap(), text);
}

#[test]
fn the_version_tells_the_commit_it_is_built_from() {
    let told = output(folder().path(), &["--version"]);
    let text = String::from_utf8(told.stdout).unwrap();
    let commit = text.strip_prefix(concat!("oxbeam ", env!("CARGO_PKG_VERSION"), " ("));
    let commit = commit.and_then(|rest| rest.strip_suffix(")\n")).expect(&text);
    let hash = commit.len() >= 12 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    assert!(hash || commit == "unknown", "{text}");
}

#[test]
fn both_signals_stop_the_node_in_order() {
    let folder = folder();
    for signal in ["-TERM", "-INT"] {
        assert_eq!(Program::start(folder.path()).signal(signal), Some(0), "{signal}");
    }
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let failed = output(folder.path(), &["start", "--bind", "127.0.0.1", "--port", &port]);
    assert_eq!(failed.status.code(), Some(69));
    assert_eq!(
        sentence(&failed),
        format!(
            "oxbeam: 127.0.0.1:{port} is in use by another program: stop that one, or choose \
             another port with --port"
        )
    );
}

#[test]
fn a_folder_in_use_is_named_with_what_to_do() {
    let folder = folder();
    let _node = Program::start(folder.path());
    let failed = output(folder.path(), &["start", "--port", "0"]);
    assert_eq!(failed.status.code(), Some(69));
    assert_eq!(
        sentence(&failed),
        "oxbeam: folder ./data is in use by another node: stop that one, or choose another folder \
         with --data"
    );
}

#[test]
fn a_wrong_configuration_is_told_before_anything_is_made() {
    let folder = TempDir::new().unwrap();
    for (arguments, told) in [
        (["--port", "many"], "option port in the command line is \"many\""),
        (
            ["--set", "max_dept=1"],
            "unknown option max_dept in the command line: did you mean max_depth?",
        ),
        (["--config", "none.toml"], "from none.toml: there is no such file"),
        (["--set", "log_filter=a=b=c"], "is no filter"),
    ] {
        let failed = output(folder.path(), &[["start"].as_slice(), &arguments].concat());
        assert_eq!(failed.status.code(), Some(78), "{arguments:?}");
        assert!(sentence(&failed).contains(told), "{}", sentence(&failed));
    }
    assert!(!folder.path().join("data").exists());
}

#[test]
fn a_place_that_is_no_folder_is_an_error_of_input() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    let failed = output(folder.path(), &["start", "--port", "0", "--data", "file/data"]);
    assert_eq!(failed.status.code(), Some(74));
    assert!(sentence(&failed).starts_with("oxbeam: failed to use file/data: "));
}

#[test]
fn a_wallet_is_made_once_and_shown_without_its_secret() {
    let folder = TempDir::new().unwrap();
    let made = output(folder.path(), &["wallet", "new", "--path", "w.json"]);
    assert_eq!(made.status.code(), Some(0));
    let shown = output(folder.path(), &["wallet", "show", "--path", "w.json"]);
    assert_eq!(shown.stdout, made.stdout);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.starts_with("address  ") && text.ends_with("w.json\n"), "{text}");
    assert!(text.len() < 100, "{text}");
    let again = output(folder.path(), &["wallet", "new", "--path", "w.json"]);
    assert_eq!(again.status.code(), Some(73));
    assert!(sentence(&again).contains("it is never overwritten"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    let none = output(folder.path(), &["wallet", "show", "--path", "none.json"]);
    assert_eq!(none.status.code(), Some(66));
    assert!(sentence(&none).contains("`oxbeam wallet new --path none.json` makes one"));
    let elsewhere = output(folder.path(), &["wallet", "new"]);
    assert_eq!(elsewhere.status.code(), Some(0), "and the folder that it lies in");
    let data = fs::metadata(folder.path().join("data")).unwrap();
    assert_eq!(data.permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_command_line_that_cannot_be_understood_is_an_error_of_use() {
    let folder = folder();
    for wrong in [&["start", "--bogus"][..], &["state"], &[]] {
        assert_eq!(output(folder.path(), wrong).status.code(), Some(64), "{wrong:?}");
    }
    assert_eq!(output(folder.path(), &["help"]).status.code(), Some(0));
}

#[test]
fn a_file_that_is_no_wallet_is_not_repeated() {
    let folder = folder();
    fs::write(folder.path().join("data/wallet.json"), "{\"SECRET").unwrap();
    let failed = output(folder.path(), &["start", "--port", "0"]);
    assert_eq!(failed.status.code(), Some(65));
    assert!(!sentence(&failed).contains("SECRET"));
}

#[test]
fn the_tree_of_a_running_node_is_drawn() {
    let folder = folder();
    let node = Program::start(folder.path());
    let drawn = output(folder.path(), &["tree", "--node", &node.url]);
    let text = String::from_utf8(drawn.stdout).unwrap();
    assert_eq!(drawn.status.code(), Some(0), "{}", String::from_utf8_lossy(&drawn.stderr));
    assert!(text.starts_with("actor "), "{text}");
    for name in ["\nnode ", "├── store ", "├── gateway ", "supervisor@1.0 "] {
        assert!(text.contains(name), "{name} in {text}");
    }
    let lines = output(folder.path(), &["tree", "--json", "--node", &node.url]).stdout;
    let lines = String::from_utf8(lines).unwrap();
    let paths: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|actor| actor["path"].as_str().unwrap().to_owned())
        .collect();
    assert!(paths.contains(&"node/store".to_owned()), "{paths:?}");
}

#[test]
fn a_node_that_is_not_there_is_named_with_what_to_do() {
    let folder = folder();
    let failed = output(folder.path(), &["tree", "--node", "http://127.0.0.1:1"]);
    assert_eq!(failed.status.code(), Some(69));
    let told = "oxbeam: no node answers at http://127.0.0.1:1: start it with `oxbeam start`";
    assert!(sentence(&failed).starts_with(told), "{}", sentence(&failed));
}
