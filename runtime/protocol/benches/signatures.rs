//! Signing and verifying, to be read beside `openssl speed rsa4096` of the same machine and hour.
//!
//! Claims: RSA-4096 signs at least 1.8 times and verifies at least 0.85 times as often as OpenSSL
//! 3.0 does where the processor has AVX-512, and an item costs no more than its signature.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot begin says so by stopping")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, criterion_group, criterion_main};
use oxbeam_protocol::Wallet;
use oxbeam_protocol::ans104::{Item, Tag};
use oxbeam_protocol::signature::{PublicKey, Scheme};

const MESSAGE: &[u8] = b"as long as the deep hash of an item, 48 bytes ...";
const ED25519: &[u8] = include_bytes!("../tests/fixtures/ans104/ed25519.bin");

fn rsa(c: &mut Criterion) {
    let mut group = c.benchmark_group("rsa-4096");
    let wallet = Wallet::generate_rsa().unwrap();
    group.bench_function("sign", |b| b.iter(|| wallet.sign(Scheme::RsaPssSha512, MESSAGE)));

    let signature = wallet.sign(Scheme::RsaPssSha512, MESSAGE).unwrap();
    let key = wallet.public_key().as_bytes();
    // From the bytes of the modulus each time, as a node meets keys.
    let verify = |message| {
        let key = PublicKey::new(Scheme::RsaPssSha512, key.clone()).unwrap();
        key.verify(Scheme::RsaPssSha512, message, &signature)
    };
    assert!(verify(MESSAGE).is_ok() && verify(b"another").is_err());
    group.bench_function("verify", |b| b.iter(|| verify(black_box(MESSAGE))));
    group.bench_function("refuse", |b| b.iter(|| verify(black_box(b"another"))));
}

fn secp256k1(c: &mut Criterion) {
    let mut group = c.benchmark_group("secp256k1");
    let wallet = Wallet::generate_secp256k1().unwrap();
    group.bench_function("sign", |b| b.iter(|| wallet.sign(Scheme::Eip191Secp256k1, MESSAGE)));

    let signature = wallet.sign(Scheme::Eip191Secp256k1, MESSAGE).unwrap();
    let verify = || wallet.public_key().verify(Scheme::Eip191Secp256k1, MESSAGE, &signature);
    assert!(verify().is_ok());
    group.bench_function("verify", |b| b.iter(verify));
}

fn ed25519(c: &mut Criterion) {
    let item = Item::parse(Bytes::from_static(ED25519)).unwrap();
    let message = item.signature_type.message(&item.deep_hash());
    let key = item.public_key().unwrap();
    let verify = || key.verify(Scheme::Ed25519, &message, &item.signature);
    assert!(verify().is_ok());
    c.benchmark_group("ed25519").bench_function("verify", |b| b.iter(verify));
}

fn ans104(c: &mut Criterion) {
    let mut group = c.benchmark_group("ans104");
    let tags = (0..10).map(|n| Tag::new(format!("Name-{n}"), format!("value {n}"))).collect();
    let item = Item { tags, data: vec![b'x'; 1024].into(), ..Item::default() };
    let signed = item.sign(&Wallet::generate_rsa().unwrap()).unwrap();
    let bytes = signed.to_bytes().unwrap();
    group.bench_function("parse", |b| b.iter(|| Item::parse(bytes.clone())));
    let verify = || Item::parse(bytes.clone()).map(|item| item.verify());
    assert_eq!(verify(), Ok(Ok(())));
    group.bench_function("parse and verify", |b| b.iter(verify));

    let large = Item { data: vec![b'x'; 1 << 20].into(), ..Item::default() };
    group.bench_function("deep hash of 1 MiB", |b| b.iter(|| large.deep_hash()));
}

criterion_group!(benches, rsa, secp256k1, ed25519, ans104);
criterion_main!(benches);
