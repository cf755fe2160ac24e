//! Which stream a request asks for.

use actix_web::HttpRequest;
use actix_web::http::{Method, header};
use bytes::Bytes;
use oxbeam_protocol::{Id, path};
use oxbeam_store::Slot;

use super::What;
use crate::http::refusal::Refusal;

/// The media type of streams.
const EVENTS: &str = "text/event-stream";
/// How a process may be named as one.
const AS_PROCESS: &str = "~process@1.0";

/// A stream that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Asked {
    pub(super) process: Id,
    pub(super) what: What,
    pub(super) from: Slot,
    /// The last slot; without one the stream does not end.
    pub(super) to: Option<Slot>,
}

impl Asked {
    /// The stream that a request asks for, if it asks for one.
    pub(in crate::http) fn of(request: &HttpRequest) -> Option<Result<Self, Refusal>> {
        if *request.method() != Method::GET || !accepts_events(request) {
            return None;
        }
        let (process, what) = named(request.uri().path())?;
        Some(Self::read(request, process, what))
    }

    fn read(request: &HttpRequest, process: Id, what: What) -> Result<Self, Refusal> {
        let query = path::query_of(&Bytes::from(request.uri().to_string()))?;
        let number = |name: &'static str| {
            let given = query.iter().rev().find(|(key, _)| *key == *name);
            given.map(|(_, value)| slot(name, value.as_bytes().map(|text| &**text))).transpose()
        };
        let last = request.headers().get("last-event-id").map(header::HeaderValue::as_bytes);
        // Browsers say it empty before they have received anything.
        let last = last.filter(|last| !last.is_empty());
        let last = last.map(|last| slot("last-event-id", Some(last))).transpose()?;
        let from = match last {
            Some(last) => last.saturating_add(1),
            None => number("from")?.unwrap_or_default(),
        };
        Ok(Self { process, what, from, to: number("to")? })
    }
}

fn accepts_events(request: &HttpRequest) -> bool {
    let accepted =
        request.headers().get_all(header::ACCEPT).filter_map(|value| value.to_str().ok());
    let mut types = accepted.flat_map(|value| value.split(','));
    types.any(|range| range.split(';').next().is_some_and(|name| name.trim() == EVENTS))
}

fn named(path: &str) -> Option<(Id, What)> {
    let (process, what) = path.strip_prefix('/')?.split_once('/')?;
    let what = match what {
        "log" => What::Log,
        "results" => What::Results,
        _ => return None,
    };
    let process = process.strip_suffix(AS_PROCESS).unwrap_or(process);
    Some((process.parse().ok()?, what))
}

fn slot(name: &'static str, text: Option<&[u8]>) -> Result<Slot, Refusal> {
    let slot = text.and_then(|text| std::str::from_utf8(text).ok()?.trim().parse().ok());
    slot.ok_or(Refusal::StreamSlot { name })
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn of(path: &str, headers: &[(&'static str, &'static str)]) -> Option<Result<Asked, Refusal>> {
        let request = TestRequest::get().uri(path);
        let request = headers.iter().fold(request, |request, one| request.append_header(*one));
        Asked::of(&request.to_http_request())
    }

    #[test]
    fn only_who_accepts_events_gets_a_stream() {
        let process = Id::of(b"process");
        let path = format!("/{process}/log");
        assert!(of(&path, &[]).is_none());
        assert!(of(&path, &[("accept", "application/json")]).is_none());
        for accept in ["text/event-stream", "text/html, text/event-stream;q=0.5"] {
            let asked = of(&path, &[("accept", accept)]).unwrap().unwrap();
            assert_eq!(asked, Asked { process, what: What::Log, from: 0, to: None });
        }
        for other in [format!("/{process}/now"), format!("/{process}/log/x"), "/x/log".into()] {
            assert!(of(&other, &[("accept", EVENTS)]).is_none(), "{other}");
        }
    }

    #[test]
    fn a_stream_goes_on_behind_the_last_event() {
        let path = format!("/{}~process@1.0/results?from=3&to=9", Id::of(b"process"));
        let asked = |last| of(&path, &[("accept", EVENTS), ("last-event-id", last)]).unwrap();
        let first = asked("").unwrap();
        assert_eq!((first.what, first.from, first.to), (What::Results, 3, Some(9)));
        assert_eq!(asked("5").unwrap().from, 6);
        assert!(asked("x").is_err());
    }
}
