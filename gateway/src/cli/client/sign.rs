//! Messages as their wallet signs them, and the wallet of whoever types.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use oxbeam_protocol::codec::{Ans104, HttpSig, Links, fits_header};
use oxbeam_protocol::commitment::{ANS104, CommitRequest, commit, signed_id};
use oxbeam_protocol::{Id, Message, NoContent, Value, Wallet};

use crate::cli::failure::Failure;
use crate::cli::wallet;

/// The most tags that an item has room for, with some for what the codec adds.
const MOST_TAGS: usize = 100;

/// A signed message as it is sent.
#[derive(Debug)]
pub(in crate::cli) struct Signed {
    /// Its id.
    pub(in crate::cli) id: Id,
    pub(super) headers: Vec<(String, Bytes)>,
    pub(super) body: Bytes,
}

/// Signs a message, as a data item if it can be one.
pub(in crate::cli) fn signed(message: &Message, wallet: &Wallet) -> Result<Signed, Failure> {
    let is_item = message.len() <= MOST_TAGS
        && message.iter().all(|(_, value)| matches!(value, Value::Bytes(_)));
    if is_item { item(message, wallet) } else { http(message, wallet) }
}

fn item(message: &Message, wallet: &Wallet) -> Result<Signed, Failure> {
    let device = Some(Bytes::from_static(ANS104.as_bytes()));
    let request = CommitRequest { device, ..CommitRequest::default() };
    let signed = commit(message, &request, wallet, &NoContent).map_err(unsigned)?.into();
    let body = Ans104 { links: Links::Embed(&NoContent) }.encode(&signed).map_err(unsigned)?;
    let headers = [("content-type", "application/ans104"), ("codec-device", ANS104)];
    let headers = headers.map(|(name, value)| (name.to_owned(), Bytes::from(value))).to_vec();
    Ok(Signed { id: signed_id(&signed).map_err(unsigned)?, headers, body })
}

/// A message with the wallet's signature, to be a part of another one.
pub(in crate::cli) fn message(message: &Message, wallet: &Wallet) -> Result<Message, Failure> {
    commit(message, &CommitRequest::default(), wallet, &NoContent).map_err(unsigned)
}

fn http(message: &Message, wallet: &Wallet) -> Result<Signed, Failure> {
    let signed = self::message(message, wallet)?.into();
    let codec = HttpSig { links: Links::Embed(&NoContent) };
    let wire = codec.encode_fitting(&signed, fits_header).map_err(unsigned)?;
    let headers =
        wire.headers.into_iter().map(|(name, value)| (name.to_text().into_owned(), value));
    let headers = headers.collect();
    let body = wire.body.unwrap_or_default();
    Ok(Signed { id: signed_id(&signed).map_err(unsigned)?, headers, body })
}

fn unsigned(error: impl std::fmt::Display) -> Failure {
    Failure::Unsigned { reason: error.to_string() }
}

/// The wallet of whoever types: the one that is named, else their own, which is made at first use.
pub(in crate::cli) fn own_wallet(named: Option<&Path>) -> Result<Wallet, Failure> {
    if let Some(file) = named {
        return wallet::read(file)?.ok_or_else(|| Failure::NoWallet(file.to_owned()));
    }
    let file = own_file().ok_or(Failure::NoHome)?;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(|error| Failure::io(folder, error))?;
    }
    let (wallet, made) = wallet::read_or_make(&file)?;
    if made {
        super::super::note(&format!("made a wallet for you: {}", file.display()));
    }
    Ok(wallet)
}

fn own_file() -> Option<PathBuf> {
    let folder =
        |name| std::env::var_os(name).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    Some(config?.join("oxbeam").join("wallet.json"))
}

#[cfg(test)]
mod tests {
    use oxbeam_protocol::codec::{HttpMessage, is_header};

    use super::*;

    #[test]
    fn what_no_header_can_carry_is_sent_in_the_body() {
        let wallet = Wallet::generate_secp256k1().unwrap();
        let message =
            Message::from([("lines", "one\ntwo")]).with("bytes", Bytes::from_static(b"\0asm\xff"));
        let signed = signed(&message.with("number", 7), &wallet).unwrap();
        assert!(signed.headers.iter().all(|(name, value)| is_header(name.as_bytes(), value)));
        let headers = signed.headers.into_iter().map(|(name, value)| (name.into(), value));
        let wire = HttpMessage { headers: headers.collect(), body: Some(signed.body) };
        assert_eq!(signed_id(&HttpSig::decode(&wire).unwrap()).unwrap(), signed.id);
    }
}
