//! `commitments`: signing, verifying, and which commitments are meant.

use anyhow::{Context, Result, bail, ensure};
use oxbeam_protocol::codec::{HttpSig, Links};
use oxbeam_protocol::commitment::{
    self, COMMITMENTS, CommitRequest, Commitment, Selection, VerifyError, full_id,
    signature_base_of, signed_id, unsigned_id, verify,
};
use oxbeam_protocol::{Key, Message, NoContent, Value, Wallet};
use serde_json::Value as Json;

use super::httpsig::{compare_wire, decode, wire};
use super::{expect, expect_failure, expect_text, expect_value};
use crate::typed;
use crate::vector::{Folder, Vector, is_error};

pub(super) fn check(folder: &Folder, vector: &Vector) -> Result<()> {
    match vector.op.as_str() {
        "commit" => commit(folder, vector),
        "verify" => verify_message(vector),
        "wire-verify" => wire_verify(vector),
        "id-select" => {
            let id = select(vector, "req").and_then(|(message, selection)| {
                Ok(commitment::id(&message.into(), &selection)?.to_string())
            });
            expect_text(whole_or(vector, "id"), id)
        }
        "committed" => {
            let keys = select(vector, "spec")
                .and_then(|(message, selection)| Ok(commitment::committed(&message, &selection)?));
            expect(whole_or(vector, "committed"), keys, |expected, keys| {
                ensure!(
                    sorted_texts(expected) == sorted(keys),
                    "expected {expected}, found {keys:?}"
                );
                Ok(())
            })
        }
        "only-committed" => {
            let message = typed::message(vector.input("msg")?)?;
            expect_value(vector.output("msg"), Ok(commitment::only_committed(&message).into()))
        }
        other => bail!("unknown operation {other}"),
    }
}

/// The whole answer if it is an error, else a part of it.
fn whole_or<'a>(vector: &'a Vector, part: &str) -> Option<&'a Json> {
    if is_error(&vector.output) { Some(&vector.output) } else { vector.output(part) }
}

fn select(vector: &Vector, request: &str) -> Result<(Message, Selection)> {
    let message = typed::message(vector.input("msg")?)?;
    let selection = Selection::from_request(&typed::message(vector.input(request)?)?)?;
    Ok((message, selection))
}

fn sorted(keys: &[Key]) -> Vec<String> {
    let mut texts: Vec<String> = keys.iter().map(Key::to_string).collect();
    texts.sort();
    texts
}

fn sorted_texts(json: &Json) -> Vec<String> {
    let texts = json.as_array().into_iter().flatten();
    let mut texts: Vec<String> = texts.filter_map(Json::as_str).map(str::to_owned).collect();
    texts.sort();
    texts
}

fn verify_message(vector: &Vector) -> Result<()> {
    let (message, selection) = select(vector, "spec")?;
    let spec = typed::message(vector.input("spec")?)?;
    let secret = spec.get("secret").and_then(Value::as_bytes).map(AsRef::as_ref);
    let holds = outcome(verify(&message, &selection, secret, &NoContent));
    match (is_error(&vector.output), holds) {
        // Where the reference raises an error, anything but true is right.
        (true, Ok(true)) => bail!("expected anything but true"),
        (true, _) => Ok(()),
        (false, holds) => expect(vector.output("verify"), holds, compare_bool),
    }
}

