//! What is looked at.

use std::fs::{File, TryLockError};
use std::net::TcpListener;
use std::time::Duration;

use oxbeam_kernel::Startup;
use oxbeam_store::LocalStore;

use super::State::{Fine, Skipped, Wrong};
use super::{Check, Doctor, machine};
use crate::cli::failure::Failure;
use crate::cli::start::{folder, reachable};
use crate::cli::wallet;

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const MAX_ANSWER: u64 = 64 << 20;

/// Whether a node has the data folder open.
enum Use {
    Nobody(Option<File>),
    Node,
}

/// All checks, in the order in which a start does them.
pub(super) fn all(doctor: &Doctor) -> Vec<Check> {
    let startup = match doctor.configured.load([]) {
        Ok(configuration) => Startup::read(&configuration.message),
        Err(error) => {
            let says = Failure::from(error).sentence();
            let skipped = "the configuration comes first";
            return vec![
                Check::new("configuration", Wrong, says),
                Check::new("the rest", Skipped, skipped),
            ];
        }
    };
    let (folder, used) = data(&startup);
    let runs = matches!(used, Use::Node);
    let mut checks = vec![Check::new("configuration", Fine, "every option is known and valid")];
    checks.push(folder);
    checks.push(wallet(&startup));
    checks.push(store(doctor, &startup, used));
    checks.push(machine::disk(&startup));
    checks.push(port(&startup, runs));
    checks.push(machine::clock(&startup));
    checks.push(machine::files(&startup));
    checks
}

/// The folder, and its lock while it is held.
fn data(startup: &Startup) -> (Check, Use) {
    let check = |state, says: &str| {
        Check::new("data folder", state, format!("{} {says}", startup.data.display()))
    };
    if !startup.data.exists() {
        return (check(Fine, "is not there yet: a start makes it"), Use::Nobody(None));
    }
    let lock = startup.data.join(folder::LOCK);
    if !lock.exists() {
        return (check(Fine, "has never been used by a node"), Use::Nobody(None));
    }
    match File::options().write(true).open(&lock) {
        Err(error) => {
            let says = Failure::io(&lock, error).sentence();
            (Check::new("data folder", Wrong, says), Use::Nobody(None))
        }
        Ok(file) => match file.try_lock() {
            Ok(()) => (check(Fine, "is free"), Use::Nobody(Some(file))),
            Err(TryLockError::WouldBlock) => (check(Fine, "is used by a node"), Use::Node),
            Err(TryLockError::Error(error)) => {
                let says = Failure::io(&lock, error).sentence();
                (Check::new("data folder", Wrong, says), Use::Nobody(None))
            }
        },
    }
}

fn wallet(startup: &Startup) -> Check {
    match wallet::read(&startup.wallet) {
        Ok(Some(wallet)) => Check::new("wallet", Fine, format!("address {}", wallet.address())),
        Ok(None) => Check::new("wallet", Fine, "is not there yet: a start makes one"),
        Err(failure) => Check::new("wallet", Wrong, failure.sentence()),
    }
}

fn store(doctor: &Doctor, startup: &Startup, used: Use) -> Check {
    let check = |state, says: String| Check::new("store", state, says);
    let place = startup.data.join(folder::STORE);
    let _held = match used {
        Use::Node => return check(Skipped, "is open in the node that runs".to_owned()),
        Use::Nobody(lock) => lock,
    };
    if !place.exists() {
        return check(Fine, "is not there yet: a start makes it".to_owned());
    }
    let (store, recovery) = match LocalStore::open(&place, &startup.store) {
        Ok(opened) => opened,
        Err(error) => return check(Wrong, crate::cli::failure::with_causes(&error)),
    };
    if let Some(damage) = recovery.damaged.first() {
        let more = recovery.damaged.len() - 1;
        return check(Wrong, format!("opens, but: {damage}, and {more} more"));
    }
    if !doctor.store {
        return check(Fine, "opens; --store reads all of it".to_owned());
    }
    match store.check() {
        Ok(report) if report.is_sound() => {
            let (processes, slots) = (report.processes, report.slots);
            check(Fine, format!("{processes} processes with {slots} slots are sound"))
        }
        Ok(report) => {
            let more = report.findings.len() as u64 + report.more_findings - 1;
            let first = report.findings.first().map(ToString::to_string).unwrap_or_default();
            check(
                Wrong,
                format!("{first}, and {more} more: restore a copy, or export what is sound"),
            )
        }
        Err(error) => check(Wrong, crate::cli::failure::with_causes(&error)),
    }
}

fn port(startup: &Startup, runs: bool) -> Check {
    let address = startup.listen;
    if !runs {
        return match TcpListener::bind(address) {
            Ok(_) => Check::new("port", Fine, format!("{address} is free")),
            Err(error) => Check::new("port", Wrong, Failure::listen(address, error).sentence()),
        };
    }
    match get(startup, "/readyz") {
        Ok((200, _)) => Check::new("port", Fine, format!("a node is ready at {address}")),
        Ok((status, text)) => Check::new(
            "port",
            Wrong,
            format!("the node at {address} says {status}: {}", text.trim()),
        ),
        Err(reason) => {
            let says = format!("a node has the folder, and none answers at {address}: {reason}");
            Check::new("port", Wrong, says)
        }
    }
}

/// Asks the node of this machine.
pub(super) fn get(startup: &Startup, path: &str) -> Result<(u16, String), String> {
    let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE));
    let agent: ureq::Agent = agent.http_status_as_error(false).build().into();
    let url = format!("http://{}{path}", reachable(startup.listen));
    let request =
        agent.get(url).header("accept", "application/json").header("accept-bundle", "true");
    let mut answer = request.call().map_err(|error| error.to_string())?;
    let text = answer.body_mut().with_config().limit(MAX_ANSWER).read_to_string();
    Ok((answer.status().as_u16(), text.map_err(|error| error.to_string())?))
}
