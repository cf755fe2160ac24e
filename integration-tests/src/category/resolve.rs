//! `resolve`: requests evaluated by a whole node, without HTTP.

use std::sync::{LazyLock, Mutex, mpsc};
use std::thread;

use actix_rt::System;
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use oxbeam_kernel::Outcome;
use oxbeam_protocol::{Message, Value, Wallet};

use super::{expect, expect_text};
use crate::node::RunningNode;
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

/// What a line asks for.
enum Question {
    /// The result of a request with a path of its own.
    Singleton(Message),
    /// The result of a request on a base.
    Step(Value, Message),
}

type Asked = (Question, mpsc::Sender<Result<Outcome>>);

/// One node answers all lines: none of them depends on what is stored.
static NODE: LazyLock<Mutex<mpsc::Sender<Asked>>> = LazyLock::new(|| {
    let (questions, asked) = mpsc::channel::<Asked>();
    thread::spawn(move || System::new().block_on(serve(asked)));
    Mutex::new(questions)
});

async fn serve(asked: mpsc::Receiver<Asked>) {
    let node = match Wallet::generate_secp256k1() {
        Ok(wallet) => RunningNode::start(wallet).await,
        Err(error) => Err(error.into()),
    };
    for (question, answer) in asked {
        let outcome = match &node {
            Ok(node) => resolve(node, question).await,
            Err(error) => Err(anyhow!("{error:#}")),
        };
        // Whoever asked may have given up.
        let _ = answer.send(outcome);
    }
}

async fn resolve(node: &RunningNode, question: Question) -> Result<Outcome> {
    Ok(match question {
        Question::Singleton(message) => node.context().run(&message).await?,
        Question::Step(base, request) => node.context().resolve(base, request).await?,
    })
}

fn ask(question: Question) -> Result<Outcome> {
    let (sender, answer) = mpsc::channel();
    let node = NODE.lock().map_err(|_| anyhow!("another line panicked"))?;
    node.send((question, sender)).map_err(|_| anyhow!("the node has ended"))?;
    drop(node);
    answer.recv().context("the node has ended")?
}

pub(super) fn check(_: &Folder, vector: &Vector) -> Result<()> {
    let question = match vector.op.as_str() {
        "resolve" => Question::Singleton(typed::message(vector.input("msg")?)?),
        "resolve2" => Question::Step(
            typed::value(vector.input("base")?)?,
            typed::message(vector.input("request")?)?,
        ),
        other => bail!("unknown operation {other}"),
    };
    let outcome = ask(question);
    if is_error(&vector.output) {
        return expect(Some(&vector.output), outcome, |_, _| Ok(()));
    }
    let outcome = outcome?;
    expect_text(vector.output("status"), Ok(outcome.status.to_string()))?;
    let compare = match vector.category.as_str() {
        "host-dependent" => typed::compare_names,
        _ => typed::compare,
    };
    let value = vector.output("value").context("the answer has no value")?;
    ensure!(!is_error(value), "a value that is an error");
    compare(value, &outcome.value)
}
