//! `oxbeam doctor`: what is wrong with a node, its configuration or its machine, and what to do.
//!
//! Nothing is made or changed but the file of `--bundle`; a store is opened only while no node has it.

mod bundle;
mod checks;
mod machine;

use std::process::ExitCode;

use serde_json::json;

use super::arguments::Doctor;
use super::failure::Failure;
use super::say;

/// The exit code where something is wrong.
const WRONG: u8 = 1;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fine,
    /// It works, and may not for long.
    Doubtful,
    Wrong,
    /// It could not be looked at, or need not be.
    Skipped,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Check {
    name: &'static str,
    state: State,
    /// What was found, and what to do about it.
    says: String,
}

impl Check {
    fn new(name: &'static str, state: State, says: impl Into<String>) -> Self {
        Self { name, state, says: says.into() }
    }

    fn json(&self) -> serde_json::Value {
        json!({ "name": self.name, "state": self.state.name(), "says": self.says })
    }
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Doubtful => "warning",
            Self::Wrong => "wrong",
            Self::Skipped => "skipped",
        }
    }
}

/// Looks at everything.
pub(super) fn run(doctor: &Doctor) -> Result<ExitCode, Failure> {
    let found = checks::all(doctor);
    let wrong = found.iter().any(|check| check.state == State::Wrong);
    if doctor.json {
        let checks: Vec<_> = found.iter().map(Check::json).collect();
        let version = env!("CARGO_PKG_VERSION");
        say(&format!("{:#}\n", json!({ "version": version, "ok": !wrong, "checks": checks })));
    } else {
        for Check { name, state, says } in &found {
            say(&format!("{:<8} {name:<14} {says}\n", state.name()));
        }
    }
    if let Some(file) = &doctor.bundle {
        bundle::write(file, doctor, &found)?;
        if !doctor.json {
            say(&format!("written to {}; no secrets are in it\n", file.display()));
        }
    }
    Ok(if wrong { ExitCode::from(WRONG) } else { ExitCode::SUCCESS })
}
