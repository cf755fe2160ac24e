//! Names the actor that holds its thread.

use std::{
    io,
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use super::beat::{Beat, Sign, beats};
use crate::{event::Happening, inspect::ActorId, realm::Realm};

/// When an actor counts as holding its thread.
#[derive(Debug, Clone, Copy)]
pub struct WatchdogConfig {
    /// How long one turn may take. Default 1 s.
    pub limit: Duration,
    /// How often the threads are looked at. Default 100 ms.
    pub period: Duration,
}

impl Default for WatchdogConfig {
    fn default() -> Self {
        Self { limit: Duration::from_secs(1), period: Duration::from_millis(100) }
    }
}

/// Watches all threads until the realm is dropped. Each turn that is too long is reported once, as
/// [`Happening::Stuck`] and in the log; nothing can end it from outside.
///
/// # Errors
/// When the period is zero, or the watching thread cannot be started.
pub fn watch(realm: &Arc<Realm>, config: WatchdogConfig) -> io::Result<()> {
    if config.period.is_zero() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the period is zero"));
    }
    let realm = Arc::downgrade(realm);
    let watch = move || {
        let mut seen = Vec::new();
        while let Some(realm) = realm.upgrade() {
            seen = look(&realm, config.limit, &seen);
            drop(realm);
            // A thread of its own, so that a watched thread that is stuck cannot hold it up.
            thread::sleep(config.period);
        }
    };
    thread::Builder::new().name("watchdog".to_owned()).spawn(watch).map(drop)
}

/// What was seen of a thread.
struct Seen {
    /// Weak: a thread's beat goes with the thread.
    beat: Weak<Beat>,
    sign: Sign,
    since: Instant,
    /// Whoever looks at the actor sees for how long it has been at its message.
    timed: bool,
    reported: bool,
}

/// Looks at every thread once. Bounded by the number of threads.
fn look(realm: &Realm, limit: Duration, before: &[Seen]) -> Vec<Seen> {
    let look_at = |beat: Arc<Beat>| {
        let (sign, beat) = (beat.sign(), Arc::downgrade(&beat));
        let known = before.iter().find(|seen| seen.beat.ptr_eq(&beat) && seen.sign == sign);
        let (since, told) = known.map_or((Instant::now(), false), |k| (k.since, k.reported));
        let held = since.elapsed();
        if known.is_some_and(|known| !known.timed)
            && let Some(actor) = sign.actor().and_then(|actor| realm.find(actor))
        {
            actor.mailbox().stamp();
        }
        let reported =
            told || (held >= limit && sign.actor().is_some_and(|a| report(realm, a, held)));
        Seen { beat, sign, since, timed: known.is_some(), reported }
    };
    beats().into_iter().map(look_at).collect()
}

/// False for an actor of another realm.
fn report(realm: &Realm, actor: ActorId, held: Duration) -> bool {
    let Some(actor) = realm.find(actor) else { return false };
    let message = actor.row().current.map(|current| current.message);
    tracing::warn!(actor = %actor.path(), message, ?held, "actor holds its thread");
    realm.emit(actor.mailbox().about(), Happening::Stuck { message, held });
    true
}
