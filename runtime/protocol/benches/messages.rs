//! What messages cost: their ids, and their way over HTTP.
//!
//! | Bench                | Claim                                                             |
//! |----------------------|-------------------------------------------------------------------|
//! | `id`                 | naming a flat message of 10 keys takes less than 5 µs             |
//! | `id/1 MiB body`      | naming a message with much data costs what hashing the data costs |
//! | `httpsig`            | a nested message of 1000 keys is written and read at memory speed |

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use oxbeam_protocol::codec::{HttpSig, Links};
use oxbeam_protocol::commitment::unsigned_id;
use oxbeam_protocol::{Id, Message, NoContent, Value};

const EMBEDDED: HttpSig<'static> = HttpSig { links: Links::Embed(&NoContent) };

/// A flat message, its values short texts.
fn flat(keys: usize) -> Message {
    (0..keys).map(|key| (format!("key-{key}"), format!("value of key {key}"))).collect()
}

/// Messages of ten keys under the keys of one message, with a number in each.
fn nested(keys: usize) -> Message {
    let child = |index: i64| flat(9).with("number", index);
    (0..keys / 10).map(|index| (format!("child-{index}"), child(index as i64))).collect()
}

fn id(c: &mut Criterion) {
    let mut group = c.benchmark_group("id");
    let message = Value::from(flat(10));
    group.bench_function("10 keys", |b| b.iter(|| unsigned_id(black_box(&message))));
    let typed = Value::from(flat(9).with("number", 5));
    group.bench_function("10 keys, one typed", |b| b.iter(|| unsigned_id(black_box(&typed))));
    let deep = Value::from(nested(1000));
    group.bench_function("1000 keys, nested", |b| b.iter(|| unsigned_id(black_box(&deep))));

    let body = vec![7; 1 << 20];
    let large = Value::from(flat(10).with("body", body.clone()));
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("1 MiB body", |b| b.iter(|| unsigned_id(black_box(&large))));
    group.bench_function("SHA-256 of the body alone", |b| b.iter(|| Id::of(black_box(&body))));
}

fn httpsig(c: &mut Criterion) {
    let mut group = c.benchmark_group("httpsig");
    for (name, message) in [("10 keys", flat(10)), ("1000 keys, nested", nested(1000))] {
        let message = Value::from(message);
        let wire = EMBEDDED.encode(&message).unwrap_or_default();
        let bytes = wire.headers.iter().map(|(key, value)| key.as_bytes().len() + value.len());
        let size = bytes.sum::<usize>() + wire.body.as_ref().map_or(0, |body| body.len());
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("encode, {name}"), |b| {
            b.iter(|| EMBEDDED.encode(black_box(&message)));
        });
        group.bench_function(format!("decode, {name}"), |b| {
            b.iter(|| HttpSig::decode(black_box(&wire)));
        });
    }
}

criterion_group!(benches, id, httpsig);
criterion_main!(benches);
