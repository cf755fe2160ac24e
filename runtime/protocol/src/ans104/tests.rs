//! Items and bundles of other libraries, and what holds for all items.

use std::sync::OnceLock;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::signature::{Address, InvalidKey, Scheme, SignatureError};
use crate::{Id, Wallet};

/// Items of an independent ANS-104 library.
const ARWEAVE: &[u8] = include_bytes!("../../tests/fixtures/ans104/arweave.bin");
const ETHEREUM: &[u8] = include_bytes!("../../tests/fixtures/ans104/ethereum.bin");
const ED25519: &[u8] = include_bytes!("../../tests/fixtures/ans104/ed25519.bin");
const STANDARD_BUNDLE: &[u8] = include_bytes!("../../tests/fixtures/ans104/standard-bundle.bin");

fn item(bytes: &'static [u8]) -> Item {
    Item::parse(Bytes::from_static(bytes)).unwrap()
}

fn id(text: &str) -> Id {
    text.parse().unwrap()
}

/// `a: 1` and the data `D`, unsigned.
fn small() -> Item {
    Item { tags: vec![Tag::new("a", "1")], data: "D".into(), ..Item::default() }
}

fn rsa_wallet() -> &'static Wallet {
    static WALLET: OnceLock<Wallet> = OnceLock::new();
    WALLET.get_or_init(|| Wallet::generate_rsa().unwrap())
}

fn ethereum_wallet() -> Wallet {
    Wallet::from_text(&"46".repeat(32)).unwrap()
}

fn ed25519_wallet() -> Wallet {
    Wallet::from_text(include_str!("../../tests/fixtures/wallets/ed25519.json")).unwrap()
}

/// Signs as a browser wallet of Solana does.
fn solana_signed(item: &Item) -> Item {
    let wallet = ed25519_wallet();
    let signature_type = SignatureType::Solana;
    let owner = wallet.public_key().as_bytes().clone();
    let item = Item { signature_type, owner, ..item.clone() };
    let message: String = item.deep_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let signature = wallet.sign(Scheme::Ed25519, message.as_bytes()).unwrap();
    Item { signature: signature.into(), ..item }
}

fn signed_by_every_type(item: &Item) -> [Item; 4] {
    let [arweave, ed25519, ethereum] = [rsa_wallet(), &ed25519_wallet(), &ethereum_wallet()]
        .map(|wallet| item.clone().sign(wallet).unwrap());
    [arweave, ed25519, ethereum, solana_signed(item)]
}

#[test]
fn an_unsigned_item_is_these_bytes() {
    let zeros = [0; 1024];
    let tags = [2, 2, b'a', 2, b'1', 0];
    let expected = [
        [1, 0].as_slice(), // signature type
        &zeros,            // signature, owner
        &[0, 0],           // target, anchor
        &1_u64.to_le_bytes(),
        &6_u64.to_le_bytes(),
        &tags,
        b"D",
    ]
    .concat();
    assert_eq!(small().to_bytes().unwrap(), expected);
}

#[test]
fn unsigned_ids_are_those_of_the_network() {
    let tags = [("a", "1"), ("ao-types", "n=\"integer\""), ("b", "2"), ("n", "5")];
    let tags = tags.map(|(name, value)| Tag::new(name, value)).to_vec();
    let numbered = Item { tags, ..Item::default() };
    assert_eq!(numbered.unsigned_id(), id("jGeKrb_keGBZvfYuAcH0C7Q9-AWAf_Q3jZMJXGSxVZ8"));
    let empty = Item::default();
    assert_eq!(empty.unsigned_id(), id("NBEPcVC3txrhI4_HoU2tMMPLBf2SBROfK5K47l9OXWc"));
    assert_eq!(empty.signed_id(), None);
}

#[test]
fn an_arweave_item_with_target_and_anchor_verifies() {
    let item = item(ARWEAVE);
    assert_eq!(item.verify(), Ok(()));
    assert_eq!(item.signed_id(), Some(id("HM6NIEB9Nojjz5iDHj83VhRx1nnsOOt68GG0n3F7g7U")));
    assert_eq!(item.owner_address(), id("6rC30sZ5jIS3RmPP_tQGr0rox1SZAH6JORV8KNExqhE"));
    assert_eq!(item.target, Some(id("NKBABbyvIG7smQvZY32f22cl4KDA1K6_AD8X9MlW61w")));
    assert_eq!(item.anchor, Some([b'a'; 32]));
    assert_eq!(item.tags, [Tag::new("Action", "Eval")]);
    assert_eq!(item.to_bytes().unwrap(), ARWEAVE);
}

