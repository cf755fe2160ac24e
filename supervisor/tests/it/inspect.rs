//! Looking at the tree.

use std::time::Duration;

use oxbeam_supervisor::{ActorSpec, ChildSpec, Happening, Intensity, State, SupervisorSpec};

use crate::common::*;

#[test]
fn one_call_gives_the_whole_tree_with_what_is_known_of_each_actor() {
    simulate(async {
        let realm = realm();
        let inner = SupervisorSpec::new().child(worker("leaf"));
        let spec = SupervisorSpec::new()
            .child(worker("busy"))
            .child(ChildSpec::supervisor("inner", inner));
        let _root = realm.start("root", spec).await.unwrap();
        let busy = realm.registry().address::<Counter>("busy").unwrap();
        assert!(busy.ask(End::Panic).await.is_err());
        settle().await;
        let _waiting = busy.ask(Wait(Duration::from_secs(60)));
        let _queued = busy.ask(Count);
        tokio::time::sleep(Duration::from_secs(3)).await;

        let tree = realm.snapshot(None, 100);
        let paths: Vec<_> = tree.rows.iter().map(|row| &*row.about.path).collect();
        assert_eq!(paths, ["root", "root/busy", "root/inner", "root/inner/leaf"]);
        let (root, row) = (&tree.rows[0], &tree.rows[1]);
        assert_eq!(row.about.parent, Some(root.about.id));
        assert_eq!((row.state, row.incarnation, row.exits), (State::Running, 2, 1));
        assert_eq!((row.queued, row.awaiting, row.handled), (1, 2, 2));
        assert_eq!(row.oldest.unwrap().as_secs(), 3);
        assert_eq!(row.uptime.unwrap().as_secs(), 3);
        assert!(row.last_exits[0].reason.crash().is_some());
        assert_eq!((row.about.policy, root.budget_left), ("permanent", Some(0)));
        assert!(tree.draw().contains("├── busy Running"), "{}", tree.draw());
        assert!(tree.draw().contains("    └── leaf Running"), "{}", tree.draw());
    });
}

#[test]
fn a_large_tree_comes_in_pages_without_gaps_or_repeats() {
    simulate(async {
        let realm = realm();
        let spec =
            (0..25).fold(SupervisorSpec::new(), |spec, n| spec.child(worker(&format!("w{n}"))));
        let root = realm.start("root", spec).await.unwrap();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = realm.children(root.actor().id(), after, 10);
            seen.extend(page.rows.iter().map(|row| row.about.id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 25);
        assert!(seen.is_sorted());
    });
}

#[test]
fn events_come_in_order_with_numbers_and_a_snapshot_says_which_it_includes() {
    simulate(async {
        let realm = realm();
        let mut events = realm.events();
        let _root = realm.start("root", SupervisorSpec::new().child(worker("a"))).await.unwrap();
        let mut last = 0;
        let mut started = 0;
        while let Ok(event) = events.try_recv() {
            assert_eq!(event.sequence, last + 1);
            last = event.sequence;
            started += u32::from(matches!(event.what, Happening::Started));
        }
        assert_eq!((started, realm.snapshot(None, 10).sequence), (2, last));
    });
}

#[test]
fn equal_crashes_are_one_group_with_a_count() {
    simulate(async {
        let realm = realm();
        let intensity = Intensity { restarts: 100, period: Duration::from_secs(1) };
        let spec = SupervisorSpec::new().intensity(intensity).child(worker("a"));
        let _root = realm.start("root", spec).await.unwrap();
        let counter = realm.registry().address::<Counter>("a").unwrap();
        for counts in 0..5 {
            for _ in 0..counts {
                counter.ask(Count).await.unwrap();
            }
            assert!(counter.ask(End::Panic).await.is_err(), "words differ by a number only");
        }
        assert!(counter.ask(End::PanicInTimer).await.is_err());
        let groups = realm.crashes().groups();
        assert_eq!(groups.iter().map(|group| group.count).collect::<Vec<_>>(), [1, 5]);
    });
}

#[test]
fn a_snapshot_of_100_000_actors_takes_less_than_a_tenth_of_the_time_it_took_to_start_them() {
    simulate(async {
        let realm = realm();
        // A ratio of one run, because machines differ; the bench has the time itself.
        let begun = processor_time();
        let actors: Vec<_> = (0..100_000)
            .map(|n| realm.spawn(&format!("a{n}"), ActorSpec::new(Counter::default)).unwrap())
            .collect();
        assert_eq!(actors[99_999].ask(Count).await, Ok(1));
        let started = processor_time() - begun;
        let snapshots = (0..3).map(|_| {
            let begun = processor_time();
            assert_eq!(realm.snapshot(None, usize::MAX).rows.len(), 100_000);
            processor_time() - begun
        });
        let best = snapshots.min().unwrap();
        println!("snapshot: {best:?}, start: {started:?}");
        assert!(best < started / 10, "{best:?} of {started:?}");
    });
}
