//! What a node needs of its machine.

use std::path::Path;
use std::time::{Duration, SystemTime};

use oxbeam_kernel::Startup;
use rustix::process::{Resource, getrlimit};

use super::Check;
use super::State::{Doubtful, Fine, Skipped, Wrong};
use crate::cli::start::folder;

/// Below this, writes are about to fail.
const LEAST_SPACE: u64 = 128 << 20;
/// Below this, there is time to do something.
const LITTLE_SPACE: u64 = 2 << 30;
/// Files of libraries, logs and the program itself.
const OTHER_FILES: u64 = 64;
/// Connections that a node should be able to hold, whatever its limit allows.
const CONNECTIONS: u64 = 1024;
/// No clock of a machine that this program runs on is before it: 2026-01-01.
const NEVER_BEFORE: Duration = Duration::from_secs(1_767_225_600);
/// How far clocks of one machine may be apart.
const TOLERANCE: Duration = Duration::from_secs(60);

pub(super) fn disk(startup: &Startup) -> Check {
    let check = |state, says: String| Check::new("disk", state, says);
    let there = startup.data.ancestors().find(|folder| folder.exists());
    let place = there.filter(|place| !place.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let free = match rustix::fs::statvfs(place) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => return check(Skipped, format!("cannot be looked at: {error}")),
    };
    let mib = free >> 20;
    match free {
        ..LEAST_SPACE => check(Wrong, format!("{mib} MiB are free: writes fail soon, make space")),
        LEAST_SPACE..LITTLE_SPACE => check(Doubtful, format!("{mib} MiB are free: make space")),
        _ => check(Fine, format!("{mib} MiB are free")),
    }
}

/// Whether time has gone backwards: messages carry it, and certificates need it.
pub(super) fn clock(startup: &Startup) -> Check {
    let check = |state, says: &str| Check::new("clock", state, says);
    let now = SystemTime::now();
    if now < SystemTime::UNIX_EPOCH + NEVER_BEFORE {
        return check(Wrong, "is before this program was made: set it");
    }
    let store = startup.data.join(folder::STORE);
    let written = std::fs::read_dir(&store).into_iter().flatten().flatten();
    let latest = written.filter_map(|file| file.metadata().ok()?.modified().ok()).max();
    match latest.and_then(|latest| latest.duration_since(now).ok()) {
        Some(ahead) if ahead > TOLERANCE => {
            check(Doubtful, "is behind what was written before: it was set back")
        }
        _ => check(Fine, "is not behind what was written before"),
    }
}

pub(super) fn files(startup: &Startup) -> Check {
    let store = u64::try_from(startup.store.max_open_files).unwrap_or_default();
    let needed = store + OTHER_FILES + CONNECTIONS;
    let check = |state, says: String| Check::new("open files", state, says);
    match getrlimit(Resource::Nofile).current {
        None => check(Fine, "as many as it likes".to_owned()),
        Some(limit) if limit >= needed => check(Fine, format!("{limit} may be open")),
        Some(limit) => check(
            Doubtful,
            format!(
                "{limit} may be open, {needed} may be needed: raise it with `ulimit -n {needed}`, or \
                 lower store_max_open_files"
            ),
        ),
    }
}
