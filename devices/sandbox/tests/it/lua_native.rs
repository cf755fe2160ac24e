//! The guest beside Debian's `lua5.3`: generated programs give the same on both.
//!
//! Where the two differ on purpose, `lua/native/prelude.lua` teaches native Lua the guest's ways, and
//! programs avoid the rest. `LUA_PROGRAMS` says how many programs run, `LUA_SEED` which comes first.

pub(crate) mod program;

use std::io::Write;
use std::process::{Command, Stdio};

use oxbeam_protocol::Value;
use oxbeam_sandbox::Limits;
use oxbeam_sandbox::lua::{Context, NoAo, Vm};

const PRELUDE: &str = include_str!("../lua/native/prelude.lua");
pub(crate) const RUN: &str = include_str!("../lua/native/run.lua");

/// Programs that share a process and a guest.
const BATCH: u64 = 100;

/// Stands between what two programs showed; no program shows it, because control characters are
/// shown as escapes.
const BETWEEN: char = '\u{1}';

#[tokio::test]
async fn generated_programs_give_what_native_lua_gives() {
    let first = from_environment("LUA_SEED", 1);
    let count = from_environment("LUA_PROGRAMS", 500);
    for batch in (first..first + count).step_by(BATCH as usize) {
        let programs: Vec<_> =
            (batch..(first + count).min(batch + BATCH)).map(program::of_seed).collect();
        let Some(expected) = native(&programs) else {
            eprintln!("skipped: there is no lua5.3 here");
            return;
        };
        let shown = guest(&programs).await;
        for (at, program) in programs.iter().enumerate() {
            let seed = batch + at as u64;
            assert!(!expected[at].starts_with("does not compile"), "{}\n{program}", expected[at]);
            assert!(
                shown[at] == expected[at],
                "LUA_SEED={seed}:\n{}\n{program}",
                difference(&expected[at], &shown[at])
            );
        }
    }
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// The first line in which the two differ.
fn difference(expected: &str, shown: &str) -> String {
    let (mut expected, mut shown) = (expected.lines(), shown.lines());
    loop {
        match (expected.next(), shown.next()) {
            (a, b) if a == b && a.is_some() => {}
            (a, b) => {
                return format!("native: {}\nguest:  {}", a.unwrap_or("-"), b.unwrap_or("-"));
            }
        }
    }
}

/// What native Lua shows for each program; `None` where there is no native Lua.
fn native(programs: &[String]) -> Option<Vec<String>> {
    let mut child = Command::new("lua5.3")
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take().expect("it is piped");
    let mut script = format!("{PRELUDE}\n{RUN}\n");
    for program in programs {
        script.push_str(&format!("io.write(run([=====[\n{program}]=====]), '{BETWEEN}')\n"));
    }
    // All of the script is read before anything is written.
    stdin.write_all(script.as_bytes()).expect("it reads its script");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "native Lua failed");
    let text = String::from_utf8(output.stdout).expect("what is shown is ASCII");
    Some(text.split_terminator(BETWEEN).map(str::to_owned).collect())
}

async fn guest(programs: &[String]) -> Vec<String> {
    let mut vm = Vm::new(Limits::default()).await.expect("a fresh state");
    vm.load(b"run.lua", RUN.as_bytes(), &mut NoAo).await.expect("it runs");
    let mut shown = Vec::new();
    for program in programs {
        let arguments = vec![Value::from(program.clone())];
        let results = vm.call(b"run", arguments, Context::default(), &mut NoAo).await;
        match results.expect("errors are caught").as_slice() {
            [Value::Bytes(text)] => shown.push(String::from_utf8_lossy(text).into_owned()),
            other => panic!("not a text: {other:?}"),
        }
    }
    shown
}
