//! What a collector sees of a node, and what a node sees of a collector.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use actix_rt::time::sleep;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
use opentelemetry_proto::tonic::trace::v1::{Span, span::SpanKind, status::StatusCode};
use oxbeam_protocol::{Message, Wallet, commitment};
use prost::Message as _;

use super::folder;
use super::kill::listens;
use super::node::{Program, output};
use crate::client::{Client, Response};
use crate::metrics::sample;
use crate::wire::{signed, stranger, wire};

/// A caller's trace, and its span in it.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
/// What must not be found in what is sent.
const SECRET: &str = "hush-hush";
/// In which a node answers that waits for nobody: a collector is given up after 5 s.
const SOON: Duration = Duration::from_secs(3);

/// A collector, and what it was sent.
struct Collector {
    url: String,
    taken: Receiver<Vec<u8>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (take, taken) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let take = take.clone();
                thread::spawn(move || serve(stream.unwrap(), &take));
            }
        });
        Self { url, taken }
    }

    /// All that came until now.
    fn requests(&self) -> Vec<ExportTraceServiceRequest> {
        let bodies = self.taken.try_iter().inspect(|body| {
            let hidden = !String::from_utf8_lossy(body).contains(SECRET);
            assert!(hidden, "a secret was sent");
        });
        bodies.map(|body| ExportTraceServiceRequest::decode(&*body).unwrap()).collect()
    }
}

