//! Expanding requests into steps: it must be a small part of a request's time.

use criterion::{Criterion, criterion_group, criterion_main};
use oxbeam_protocol::Message;
use oxbeam_protocol::path::{parse, to_singleton};

const PROCESS: &str = "a4ayc_80_OGda4BO_1o_V0etpOqiLx1JwB5S3beHW0s";

fn with_headers(path: &str, headers: usize) -> Message {
    let mut request = Message::from([("path", path)]);
    request.extend((0..headers).map(|number| (format!("header-{number}"), "some value")));
    request
}

fn paths(criterion: &mut Criterion) {
    let short = with_headers(&format!("/{PROCESS}~process@1.0/now"), 0);
    let query = "?slot+integer=7&tag=a+b&flag";
    let query = with_headers(&format!("/{PROCESS}~process@1.0/compute&x=1/at{query}"), 20);
    let long = with_headers(&"/segment&key=value".repeat(20), 0);

    let mut group = criterion.benchmark_group("path");
    group.bench_function("parse/short", |b| b.iter(|| parse(&short)));
    group.bench_function("parse/query and 20 headers", |b| b.iter(|| parse(&query)));
    group.bench_function("parse/20 segments", |b| b.iter(|| parse(&long)));
    let steps = parse(&long).unwrap_or_default();
    group.bench_function("to_singleton/20 segments", |b| b.iter(|| to_singleton(&steps)));
    group.finish();
}

criterion_group!(benches, paths);
criterion_main!(benches);
