//! Where a process is scheduled: on this node, on another, or nobody knows where. Source: spec 11,
//! section 9.

use oxbeam_kernel::assignment::VARIANT;
use oxbeam_kernel::{Call, CallError, Outcome, Status, addresses, location};
use oxbeam_protocol::{Id, Message};

use super::NO_SCHEDULER;
use super::location::text;
use super::target::{Target, definition};

/// Where a process is scheduled.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Place {
    /// Here; with its definition.
    Here(Message),
    /// By another node, at this address.
    At { url: String, variant: String },
    /// By another node, and nobody has said where that is.
    Elsewhere,
    /// Its definition does not say.
    NotSaid,
    /// It is not known to this node.
    NoProcess(Id),
}

impl Place {
    /// Finds it out. `message` is the message that is to be scheduled, if there is one.
    pub(super) async fn of(
        call: &Call,
        target: &Target,
        message: Option<&Message>,
    ) -> Result<Self, CallError> {
        let found = definition(call, target.process, message).await?;
        let schedulers = match &found {
            Some(found) => schedulers(call, found, message).await?,
            None => Vec::new(),
        };
        let own = call.context.node().address();
        if let Some(definition) = found.as_ref()
            && schedulers.iter().any(|address| **address == *own)
        {
            return Ok(Self::Here(definition.clone()));
        }
        if let Some(url) = target.hint.clone().filter(|url| location::is_url(url)) {
            return Ok(Self::At { url, variant: VARIANT.into() });
        }
        match found {
            None => Ok(Self::NoProcess(target.process)),
            Some(_) if schedulers.is_empty() => Ok(Self::NotSaid),
            Some(_) => Self::of_others(call, &schedulers).await,
        }
    }

    /// The first of these schedulers that can be reached.
    async fn of_others(call: &Call, schedulers: &[String]) -> Result<Self, CallError> {
        for scheduler in schedulers {
            let (address, hint) = location::hinted(scheduler);
            if let Some(url) = hint {
                return Ok(Self::At { url: url.into(), variant: VARIANT.into() });
            }
            if let Some(record) = call.context.node().location(address).await?
                && let Some(url) = location::url_of(&record)
            {
                let variant = text(&record, "variant");
                return Ok(Self::At { url, variant: variant.unwrap_or_else(|| VARIANT.into()) });
            }
        }
        Ok(Self::Elsewhere)
    }

    /// What a client that reads is told, unless the process is scheduled here.
    pub(super) fn told(self) -> Result<Message, Result<Outcome, CallError>> {
        match self {
            Self::Here(definition) => Ok(definition),
            Self::At { url, variant } => Err(Ok(redirect(&url, &variant))),
            Self::Elsewhere => Err(Ok(Outcome::not_found())),
            Self::NotSaid => Err(Err(CallError::Raised(NO_SCHEDULER.into()))),
            Self::NoProcess(process) => Err(Ok(not_available(process))),
        }
    }

    /// What a client that posts is told.
    pub(super) fn told_poster(self) -> Result<Message, Result<Outcome, CallError>> {
        match self {
            Self::Elsewhere => Err(Ok(Outcome::refused(404, "not_found"))),
            Self::NotSaid => Err(Ok(Outcome::refused(400, NO_SCHEDULER))),
            Self::NoProcess(process) => {
                let sentence = format!("process {process} is not known to this node");
                Err(Ok(Outcome::refused(404, sentence)))
            }
            place => place.told(),
        }
    }
}

/// Who may schedule a process: what its definition says, or else the message. A list of a definition that
/// is kept is a link.
async fn schedulers(
    call: &Call,
    definition: &Message,
    message: Option<&Message>,
) -> Result<Vec<String>, CallError> {
    let said = definition.get("scheduler").or_else(|| definition.get("scheduler-location"));
    let said = said.or_else(|| message.and_then(|message| message.get("scheduler-location")));
    match said {
        Some(said) => Ok(addresses(&call.context.load_all(said.clone()).await?)),
        None => Ok(Vec::new()),
    }
}

fn redirect(url: &str, variant: &str) -> Outcome {
    let message = Message::new()
        .with("status", 307)
        .with("location", url)
        .with("body", format!("Redirecting to scheduler: {url}"))
        .with("variant", variant);
    Outcome::ok(message)
}

fn not_available(process: Id) -> Outcome {
    let details = format!("process_not_available: {process}");
    let report = Message::new().with("status", 500).with("type", "throw").with("details", details);
    let body = format!("process {process} is not known to this node");
    Outcome { status: Status::Failure, value: report.with("body", body).into() }
}