fn spans(requests: Vec<ExportTraceServiceRequest>) -> Vec<Span> {
    let resources = requests.into_iter().flat_map(|request| request.resource_spans);
    resources.flat_map(|of| of.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// Takes what comes on a connection, one request after another.
fn serve(stream: TcpStream, take: &Sender<Vec<u8>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = head.to_ascii_lowercase();
        assert!(head.starts_with("post /v1/traces "), "{head}");
        assert!(head.contains("content-type: application/x-protobuf"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        // Whoever asked may have seen enough.
        let _ = take.send(body);
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}

fn start(folder: &std::path::Path, endpoint: &str, more: &[&str]) -> Program {
    let endpoint = format!("otlp_endpoint={endpoint}");
    Program::start_with(folder, &[&["--set", &endpoint], more].concat())
}

async fn get(client: &mut Client, target: &str, headers: &str) -> Response {
    let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\naccept-bundle: true{headers}");
    client.request(&head, b"").await;
    client.response().await
}

fn caller(sampled: bool) -> String {
    format!("\r\ntraceparent: 00-{TRACE}-{CALLER}-{:02x}", u8::from(sampled))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn attributes(of: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |one: &KeyValue| match one.value.clone().and_then(|value| value.value) {
        Some(Any::StringValue(text)) => text,
        Some(Any::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    of.iter().map(|one| (one.key.clone(), text(one))).collect()
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no {name} among {spans:#?}"))
}

/// The names from a span up to the first one.
fn ancestry<'a>(spans: &'a [Span], of: &'a Span) -> Vec<&'a str> {
    let above = |span: &&Span| spans.iter().find(|other| other.span_id == span.parent_span_id);
    std::iter::successors(Some(of), above).map(|span| span.name.as_str()).collect()
}

/// A process, and its first slot.
async fn spawn(program: &Program, owner: &Wallet) -> String {
    let definition = Message::from([
        ("device", "process@1.0"),
        ("type", "Process"),
        ("execution-device", "test-device@1.0"),
        ("scheduler", &program.address),
        ("note", SECRET),
    ]);
    let definition = signed(&definition, owner);
    let mut client = Client::connect(listens(program)).await;
    let answer = client.post("/~scheduler@1.0/schedule", &wire(&definition)).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    commitment::signed_id(&definition.into()).unwrap().to_string()
}

#[actix_rt::test]
async fn a_request_is_told_with_what_was_done_for_it_as_a_part_of_its_callers_trace() {
    let (folder, collector) = (folder(), Collector::start());
    let program = start(folder.path(), &collector.url, &[]);
    let address = program.address.clone();
    let process = spawn(&program, &stranger()).await;
    let mut client = Client::connect(listens(&program)).await;
    let answer = get(&mut client, &format!("/{process}/now"), &caller(true)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let secret = format!("\r\nauthorization: {SECRET}");
    let target = format!("/~message@1.0&password={SECRET}/password?key={SECRET}");
    assert_eq!(get(&mut client, &target, &secret).await.status, 200);
    assert_eq!(get(&mut client, "/~nosuch@1.0/key", "").await.status, 500);
    // Nothing was waited for: what is left is sent when the node stops.
    assert_eq!(program.signal("-TERM"), Some(0));

    let requests = collector.requests();
    let of = attributes(&requests[0].resource_spans[0].resource.as_ref().unwrap().attributes);
    assert_eq!(of["service.name"], "oxbeam");
    assert_eq!(of["service.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(of["service.instance.id"], address);
    let spans = spans(requests);

    let request = named(&spans, "GET id");
    assert_eq!((&*hex(&request.trace_id), &*hex(&request.parent_span_id)), (TRACE, CALLER));
    assert_eq!(request.kind, SpanKind::Server as i32);
    assert!(request.end_time_unix_nano > request.start_time_unix_nano);
    let of = attributes(&request.attributes);
    assert_eq!(of["http.request.method"], "GET");
    assert_eq!(of["http.response.status_code"], "200");
    assert_eq!(of["url.path"], format!("/{process}/now"));
    let compute = named(&spans, "compute");
    assert_eq!(ancestry(&spans, compute), ["compute", "process@1.0", "GET id"]);
    let of = attributes(&compute.attributes);
    assert_eq!((&*of["oxbeam.process"], &*of["oxbeam.slot"]), (&*process, "0"));
    let schedule = named(&spans, "schedule");
    assert_eq!(ancestry(&spans, schedule), ["schedule", "scheduler@1.0", "POST scheduler@1.0"]);
    assert_ne!(hex(&schedule.trace_id), TRACE);
    let failed = named(&spans, "GET other");
    assert_eq!(failed.status.as_ref().unwrap().code, StatusCode::Error as i32);
    assert_eq!(attributes(&failed.attributes)["error.type"], "500");
    let path = attributes(&named(&spans, "GET message@1.0").attributes)["url.path"].clone();
    assert_eq!(path, "/~message@1.0&password=…/password");
}

#[actix_rt::test]
async fn a_share_of_requests_is_traced_and_those_whose_caller_says_so() {
    let (folder, collector) = (folder(), Collector::start());
    let program = start(folder.path(), &collector.url, &["--set", "otlp_one_in=1000000000"]);
    let mut client = Client::connect(listens(&program)).await;
    for headers in ["", &caller(false), "\r\ntraceparent: nonsense", &caller(true)] {
        assert_eq!(get(&mut client, "/~meta@1.0/info", headers).await.status, 200);
    }
    assert_eq!(program.signal("-TERM"), Some(0));
    let spans = spans(collector.requests());
    let requests: Vec<_> = spans.iter().filter(|span| span.name == "GET meta@1.0").collect();
    assert_eq!(requests.len(), 1, "{spans:#?}");
    assert_eq!(hex(&requests[0].parent_span_id), CALLER);
}

#[actix_rt::test]
async fn a_collector_that_hangs_slows_nobody_and_what_it_misses_is_counted() {
    let folder = folder();
    // It takes connections, and never reads.
    let hangs = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", hangs.local_addr().unwrap());
    let program = start(folder.path(), &endpoint, &["--set", "stop_timeout=6000"]);
    let mut client = Client::connect(listens(&program)).await;
    // Of each request no more than 256 steps are told; 4096 spans may wait.
    let target = format!("/~message@1.0&a=b{}", "/set".repeat(300));
    for _ in 0..40 {
        let since = Instant::now();
        assert_eq!(get(&mut client, &target, "").await.status, 200);
        assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
    }
    let metrics = get(&mut client, "/metrics", "").await.text().to_string();
    let dropped = sample(&metrics, "oxbeam_trace_spans_total{result=\"dropped\"}");
    assert!((1.0..=40.0 * 257.0 - 4096.0).contains(&dropped), "{dropped}");
    assert_eq!(program.signal("-TERM"), Some(0), "the node ends in time all the same");
}

#[actix_rt::test]
async fn a_collector_that_is_gone_costs_its_spans_alone() {
    let folder = folder();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let program = start(folder.path(), &format!("http://{gone}"), &[]);
    let mut client = Client::connect(listens(&program)).await;
    let failed = "oxbeam_trace_spans_total{result=\"failed\"}";
    let until = Instant::now() + Duration::from_secs(30);
    while {
        assert_eq!(get(&mut client, "/~meta@1.0/info", "").await.status, 200);
        sample(get(&mut client, "/metrics", "").await.text(), failed) < 1.0
    } {
        assert!(Instant::now() < until, "nothing was given up");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(program.signal("-TERM"), Some(0));
}

#[test]
fn an_endpoint_that_is_no_url_of_a_collector_is_refused() {
    let folder = folder();
    for endpoint in ["127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://me:secret@127.0.0.1"] {
        let set = format!("otlp_endpoint={endpoint}");
        let failed = output(folder.path(), &["start", "--port", "0", "--set", &set]);
        assert_eq!(failed.status.code(), Some(78), "{endpoint}");
        assert!(super::sentence(&failed).contains("expected a URL like http://127.0.0.1:4318"));
    }
}