/// A commitment that does not hold is a `false`; a selection that fits nothing is an error.
fn outcome(holds: Result<(), VerifyError>) -> Result<bool> {
    match holds {
        Ok(()) => Ok(true),
        Err(VerifyError::Invalid { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn compare_bool(expected: &Json, actual: &bool) -> Result<()> {
    if expected == "needs-secret" {
        ensure!(!actual, "verifies without its secret");
        return Ok(());
    }
    ensure!(expected.as_bool() == Some(*actual), "expected {expected}, found {actual}");
    Ok(())
}

fn wire_verify(vector: &Vector) -> Result<()> {
    let message = wire(&vector.input).and_then(|wire| decode(&wire));
    if is_error(&vector.output) {
        let holds = message.and_then(|message| holds(&message));
        return expect_failure(
            vector,
            holds.and_then(|holds| {
                ensure!(holds, "does not verify");
                Ok(())
            }),
        );
    }
    let message = message?;
    expect_value(vector.output("msg"), Ok(message.clone()))?;
    expect(vector.output("verify"), holds(&message), compare_bool)
}

fn holds(message: &Value) -> Result<bool> {
    match message {
        Value::Map(message) => outcome(verify(message, &Selection::all(), None, &NoContent)),
        _ => Ok(true),
    }
}

fn commit(folder: &Folder, vector: &Vector) -> Result<()> {
    let own =
        typed::message(vector.input("msg")?).and_then(|message| recommit(folder, vector, message));
    if is_error(&vector.output) {
        return expect_failure(vector, own.map(drop));
    }
    let own = own?;
    let signed = typed::message(vector.output("signed").context("no signed message")?)?;
    compare_own(&own, &signed)?;
    check_bases(vector, &signed)?;
    let value = Value::Map(signed.clone());
    let ids = vector.output("ids").and_then(Json::as_object);
    for (name, id) in [
        ("unsigned", unsigned_id(&value)?),
        ("signed", signed_id(&value)?),
        ("full", full_id(&value)?),
    ] {
        expect_text(ids.and_then(|ids| ids.get(name)), Ok(id.to_string()))?;
    }
    expect(vector.output("committers"), Ok(()), |expected, ()| {
        let found = commitment::committers(&signed);
        ensure!(sorted_texts(expected) == sorted(&found), "expected {expected}, found {found:?}");
        Ok(())
    })?;
    if let Some(expected) = vector.output("verify").filter(|expected| expected.is_boolean()) {
        for message in [&signed, &own] {
            compare_bool(
                expected,
                &outcome(verify(message, &Selection::all(), None, &NoContent))?,
            )?;
        }
    }
    for (links, form) in [(Links::Discard, "linked"), (Links::Embed(&NoContent), "bundle")] {
        let encoded = HttpSig { links }.encode(&value).map_err(Into::into);
        expect(vector.output(form), encoded, compare_wire)?;
    }
    Ok(())
}

fn recommit(folder: &Folder, vector: &Vector, message: Message) -> Result<Message> {
    let steps = vector.input("steps")?.as_array().context("steps are no list")?;
    steps.iter().try_fold(message, |message, step| {
        let number = step.get("wallet").map_or_else(|| "1".into(), Json::to_string);
        let wallet = Wallet::from_text(&folder.wallet(&number)?)?;
        let spec = typed::message(step.get("spec").context("no spec")?)?;
        let request = CommitRequest::from_message(&spec)?;
        Ok(commitment::commit(&message, &request, &wallet, &NoContent)?)
    })
}

/// Signatures are salted and have another id each time; all else must be as the sample has it.
fn compare_own(own: &Message, sample: &Message) -> Result<()> {
    let summary = |message: &Message| {
        let mut all: Vec<(String, Vec<String>, String)> = Commitment::all(message)
            .map(|one| {
                let salted = one.text("type").is_some_and(|kind| kind.starts_with(b"rsa"));
                let id = if salted { String::new() } else { one.id.to_string() };
                let committed = one.committed().iter().map(Key::to_string).collect();
                (
                    id,
                    committed,
                    format!("{:?}", one.fields.clone().without(&["signature", "committed"])),
                )
            })
            .collect();
        all.sort();
        all
    };
    let (a, b) = (summary(sample), summary(own));
    ensure!(a == b, "commitments made anew differ: expected {a:?}, found {b:?}");
    let plain = |message: &Message| message.clone().without(&["commitments"]);
    ensure!(plain(own) == plain(sample), "the message changed");
    Ok(())
}

fn check_bases(vector: &Vector, signed: &Message) -> Result<()> {
    let bases = vector.output("bases").and_then(Json::as_object);
    let commitments = signed.get(COMMITMENTS).and_then(Value::as_map).context("not signed")?;
    for (id, expected) in bases.into_iter().flatten() {
        // An HMAC of an earlier step may have been replaced.
        let Some(Value::Map(fields)) = commitments.get_exact(id) else { continue };
        let id = Key::from(id.as_str());
        let one = Commitment { id: &id, fields };
        let base = signature_base_of(signed, &one, &NoContent)?;
        let Value::Bytes(expected) = typed::value(expected)? else {
            bail!("a base that is no text")
        };
        ensure!(
            expected == base,
            "base of {id}: expected {expected:?}, found {:?}",
            String::from_utf8_lossy(&base)
        );
    }
    let ordered = vector.output("ordered-committed").and_then(Json::as_object);
    for (id, expected) in ordered.into_iter().flatten() {
        let fields =
            commitments.get_exact(id).and_then(Value::as_map).context("no such commitment")?;
        let id = Key::from(id.as_str());
        let found: Vec<String> =
            Commitment { id: &id, fields }.committed().iter().map(Key::to_string).collect();
        ensure!(*expected == Json::from(found.clone()), "expected {expected}, found {found:?}");
    }
    Ok(())
}
