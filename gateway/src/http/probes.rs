//! `/healthz`, `/readyz` and `/metrics`, for what watches over the program and for what sends it requests.
//!
//! | Path       | 200                    | 503                                                          |
//! |------------|------------------------|--------------------------------------------------------------|
//! | `/healthz` | the program answers    | never                                                        |
//! | `/readyz`  | it can be asked        | it starts, it cannot write, or it stops: a sentence says why |
//!
//! `/metrics` is described in [`super::metrics`]. The answers are text, nobody signs them, and no limit on requests holds for them: a node that is
//! busy is not dead. With a query the paths are AO-Core's, as all others are.

use std::net::IpAddr;

use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse};

use super::admission::Gate;
use super::refusal::sentence;

const TEXT: &str = "text/plain; charset=utf-8";

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probe {
    /// Whether the program lives.
    Health,
    /// Whether it is ready.
    Readiness,
    /// What can be counted.
    Metrics,
}

impl Probe {
    /// The probe that a request is, if it is one.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        if !matches!(*request.method(), Method::GET | Method::HEAD)
            || request.uri().query().is_some()
        {
            return None;
        }
        match request.path() {
            "/healthz" => Some(Self::Health),
            "/readyz" => Some(Self::Readiness),
            "/metrics" => Some(Self::Metrics),
            _ => None,
        }
    }

    /// The answer; none if the node is not to show it, and the path is as any other.
    pub(super) async fn answer(self, gate: &Gate, client: Option<IpAddr>) -> Option<HttpResponse> {
        Some(match self {
            Self::Metrics => {
                let under_way = gate.under_way();
                return gate.metrics().answer(gate.node(), client, under_way).await;
            }
            Self::Health => healthy(),
            Self::Readiness if gate.is_closed() => not_ready("the node is stopping"),
            Self::Readiness => match gate.node().ready().await {
                Ok(()) => plain(HttpResponse::Ok(), "ready\n".to_owned()),
                Err(reason) => not_ready(&sentence(&reason)),
            },
        })
    }
}

/// The program answers.
pub(super) fn healthy() -> HttpResponse {
    plain(HttpResponse::Ok(), "the program answers\n".to_owned())
}

/// The node is not to be asked just now.
pub(super) fn not_ready(reason: &str) -> HttpResponse {
    plain(HttpResponse::ServiceUnavailable(), format!("not ready: {reason}\n"))
}

fn plain(mut response: actix_web::HttpResponseBuilder, body: String) -> HttpResponse {
    response.insert_header((header::CONTENT_TYPE, TEXT));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.body(body)
}
