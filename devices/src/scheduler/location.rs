//! Location records: where the scheduler of an address is reached. Source: spec 11, section 8.

mod kept;

use bytes::Bytes;
use num_bigint::BigInt;
use oxbeam_kernel::assignment::VARIANT;
use oxbeam_kernel::{Call, CallError, Outcome, Status, location};
use oxbeam_protocol::commitment::{HTTPSIG, committers};
use oxbeam_protocol::{List, Message, Value};
use oxbeam_store::StoreError;

use super::post::invalid;
use crate::number::number;
use crate::roles::{is_of_node, refused_to_processes};

/// For how long a record of this node is meant to hold, in milliseconds: a week.
const TIME_TO_LIVE: i64 = 604_800_000;
/// How often a record is tried to be kept, if others are kept meanwhile.
const TRIES: usize = 64;

/// The record of an address, by default this node's.
pub(super) async fn get(call: &Call) -> Result<Outcome, CallError> {
    let node = call.context.node();
    let address = text(&call.request, "address").unwrap_or_else(|| node.address().to_string());
    match node.location(&address).await? {
        Some(record) => Ok(Outcome::ok(Message::new().with("body", record))),
        // A result that says so, and not an error: it carries the hashpath of how it was found.
        None => {
            let sentence = format!("No location found for address: {address}");
            Ok(Outcome { status: Status::Ok, ..Outcome::refused(404, sentence) })
        }
    }
}

/// Keeps a record for each of those who signed it. One that this node signed is a request for a new
/// record of its own.
pub(super) async fn post(call: &Call) -> Result<Outcome, CallError> {
    if let Some(refused) = refused_to_processes(&call.context) {
        return Ok(refused);
    }
    let Some(Value::Map(given)) = subject(call).await? else { return Ok(invalid()) };
    let node = call.context.node();
    let given = match node.authenticate(given).await {
        Ok(given) => given.into_message(),
        Err(CallError::Verify(_)) => return Ok(invalid()),
        Err(error) => return Err(error),
    };
    let signers: Vec<String> =
        committers(&given).iter().map(|signer| signer.to_text().into_owned()).collect();
    if signers.is_empty() {
        return Ok(invalid());
    }
    let own = signers.iter().any(|signer| **signer == *node.address());
    if own && !is_of_node(node, &given) {
        return Ok(invalid());
    }
    for _ in 0..TRIES {
        let kept = kept::of(node, &signers).await?;
        let existing = kept.iter().filter_map(|kept| nonce(kept.record.as_ref()?)).max();
        let existing = existing.unwrap_or_else(|| BigInt::from(-1));
        let requested = number(&given, "nonce")?;
        let requested = requested.unwrap_or_else(|| existing.clone() + 1);
        if requested <= existing {
            return Ok(too_old(&requested, &existing, &signers));
        }
        let record = match own {
            true => node.sign(own_record(call, &given, requested), codec(call)).await?,
            false => given.clone(),
        };
        if let Err(sentence) = check(&record) {
            return Ok(Outcome::refused(400, sentence));
        }
        match kept::keep(node, kept, &record).await {
            Err(CallError::Store(StoreError::Conflict { .. })) => {}
            kept => return kept.map(|()| Outcome::ok(record)),
        }
    }
    Ok(Outcome::refused(409, "Others have records kept at the same time. Try again."))
}

/// The message that the record is in.
async fn subject(call: &Call) -> Result<Option<Value>, CallError> {
    let target = match call.context.get(&call.base, "target").await? {
        Some(target) => Some(target),
        None => call.context.get(&call.request, "target").await?,
    };
    match target.as_ref().and_then(Value::as_name) {
        None => Ok(Some(call.request.clone().into())),
        Some(target) if target == "request" => Ok(Some(call.request.clone().into())),
        Some(target) if target == "self" => Ok(Some(call.base.clone().into())),
        Some(key) => call.context.get(&call.request, &String::from_utf8_lossy(key)).await,
    }
}

fn nonce(record: &Message) -> Option<BigInt> {
    number(record, "nonce").ok().flatten()
}

/// A record must say what it is and where to go.
fn check(record: &Message) -> Result<(), &'static str> {
    let kind = text(record, "type").unwrap_or_default();
    if !kind.eq_ignore_ascii_case("scheduler-location") {
        return Err("The `type` of a location record must be `scheduler-location`.");
    }
    match location::url_of(record) {
        Some(_) => Ok(()),
        None => Err("A location record must have a `url` of http or https."),
    }
}

fn too_old(requested: &BigInt, existing: &BigInt, signers: &[String]) -> Outcome {
    let signers = signers.iter().map(|signer| Value::from(signer.as_str()));
    let report = Message::new()
        .with("status", 400)
        .with("body", "Known nonce higher than requested nonce.")
        .with("requested-nonce", requested.clone())
        .with("existing-nonce", existing.clone())
        .with("signers", signers.collect::<List>());
    Outcome::error(report)
}

fn codec(call: &Call) -> Option<Bytes> {
    call.request.get("require-codec").or_else(|| call.base.get("require-codec"))?.as_name().cloned()
}

fn own_record(call: &Call, given: &Message, nonce: BigInt) -> Message {
    let url = text(given, "url").unwrap_or_else(|| own_url(call));
    let codec = codec(call).unwrap_or_else(|| HTTPSIG.into());
    let ttl = given.get("time-to-live").cloned().unwrap_or_else(|| own_ttl(call));
    Message::new()
        .with("data-protocol", "ao")
        .with("variant", VARIANT)
        .with("type", "scheduler-location")
        .with("url", url)
        .with("nonce", nonce)
        .with("time-to-live", ttl)
        .with("codec-device", codec)
}

fn own_ttl(call: &Call) -> Value {
    let option = call.context.configuration().message.get("scheduler_location_ttl").cloned();
    option.unwrap_or_else(|| TIME_TO_LIVE.into())
}

fn own_url(call: &Call) -> String {
    let options = &call.context.configuration().message;
    let host = text(options, "host").unwrap_or_else(|| "localhost".into());
    let port = number(options, "port").ok().flatten().unwrap_or_else(|| 8734.into());
    let plain = text(options, "protocol").is_none_or(|protocol| protocol == "http1");
    format!("{}://{host}:{port}", if plain { "http" } else { "https" })
}

/// The text under a key.
pub(super) fn text(message: &Message, key: &str) -> Option<String> {
    Some(std::str::from_utf8(message.get(key)?.as_name()?).ok()?.to_owned())
}