#[test]
fn an_ethereum_item_verifies_and_its_owner_has_two_addresses() {
    let item = item(ETHEREUM);
    assert_eq!(item.verify(), Ok(()));
    assert_eq!(item.signature_type, SignatureType::Ethereum);
    assert_eq!(item.signed_id(), Some(id("DhBGkqEeOC3JjhI6ilb44IeSZ_vESdORn1QIuZiIf_s")));
    assert_eq!(item.owner_address(), id("qfBSUKWGO3NcRIh5Tvv6_5TLbvR1LNzVKF0gY7TfKfk"));
    let address = item.public_key().unwrap().address();
    assert_eq!(address.to_string(), "0x762D7944c811c867898aF01d15eb6c19ECeAAB8c");
    assert!(matches!(address, Address::Ethereum(_)));
    assert_eq!(item.to_bytes().unwrap(), ETHEREUM);
}

#[test]
fn an_ed25519_item_verifies() {
    let item = item(ED25519);
    assert_eq!(item.verify(), Ok(()));
    assert_eq!(item.signature_type, SignatureType::Ed25519);
    assert_eq!(item.signed_id(), Some(id("95SJsmZb6dmf6Jnjr7QtrS_AdIYnf6Fl7IJVQ7EMorA")));
    assert_eq!(item.owner_address(), id("RUYVdlzfUcCs4YKnWkbbbz58fDM-BIzJobgX2IoUSYg"));
    assert_eq!(item.to_bytes().unwrap(), ED25519);
}

#[test]
fn the_parts_of_an_item_share_its_bytes() {
    let bytes = Bytes::from_static(ARWEAVE);
    let whole = bytes.as_ptr_range();
    let item = Item::parse(bytes).unwrap();
    for part in [&item.signature, &item.owner, &item.tags[0].name, &item.data] {
        assert!(whole.start <= part.as_ptr() && part.as_ptr() <= whole.end);
    }
}

#[test]
fn a_bundle_of_the_public_standard_is_read_and_written() {
    let outer = item(STANDARD_BUNDLE);
    let form = BundleForm::Standard;
    let bundle = Bundle::parse(form, &outer.data).unwrap();
    assert_eq!(bundle.entries.len(), 2);
    for entry in &bundle.entries {
        assert_eq!(entry.parse(form).unwrap().verify(), Ok(()));
    }
    assert_eq!(bundle.to_bytes(form), outer.data);
}

#[test]
fn items_of_every_type_verify_and_read_back() {
    for (signed, signature_type) in
        signed_by_every_type(&small()).into_iter().zip(SignatureType::ALL)
    {
        assert_eq!(signed.signature_type, signature_type);
        assert_eq!(signed.verify(), Ok(()), "{signature_type:?}");
        assert_eq!(signed.unsigned_id(), small().unsigned_id());
        assert_eq!(Item::parse(signed.to_bytes().unwrap()), Ok(signed));
    }
}

#[test]
fn every_changed_byte_makes_verification_fail() {
    for signed in signed_by_every_type(&small()) {
        let bytes = signed.to_bytes().unwrap().to_vec();
        let owner_length = signed.signature_type.owner_length();
        let counts = 4 + signed.signature.len() + owner_length;
        for index in (0..bytes.len()).filter(|index| !(counts..counts + 16).contains(index)) {
            let mut changed = bytes.clone();
            changed[index] ^= 1 << (index % 8);
            let verified = Item::parse(changed.into()).is_ok_and(|item| item.verify().is_ok());
            assert!(!verified, "{:?}, byte {index}", signed.signature_type);
        }
    }
}

#[test]
fn an_item_with_more_or_longer_tags_than_allowed_does_not_verify() {
    let verified = |tags: Vec<Tag>| {
        let item = Item { tags, ..Item::default() };
        item.sign(&ethereum_wallet()).unwrap().verify()
    };
    assert_eq!(verified(vec![Tag::new("a", "1"); MAX_TAGS]), Ok(()));
    assert_eq!(
        verified(vec![Tag::new("a", "1"); MAX_TAGS + 1]),
        Err(VerifyError::TooManyTags { count: MAX_TAGS + 1 })
    );
    let long = |length| "x".repeat(length);
    assert_eq!(verified(vec![Tag::new(long(MAX_NAME_LENGTH), long(MAX_VALUE_LENGTH))]), Ok(()));
    assert_eq!(
        verified(vec![Tag::new(long(MAX_NAME_LENGTH + 1), "")]),
        Err(VerifyError::LongTag { index: 0 })
    );
    assert_eq!(
        verified(vec![Tag::new("a", "1"), Tag::new("a", long(MAX_VALUE_LENGTH + 1))]),
        Err(VerifyError::LongTag { index: 1 })
    );
}

#[test]
fn an_unsigned_item_does_not_verify() {
    assert_eq!(small().verify(), Err(VerifyError::Unsigned));
    let no_owner = Item { signature: vec![1; 512].into(), ..small() };
    let expected = VerifyError::Owner(InvalidKey::Modulus { length: 512 });
    assert_eq!(no_owner.verify(), Err(expected));
}

#[test]
fn a_signature_of_another_type_does_not_verify() {
    let mut item = solana_signed(&small());
    item.signature_type = SignatureType::Ed25519;
    assert_eq!(item.verify(), Err(VerifyError::Signature(SignatureError::Mismatch)));
}

