//! What is on the screen, and what keys do, with answers that a node has given.

use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde::de::DeserializeOwned;

use super::draw;
use super::look::{Actor, Look, Shown, Summary};
use super::state::{Effect, State};
use crate::cli::arguments::operator::{By, Page};
use crate::cli::supervisor::Order;

/// Answers of a node with a process that runs and one that is held, and a dead letter.
const SUMMARY: &str = include_str!("recorded/summary.json");
const TOP: &str = include_str!("recorded/top.json");
const ACTOR: &str = include_str!("recorded/actor.json");
const QUARANTINE: &str = include_str!("recorded/quarantine.json");
const OUTBOX: &str = include_str!("recorded/outbox.json");

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

fn part<T: DeserializeOwned>(text: &str, key: &str) -> T {
    let answer: serde_json::Value = read(text);
    serde_json::from_value(answer[key].clone()).unwrap()
}

fn actors() -> Vec<Actor> {
    part(TOP, "rows")
}

fn state(page: Page, may_act: bool) -> State {
    State::new("http://node:8734".to_owned(), may_act, page, By::Queue, None)
}

fn looked(state: &mut State, at: Instant, shown: Shown) {
    let summary: Summary = read(SUMMARY);
    let wanted = state.wanted.clone();
    state.looked(at, &wanted, Look { summary, shown });
}

/// A state that shows this.
fn showing(page: Page, shown: Shown) -> State {
    let mut state = state(page, true);
    looked(&mut state, Instant::now(), shown);
    state
}

fn quarantine() -> State {
    showing(Page::Quarantine, Shown::Quarantine(part(QUARANTINE, "processes"), None))
}

fn outbox() -> State {
    showing(Page::Outbox, Shown::Outbox(part(OUTBOX, "letters"), None))
}

/// What a terminal of this size shows.
fn drawn(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::screen(state, frame.area(), frame.buffer_mut())).unwrap();
    terminal.backend().to_string()
}

