//! The outermost ring, as the exit code of a program. The program is this test binary, run again
//! with an environment variable that says how it is to end.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use actix::System;
use oxbeam_supervisor::{
    ActorSpec, ChildSpec, Intensity, Realm, RealmConfig, Shutdown, SupervisorSpec, run, self_test,
};

use crate::common::*;

const ROLE: &str = "OXBEAM_TEST_ROLE";

/// Not a test by itself: the program that the tests run.
#[test]
fn program() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let verdict = System::new().block_on(async {
        let realm = Realm::new(RealmConfig::default()).unwrap();
        let births = Births::default();
        births.fail_next(u32::from(role == "does not start"));
        let stubborn = ChildSpec::worker("stubborn", ActorSpec::new(Counter::stubborn));
        let spec = SupervisorSpec::new()
            .intensity(Intensity { restarts: 0, period: Duration::from_secs(1) })
            .child(worker("a"))
            .child(ChildSpec::worker("b", births.spec()));
        let spec = match role.as_str() {
            "never stops" => spec.child(stubborn.shutdown(Shutdown::Infinity)),
            _ => spec,
        };
        let watched = realm.clone();
        tokio::task::spawn_local(async move {
            let mut events = watched.events();
            while watched.registry().find("a").is_none() {
                let _ = events.recv().await;
            }
            println!("the tree is up");
            if role == "gives up" {
                watched.registry().address::<Counter>("a").unwrap().tell(End::Panic).unwrap();
            }
        });
        run(&realm, "root", spec, Duration::from_millis(300)).await
    });
    std::process::exit(i32::from(verdict.code()));
}

fn start(role: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "outermost::program", "--nocapture"]).env(ROLE, role);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_until_running(child: &mut Child) {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.contains("the tree is up")));
}

fn signal(child: &Child, signal: &str) {
    let pid = child.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
}

fn code(mut child: Child) -> Option<i32> {
    child.wait().unwrap().code()
}

#[test]
fn the_self_test_finds_that_panics_unwind() {
    self_test().unwrap();
}

#[test]
fn a_program_that_is_asked_to_end_by_a_signal_ends_with_0() {
    for sign in ["-TERM", "-INT"] {
        let mut child = start("runs");
        wait_until_running(&mut child);
        signal(&child, sign);
        assert_eq!(code(child), Some(0), "{sign}");
    }
}

#[test]
fn a_program_whose_root_gives_up_ends_with_70() {
    assert_eq!(code(start("gives up")), Some(70));
}

#[test]
fn a_program_whose_root_does_not_start_ends_with_69() {
    assert_eq!(code(start("does not start")), Some(69));
}

#[test]
fn a_program_whose_children_do_not_stop_ends_at_the_deadline_with_75() {
    let mut child = start("never stops");
    wait_until_running(&mut child);
    signal(&child, "-TERM");
    assert_eq!(code(child), Some(i32::from(oxbeam_supervisor::DEADLINE_PASSED)));
}