#[test]
fn what_cannot_be_read_back_is_not_written() {
    let with = |tag| Item { tags: vec![Tag::new("a", "1"), tag], ..Item::default() }.to_bytes();
    let long = "x".repeat(MAX_WRITTEN_LENGTH + 1);
    let unwritable = Err(ItemError::Unwritable { index: 1 });
    assert_eq!(with(Tag::new("", "1")), unwritable);
    assert_eq!(with(Tag::new(long.clone(), "1")), unwritable);
    assert_eq!(with(Tag::new("a", long.clone())), unwritable);
    assert!(with(Tag::new(long[1..].to_owned(), long[1..].to_owned())).is_ok());
    let short = Item { owner: vec![1; 65].into(), ..small() };
    assert_eq!(short.to_bytes(), Err(ItemError::FieldLength { part: "owner", length: 65 }));
}

#[test]
fn errors_say_what_and_where() {
    let bytes = small().to_bytes().unwrap().to_vec();
    let parse = |bytes: Vec<u8>| Item::parse(bytes.into()).unwrap_err();
    let truncated = |part, offset| ItemError::Truncated { part, offset };
    assert_eq!(parse(vec![1]), truncated("signature type", 0));
    assert_eq!(parse(vec![5, 0]), ItemError::SignatureType { number: 5 });
    assert_eq!(parse(bytes[..513].to_vec()), truncated("signature", 2));
    assert_eq!(parse(bytes[..1025].to_vec()), truncated("owner", 514));
    assert_eq!(parse(bytes[..1027].to_vec()), truncated("anchor", 1027));
    assert_eq!(parse(bytes[..1043].to_vec()), truncated("tag count", 1028));
    assert_eq!(parse(bytes[..1048].to_vec()), truncated("tag value", 1048));
    let mut flag = bytes;
    flag[1027] = 2;
    let expected = ItemError::Flag { part: "anchor", flag: 2, offset: 1027 };
    assert_eq!(parse(flag), expected);
}

fn any_tag() -> impl Strategy<Value = Tag> {
    (vec(any::<u8>(), 1..100), vec(any::<u8>(), 0..100)).prop_map(|(n, v)| Tag::new(n, v))
}

prop_compose! {
    fn any_item()(
        target in option::of(any::<[u8; 32]>()),
        anchor in option::of(any::<[u8; 32]>()),
        tags in vec(any_tag(), 0..10),
        data in vec(any::<u8>(), 0..200),
    ) -> Item {
        let target = target.map(Id::from);
        Item { target, anchor, tags, data: data.into(), ..Item::default() }
    }
}

proptest! {
    #[test]
    fn an_item_reads_back_from_its_bytes(item in any_item()) {
        let bytes = item.to_bytes().unwrap();
        prop_assert_eq!(Item::parse(bytes).unwrap(), item.clone());
        let signed = item.sign(&ethereum_wallet()).unwrap();
        prop_assert_eq!(signed.verify(), Ok(()));
        prop_assert_eq!(Item::parse(signed.to_bytes().unwrap()).unwrap(), signed);
    }

    #[test]
    fn a_bundle_reads_back_from_its_bytes(items in vec(any_item(), 0..5)) {
        for form in [BundleForm::Reference, BundleForm::Standard] {
            let signed = items.iter().map(|item| item.clone().sign(&ethereum_wallet()).unwrap());
            let signed: Vec<Item> = signed.collect();
            let entries = signed.iter().map(|item| Entry::new(form, item).unwrap()).collect();
            let bundle = Bundle { entries };
            let read = Bundle::parse(form, &bundle.to_bytes(form)).unwrap();
            prop_assert_eq!(&read, &bundle);
            for (entry, item) in read.entries.iter().zip(&signed) {
                prop_assert_eq!(&entry.parse(form).unwrap(), item);
            }
        }
    }

    #[test]
    fn no_bytes_make_the_readers_panic(
        kind in 0..6_u8,
        tail in vec(any::<u8>(), 0..400),
        flags in vec(0..3_u8, 0..4),
    ) {
        let head = vec![1; usize::from(kind) * 32];
        let bytes = Bytes::from([&[kind, 0], head.as_slice(), &flags, &tail].concat());
        let _ = Item::parse(bytes.clone()).map(|item| item.verify());
        for form in [BundleForm::Reference, BundleForm::Standard] {
            let _ = Bundle::parse(form, &bytes);
        }
    }

    #[test]
    fn tags_of_any_bytes_are_read_or_refused(block in vec(0..8_u8, 0..60)) {
        let mut bytes = ED25519[..100].to_vec();
        bytes.extend([1; 16]);
        bytes.extend(block);
        if let Ok(item) = Item::parse(bytes.into()) {
            prop_assert_eq!(Item::parse(item.to_bytes().unwrap()).unwrap(), item);
        }
    }
}
