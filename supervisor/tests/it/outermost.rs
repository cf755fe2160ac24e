//! The outermost ring, as the exit code of a program. The program is this test binary, run again
//! with an environment variable that says how it is to end.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use actix::System;
use oxbeam_supervisor::{
    ActorSpec, AutoShutdown, ChildSpec, Intensity, Realm, RealmConfig, Restart, Shutdown, State,
    SupervisorSpec, run, self_test,
};

use crate::common::*;

const ROLE: &str = "OXBEAM_TEST_ROLE";
/// A deadline that no program waits for, however busy the machine.
const NEVER: Duration = Duration::from_secs(24 * 3600);

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
        let slow =
            |limit| ChildSpec::worker("a", ActorSpec::new(Counter::stubborn)).shutdown(limit);
        let births = Births::default();
        births.fail_next(1);
        let fails = ChildSpec::worker("b", births.spec());
        let spec = match role.as_str() {
            "never stops" | "is hurried" => spec.child(stubborn.shutdown(Shutdown::Infinity)),
            "starts for ever" => {
                let never = ActorSpec::new(Counter::default).acknowledged();
                spec.child(ChildSpec::worker("never", never))
            }
            "does not start, slowly" => SupervisorSpec::new()
                .child(slow(Shutdown::Within(Duration::from_millis(100))))
                .child(fails),
            "is done" => SupervisorSpec::new()
                .auto_shutdown(AutoShutdown::AllSignificant)
                .child(worker("a").restart(Restart::Transient).significant()),
            _ => spec,
        };
        let deadline = match role.as_str() {
            "never stops" => Duration::from_millis(300),
            _ => NEVER,
        };
        let watched = realm.clone();
        tokio::task::spawn_local(async move {
            let mut events = watched.events();
            while watched.registry().find("a").is_none() {
                let _ = events.recv().await;
            }
            println!("the tree is up");
            let a = watched.registry().address::<Counter>("a").unwrap();
            match role.as_str() {
                "gives up" => a.tell(End::Panic).unwrap(),
                "is done" => a.tell(End::Stop).unwrap(),
                "is stopped from inside" => {
                    let root = watched.snapshot(None, 1).rows[0].about.id;
                    watched.find(root).unwrap().shutdown();
                }
                "is hurried" => {
                    let root = watched.find(watched.snapshot(None, 1).rows[0].about.id).unwrap();
                    root.reaches(|state| state == State::Stopping).await;
                    println!("stopping");
                }
                _ => {}
            }
        });
        run(&realm, "root", spec, deadline).await
    });
    std::process::exit(i32::from(verdict.code()));
}

fn start(role: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "outermost::program", "--nocapture"]).env(ROLE, role);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn wait_until_running(child: &mut Child) {
    drop(wait_for(child.stdout.take().unwrap(), "the tree is up"));
}

fn wait_for(stdout: ChildStdout, words: &str) -> ChildStdout {
    let mut lines = BufReader::new(stdout);
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(lines.read_line(&mut line).unwrap() > 0, "ended without {words:?}");
    }
    lines.into_inner()
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

#[test]
fn a_signal_ends_a_program_whose_root_is_still_starting() {
    let mut child = start("starts for ever");
    wait_until_running(&mut child);
    signal(&child, "-TERM");
    assert_eq!(code(child), Some(0));
}

#[test]
fn a_second_signal_ends_a_program_whose_children_do_not_stop_before_the_deadline_with_75() {
    let mut child = start("is hurried");
    let stdout = wait_for(child.stdout.take().unwrap(), "the tree is up");
    signal(&child, "-TERM");
    drop(wait_for(stdout, "stopping"));
    signal(&child, "-INT");
    assert_eq!(code(child), Some(i32::from(oxbeam_supervisor::DEADLINE_PASSED)));
}

#[test]
fn a_root_that_does_not_start_is_69_also_when_its_children_take_time_to_stop() {
    assert_eq!(code(start("does not start, slowly")), Some(69));
}

#[test]
fn a_root_whose_significant_children_are_done_is_0() {
    assert_eq!(code(start("is done")), Some(0));
}

#[test]
fn a_root_that_is_shut_down_from_inside_is_0() {
    assert_eq!(code(start("is stopped from inside")), Some(0));
}