fn press(state: &mut State, code: KeyCode) -> Effect {
    state.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn type_in(state: &mut State, letter: char) -> Effect {
    press(state, KeyCode::Char(letter))
}

fn order(action: &'static str, word: &'static str, value: &str) -> Effect {
    Effect::Act(Order { action, words: vec![(word, value.to_owned())] })
}

#[test]
fn the_screen_has_the_summary_the_parts_the_actors_and_the_keys() {
    let state = showing(Page::Actors, Shown::Actors(actors()));
    let screen = drawn(&state, 140, 50);
    for text in
        ["oxbeam top  http://node:8734", "1 dead", "1 actors", "actors of the tree by queue"]
    {
        assert!(screen.contains(text), "{text} in\n{screen}");
    }
    for part in &state.summary.groups {
        assert!(screen.contains(&part.name), "{} in\n{screen}", part.name);
    }
    assert!(screen.contains(actors()[0].path.trim_start_matches("node/")), "{screen}");
    assert!(screen.contains("enter open  o order"), "{screen}");
}

#[test]
fn no_terminal_is_too_small() {
    let states = [showing(Page::Actors, Shown::Actors(actors())), quarantine(), outbox()];
    for state in &states {
        for (width, height) in [(1, 1), (10, 3), (40, 10), (300, 2)] {
            drawn(state, width, height);
        }
    }
}

#[test]
fn an_actor_has_a_page_of_its_own() {
    let actor: Actor = part(ACTOR, "actor");
    let mut state = showing(Page::Actors, Shown::Actors(actors()));
    state.selected = 1;
    let second = actors()[1].id;
    assert_eq!(press(&mut state, KeyCode::Enter), Effect::Look);
    assert_eq!(state.wanted.actor, Some(second));
    assert_eq!(state.shown.len(), 0, "what was there can no more be acted on");
    assert!(!drawn(&state, 140, 30).contains("actors of"), "nor is it shown");
    let path = actor.path.clone();
    let detail = super::look::Detail { actor, ..Default::default() };
    looked(&mut state, Instant::now(), Shown::Actor(Some(Box::new(detail))));
    let screen = drawn(&state, 140, 30);
    assert!(screen.contains(&path) && screen.contains("esc back"), "{screen}");
    assert_eq!(press(&mut state, KeyCode::Esc), Effect::Look);
    assert_eq!(state.wanted.actor, None);
    looked(&mut state, Instant::now(), Shown::Actor(None));
    assert!(drawn(&state, 140, 30).contains("The actor is gone"));
}

#[test]
fn a_held_process_is_shown_with_its_reason_and_resumed_or_abandoned() {
    let mut state = quarantine();
    let rows: serde_json::Value = read(QUARANTINE);
    let process = rows["processes"][0]["process"].as_str().unwrap();
    let screen = drawn(&state, 140, 20);
    assert!(screen.contains(process) && screen.contains("stopped"), "{screen}");
    for (letter, action) in [('u', "resume"), ('a', "abandon")] {
        assert_eq!(type_in(&mut state, letter), Effect::None, "it is asked about first");
        assert!(drawn(&state, 140, 20).contains("y: yes, any other key: no"));
        assert_eq!(type_in(&mut state, 'y'), order(action, "process", process));
    }
}

#[test]
fn a_letter_is_tried_again_alone_with_all_of_its_target_or_with_all() {
    let mut state = outbox();
    let rows: serde_json::Value = read(OUTBOX);
    let of = |key: &str| rows["letters"][0][key].as_str().unwrap().to_owned();
    let screen = drawn(&state, 200, 20);
    assert!(screen.contains(&of("letter")) && screen.contains(&of("target")), "{screen}");
    for (letter, word, value) in
        [('d', "letter", of("letter")), ('t', "target", of("target")), ('A', "all", "true".into())]
    {
        assert_eq!(type_in(&mut state, letter), Effect::None);
        assert_eq!(type_in(&mut state, 'y'), order("redrive", word, &value));
    }
}

#[test]
fn an_actor_is_restarted_suspended_and_resumed_by_its_path() {
    let mut state = showing(Page::Actors, Shown::Actors(actors()));
    let path = &actors()[0].path;
    for (letter, action) in [('r', "restart"), ('s', "suspend"), ('u', "resume")] {
        assert_eq!(type_in(&mut state, letter), Effect::None);
        let question = format!("{action} {path}?");
        assert!(drawn(&state, 140, 30).contains(&question), "{question}");
        assert_eq!(type_in(&mut state, 'y'), order(action, "actor", path));
    }
}

#[test]
fn any_key_but_yes_takes_an_order_back() {
    let mut state = outbox();
    for code in [KeyCode::Char('n'), KeyCode::Esc, KeyCode::Enter, KeyCode::Char('q')] {
        type_in(&mut state, 'A');
        assert_eq!(press(&mut state, code), Effect::None, "{code:?}");
        assert!(state.confirm.is_none());
        assert_eq!(type_in(&mut state, 'y'), Effect::None, "the question is gone");
    }
}

#[test]
fn whoever_has_no_wallet_only_looks() {
    let mut state = state(Page::Actors, false);
    looked(&mut state, Instant::now(), Shown::Actors(actors()));
    assert_eq!(type_in(&mut state, 'r'), Effect::None);
    assert!(drawn(&state, 140, 30).contains("start with --wallet FILE"));
    assert_eq!(type_in(&mut state, 'y'), Effect::None);
}

#[test]
fn keys_turn_the_pages_and_the_order() {
    let mut state = showing(Page::Actors, Shown::Actors(actors()));
    assert_eq!(type_in(&mut state, 'o'), Effect::Look);
    assert_eq!(state.wanted.by, By::Lag);
    let first = state.summary.groups[0].name.clone();
    assert_eq!(type_in(&mut state, 'p'), Effect::Look);
    assert_eq!(state.wanted.part, Some(first));
    for page in [Page::Crashes, Page::Quarantine, Page::Outbox, Page::Actors] {
        assert_eq!(press(&mut state, KeyCode::Tab), Effect::Look);
        assert_eq!(state.wanted.page, page);
    }
    assert_eq!(type_in(&mut state, 'q'), Effect::Quit);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(state.key(interrupt), Effect::Quit);
}

#[test]
fn a_list_is_read_page_by_page() {
    let mut state = state(Page::Outbox, true);
    let shown = Shown::Outbox(part(OUTBOX, "letters"), Some("a/1/1".to_owned()));
    looked(&mut state, Instant::now(), shown);
    assert_eq!(type_in(&mut state, 'n'), Effect::Look);
    assert_eq!(state.wanted.after.as_deref(), Some("a/1/1"));
    assert_eq!(type_in(&mut state, 'b'), Effect::Look);
    assert_eq!(state.wanted.after, None);
}

#[test]
fn the_cursor_stays_on_its_row_when_others_come_before_it() {
    let mut state = showing(Page::Actors, Shown::Actors(actors()));
    press(&mut state, KeyCode::Down);
    let under = actors()[1].id;
    let mut turned = actors();
    turned.reverse();
    let place = turned.iter().position(|actor| actor.id == under).unwrap();
    looked(&mut state, Instant::now(), Shown::Actors(turned));
    assert_eq!(state.selected, place);
}

#[test]
fn an_answer_to_what_is_no_longer_wanted_is_not_shown() {
    let mut state = showing(Page::Actors, Shown::Actors(actors()));
    let before = state.wanted.clone();
    type_in(&mut state, '3');
    let shown = Shown::Actors(actors());
    state.looked(Instant::now(), &before, Look { summary: read(SUMMARY), shown });
    assert_eq!(state.shown.len(), 0);
}

#[test]
fn who_restarts_most_often_within_the_window_is_first() {
    let (start, mut state) = (Instant::now(), state(Page::Actors, true));
    state.wanted.by = By::Restarts;
    let mut rows: Vec<Actor> = actors().into_iter().take(2).collect();
    rows[0].restarts = 1000;
    looked(&mut state, start, Shown::Actors(rows.clone()));
    rows[1].restarts += 3;
    let often = rows[1].path.clone();
    looked(&mut state, start + Duration::from_secs(10), Shown::Actors(rows));
    let Shown::Actors(shown) = &state.shown else { panic!("no actors") };
    assert_eq!(shown[0].path, often, "a thousand restarts long ago are no news");
    assert_eq!(state.actor_growth(&shown[0]).unwrap().counts[0], 3);
}
