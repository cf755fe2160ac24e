//! One file to send to somebody who is to find out what is wrong.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use oxbeam_kernel::Startup;
use oxbeam_protocol::NoContent;
use oxbeam_protocol::codec::{Json, Links};
use serde_json::{Value, json};

use super::{Check, Doctor, checks};
use crate::cli::failure::Failure;
use crate::cli::up::report;

/// Names whose values are never told, wherever they stand.
const SECRET: [&str; 5] = ["priv", "secret", "token", "password", "authorization"];
/// What a node that answers is asked.
const ASKED: [&str; 3] = ["/readyz", "/metrics", "/~supervisor@1.0/tree"];

pub(super) fn write(file: &Path, doctor: &Doctor, found: &[Check]) -> Result<(), Failure> {
    let text = format!("{:#}\n", collected(doctor, found));
    let mut options = OpenOptions::new();
    let written = options.write(true).create_new(true).mode(0o600).open(file);
    let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::io(file, error))
}

fn collected(doctor: &Doctor, found: &[Check]) -> Value {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mut bundle = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "system": { "os": std::env::consts::OS, "architecture": std::env::consts::ARCH },
        "seconds": now.as_secs(),
        "checks": found.iter().map(Check::json).collect::<Vec<_>>(),
    });
    let Ok(configuration) = doctor.configured.load([]) else { return bundle };
    let startup = Startup::read(&configuration.message);
    let json = Json { links: Links::Embed(&NoContent) };
    let options = json.encode(&configuration.message.into()).ok();
    let options = options.and_then(|text| serde_json::from_str(&text).ok());
    let answers = ASKED.map(|path| (path.to_owned(), answer(&startup, path)));
    if let Some(bundle) = bundle.as_object_mut() {
        bundle.insert("configuration".into(), options.map(public).unwrap_or_default());
        bundle.insert("node".into(), Value::Object(answers.into_iter().collect()));
        bundle.insert("crashes".into(), crashes(&startup).unwrap_or_default().into());
    }
    bundle
}

fn answer(startup: &Startup, path: &str) -> Value {
    match checks::get(startup, path) {
        Ok((status, text)) => {
            let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
            json!({ "status": status, "body": body })
        }
        Err(reason) => json!({ "error": reason }),
    }
}

/// Reports of the launcher, the latest last.
fn crashes(startup: &Startup) -> io::Result<Vec<String>> {
    let kept = report::kept(&startup.data.join(report::FOLDER))?;
    kept.iter().map(std::fs::read_to_string).collect()
}

/// A value without what its names say is secret.
fn public(value: Value) -> Value {
    let is_secret = |name: &str| SECRET.iter().any(|word| name.to_ascii_lowercase().contains(word));
    match value {
        Value::Object(object) => {
            let public = object.into_iter().filter(|(name, _)| !is_secret(name));
            Value::Object(public.map(|(name, value)| (name, self::public(value))).collect())
        }
        Value::Array(values) => values.into_iter().map(public).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_wherever_they_stand() {
        let given = json!({
            "port": 1, "priv_key": "x",
            "on": { "start": [{ "api-token": "x", "path": "p", "Password": "x" }] },
        });
        let told = json!({ "port": 1, "on": { "start": [{ "path": "p" }] } });
        assert_eq!(public(given), told);
    }
}
