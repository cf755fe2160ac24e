//! How a node starts: its hook, and where its log goes.

use std::fs;
use std::process::Stdio;

use super::node::{Program, output};
use super::{folder, sentence};

#[test]
fn the_start_hook_is_done_when_the_node_says_that_it_is_ready() {
    let folder = folder();
    let hook = r#"
        [on.start]
        device = "scheduler@1.0"
        path = "location"
        method = "POST"
        target = "self"
        url = "https://scheduler.example"
        [on.start.hook]
        result = "ignore"
        commit-request = true
    "#;
    fs::write(folder.path().join("oxbeam.toml"), hook).unwrap();
    let node = Program::start(folder.path());
    let record = format!("{}/~scheduler@1.0/location/body/url", node.url.trim_end_matches('/'));
    let mut answer = ureq::get(record).call().unwrap();
    assert_eq!(answer.body_mut().read_to_string().unwrap(), "https://scheduler.example");
}

#[test]
fn a_start_hook_that_fails_ends_the_program_with_a_sentence() {
    let folder = folder();
    for (hook, told) in [
        ("device = \"nothing@1.0\"", "device nothing@1.0 is not known to this node"),
        ("device = \"message@1.0\"\npath = \"no-such-key\"", "not_found"),
        ("device = \"message@1.0\"\npath = \"keys\"", "answers no message"),
        ("device = \"message@1.0\"\npath = \"id\"", "answers no message"),
    ] {
        fs::write(folder.path().join("oxbeam.toml"), format!("[on.start]\n{hook}\n")).unwrap();
        let failed = output(folder.path(), &["start", "--port", "0", "--bind", "127.0.0.1"]);
        assert_ne!(failed.status.code(), Some(0));
        let sentence = sentence(&failed);
        assert!(sentence.contains("the start hook failed"), "{sentence}");
        assert!(sentence.contains(told), "{sentence}");
        assert_eq!(failed.stdout, b"", "nobody was told that the node is ready");
    }
}

#[test]
fn a_node_whose_log_nobody_reads_any_more_goes_on() {
    let folder = folder();
    let (reader, writer) = std::io::pipe().unwrap();
    let node = Program::logging(folder.path(), Stdio::from(writer));
    drop(reader);
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let url = node.url.trim_end_matches('/');
    for _ in 0..3 {
        let mut failed = agent.get(format!("{url}/~nosuch@1.0/a")).call().unwrap();
        assert_eq!(failed.status(), 500);
        assert!(failed.headers().contains_key("incident"), "it is logged under this");
        let body = failed.body_mut().read_to_string().unwrap();
        assert!(body.contains("not known to this node"), "{body}");
    }
    assert_eq!(node.signal("-TERM"), Some(0));
}
