//! The supervision tree, by its parts: each child of the root with all that is under it.

use oxbeam_kernel::Node;
use oxbeam_supervisor::Part;

use super::samples::Gathered;

pub(super) fn gather(node: &Node, gathered: &mut Gathered) {
    let realm = node.realm();
    let parts = realm.parts();
    let by = |value: fn(&Part) -> f64| {
        let label = |(name, part): (&String, &Part)| (vec![("group", name.clone())], value(part));
        parts.iter().map(label).collect::<Vec<_>>()
    };
    gathered.gauges("oxbeam_actors", "Actors", by(|part| part.actors as f64));
    let help = "Actors that failed too often and wait for somebody to resume them";
    gathered.gauges("oxbeam_actors_quarantined", help, by(|part| part.quarantined as f64));
    let help = "Actors that failed and start again after a pause";
    gathered.gauges("oxbeam_actors_backoff", help, by(|part| part.backoff as f64));
    let help = "Messages that wait in the queues of actors";
    gathered.gauges("oxbeam_actor_queued", help, by(|part| part.queued as f64));
    let help = "How long the message that has waited longest has";
    gathered.gauges(
        "oxbeam_actor_queue_oldest_seconds",
        help,
        by(|part| part.oldest.as_secs_f64()),
    );
    let tallies = realm.tallies();
    let by = |value: fn(&oxbeam_supervisor::Tally) -> u64| {
        let label =
            |(name, tally): &(String, _)| (vec![("group", name.clone())], value(tally) as f64);
        tallies.iter().map(label).collect::<Vec<_>>()
    };
    gathered.counters("oxbeam_actor_starts", "Lives of actors that began", by(|t| t.starts));
    let help = "Lives of actors that ended and should not have; a restart or a quarantine follows";
    gathered.counters("oxbeam_actor_failures", help, by(|t| t.failures));
    gathered.counters("oxbeam_actor_crashes", "Panics of actors", by(|t| t.crashes));
    let help = "Times that an actor was set aside";
    gathered.counters("oxbeam_actor_quarantines", help, by(|t| t.quarantines));
    let help = "Times that an actor held its thread for too long";
    gathered.counters("oxbeam_actor_stuck", help, by(|t| t.stuck));
}
