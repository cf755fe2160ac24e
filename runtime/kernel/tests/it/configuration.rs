//! Where options come from, and what is said of wrong ones.

use std::fs;
use std::path::PathBuf;

use oxbeam_kernel::configuration::{
    ConfigurationError, OPTIONS, OPTIONS_BEGIN, OPTIONS_END, Sources, document,
};
use oxbeam_kernel::{NodeMessage, Startup};
use oxbeam_protocol::{Atom, Value};
use tempfile::TempDir;

/// A folder with these files, as the working directory.
fn folder(files: &[(&str, &str)]) -> (TempDir, Sources) {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let sources = Sources { folder: folder.path().to_owned(), ..Sources::default() };
    (folder, sources)
}

fn load(files: &[(&str, &str)]) -> Result<NodeMessage, ConfigurationError> {
    folder(files).1.load()
}

fn port(node: &NodeMessage) -> u16 {
    Startup::read(&node.message).listen.port()
}

#[test]
fn without_sources_every_option_is_at_its_default() {
    let node = load(&[]).unwrap();
    assert_eq!(node.message, NodeMessage::default().message);
    assert_eq!(port(&node), 8734);
}

#[test]
fn each_source_takes_the_place_of_those_before_it() {
    let (_folder, mut sources) =
        folder(&[("oxbeam.toml", "port = 1\nmax_depth = 1\nhost = 'file'")]);
    assert_eq!(port(&sources.load().unwrap()), 1);
    sources.environment.insert("OXBEAM_PORT".into(), "2".into());
    sources.environment.insert("OXBEAM_MAX_DEPTH".into(), "2".into());
    assert_eq!(port(&sources.load().unwrap()), 2);
    sources.flags.push(("port".into(), "3".into()));
    let node = sources.load().unwrap();
    assert_eq!((port(&node), node.settings.max_depth), (3, 2));
    assert_eq!(node.message.get("host"), Some(&"file".into()));
}

#[test]
fn the_three_forms_of_a_file_say_the_same() {
    let toml =
        load(&[("oxbeam.toml", "port = 9\ngenerate-index = false\n[on]\nstart = {a = 'b'}")]);
    let json = load(&[(
        "config.json",
        r#"{"port": "9", "generate_index": false, "on": {"start": {"a": "b"}}}"#,
    )]);
    let flat = load(&[("config.flat", "port: 9\ngenerate-index: false\non/start/a: b\n")]);
    let toml = toml.unwrap().message;
    assert_eq!(toml.get("generate_index"), Some(&Atom::FALSE.into()));
    assert_eq!(toml, json.unwrap().message);
    assert_eq!(toml, flat.unwrap().message);
}

#[test]
fn the_ending_of_a_file_is_behind_its_last_dot() {
    let (folder, mut sources) = folder(&[("v1.2.json", r#"{"port": 9}"#), ("x.yaml", "")]);
    sources.file = Some(folder.path().join("v1.2.json"));
    assert_eq!(port(&sources.load().unwrap()), 9);
    sources.file = Some(folder.path().join("x.yaml"));
    let error = sources.load().unwrap_err().to_string();
    assert!(error.ends_with("x.yaml is no configuration file: expected .toml, .json or .flat"));
}

#[test]
fn types_in_tables_are_honoured() {
    let json = r#"{"on": {"start": {"device": "d", "n": "5", "ao-types": "n=\"integer\""}}}"#;
    let node = load(&[("config.json", json)]).unwrap();
    let Some(Value::Map(on)) = node.message.get("on") else { panic!("no table") };
    let Some(Value::Map(start)) = on.get("start") else { panic!("no handler") };
    assert_eq!(start.get("n"), Some(&5.into()));
    assert_eq!(start.get("ao-types"), None);
}

#[test]
fn an_unknown_option_is_an_error_that_says_what_was_meant() {
    let error = load(&[("oxbeam.toml", "prot = 1")]).unwrap_err().to_string();
    assert!(error.starts_with("unknown option prot in "), "{error}");
    assert!(error.ends_with("oxbeam.toml: did you mean port?"), "{error}");
    let (_folder, mut sources) = folder(&[]);
    sources.environment.insert("OXBEAM_MAX_DEPHT".into(), "2".into());
    let error = sources.load().unwrap_err().to_string();
    assert_eq!(error, "unknown option max_depht in the environment: did you mean max_depth?");
}

#[test]
fn a_value_of_the_wrong_type_is_an_error_that_says_where_and_what() {
    let error = load(&[("config.flat", "max_depth: deep\n")]).unwrap_err().to_string();
    assert!(error.starts_with("option max_depth in "), "{error}");
    assert!(error.ends_with("config.flat is \"deep\", expected an integer from 1 to 1024"));
    let (_folder, mut sources) = folder(&[]);
    sources.flags.push(("port".into(), "99999".into()));
    assert_eq!(
        sources.load().unwrap_err().to_string(),
        "option port in the command line is \"99999\", expected an integer from 0 to 65535"
    );
}

#[test]
fn a_file_that_is_named_must_be_there_and_readable() {
    let (folder, mut sources) = folder(&[("bad.toml", "port = \n"), ("bad.json", "[1]")]);
    sources.file = Some(folder.path().join("none.toml"));
    assert!(sources.load().unwrap_err().to_string().ends_with("there is no such file"));
    for bad in ["bad.toml", "bad.json"] {
        sources.file = Some(folder.path().join(bad));
        let error = sources.load().unwrap_err().to_string();
        assert!(error.starts_with("failed to read the configuration from "), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn keys_of_ones_own_are_kept_beside_the_options() {
    let node = load(&[("oxbeam.toml", "[custom]\ngreeting = 'hi'\n")]).unwrap();
    assert_eq!(node.message.get("greeting"), Some(&"hi".into()));
    let error = load(&[("oxbeam.toml", "[custom]\nport = 1\n")]).unwrap_err().to_string();
    assert_eq!(error, "custom.port has the name of an option: set the option itself");
}

#[test]
fn options_that_only_the_reference_node_has_are_kept() {
    let node = load(&[("config.json", r#"{"query_timeout": 5, "debug_print": ["a"]}"#)]).unwrap();
    assert_eq!(node.message.get("query_timeout"), Some(&5.into()));
    assert!(node.message.contains("debug_print"));
}

#[test]
fn the_wallets_place_is_used_and_never_shown() {
    let wallet = "/secret/place.json";
    for (name, text) in [
        ("oxbeam.toml", "priv_key_location = '/secret/place.json'"),
        ("config.json", r#"{"priv-key-location": "/secret/place.json"}"#),
        ("config.flat", "priv_key_location: /secret/place.json\n"),
    ] {
        let node = load(&[(name, text)]).unwrap();
        assert_eq!(Startup::read(&node.message).wallet, PathBuf::from(wallet));
        assert!(!node.message.keys().any(|key| key.is_private()), "{name}");
        assert!(!format!("{:?}", node.message.iter().collect::<Vec<_>>()).contains("secret"));
    }
    let error = load(&[("oxbeam.toml", "priv_key_location = ['SECRET']")]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("SECRET"));
}

#[test]
fn every_option_is_documented_as_it_is() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = fs::read_to_string(file).unwrap();
    let (_, rest) = text.split_once(OPTIONS_BEGIN).expect("the table has a beginning");
    let (table, _) = rest.split_once(OPTIONS_END).expect("the table has an end");
    assert_eq!(table.trim(), document().trim(), "run `make docs`");
    assert!(OPTIONS.iter().all(|option| !option.doc.is_empty()));
}
