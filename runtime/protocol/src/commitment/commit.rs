//! Making commitments. Source: spec 03, section 5.

use aws_lc_rs::hmac;
use bytes::Bytes;
use zeroize::Zeroizing;

use super::base::{Surface, unlinked};
use super::committed::common;
use super::headers::commitment_id;
use super::ids::{self, CONSTANT_KEYID};
use super::keyid::{self, ETHEREUM, PUBLIC_KEY, SECRET};
use super::{ANS104, COMMITMENTS, Commitment, Forms, HTTPSIG, Kind, numbered};
use crate::codec::{Ans104, DecodeError, EncodeError, Links, Structured, item_type};
use crate::signature::{KeyKind, Scheme, SignatureError};
use crate::{Content, Key, List, Message, Value, Wallet, base64};

/// Parameters that a request may put into a commitment.
const PASSED_ON: [&str; 4] = ["created", "expires", "nonce", "tag"];

/// A commitment that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The device makes no commitments.
    #[error("device {device} makes no commitments")]
    UnknownDevice {
        /// The device that was asked for.
        device: String,
    },
    /// The device makes none of this type, or needs another key for it.
    #[error("a commitment of type {kind} cannot be made by device {device} with this key")]
    UnknownType {
        /// The type that was asked for.
        kind: String,
        /// The device that was asked for.
        device: &'static str,
    },
    /// The scheme that the request names is not that of its keyid.
    #[error("scheme {scheme} does not fit the keyid")]
    WrongScheme {
        /// The scheme that was asked for.
        scheme: String,
    },
    /// A key of the request is malformed.
    #[error("{0} of the request is malformed")]
    BadRequest(&'static str),
    /// The message cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The signed item cannot be read back.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The key cannot sign.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// What kind of commitment to make.
#[derive(Debug, Clone, Default)]
pub struct CommitRequest {
    /// `httpsig@1.0` or `ans104@1.0`; by default the first.
    pub device: Option<Bytes>,
    /// `signed`, `unsigned` or the name of a [`Kind`]; by default `signed`.
    pub kind: Option<Bytes>,
    /// The keys to cover. By default those that all signers so far have covered, or all keys.
    pub committed: Option<Vec<Key>>,
    /// Whether nested messages are signed in place.
    pub bundle: bool,
    /// The key id of an HMAC.
    pub keyid: Option<Bytes>,
    /// The secret of an HMAC. Not shown, and zeroed when it is dropped.
    pub secret: Option<Secret>,
    /// The scheme of the key id, which it must fit.
    pub scheme: Option<Bytes>,
    /// `created`, `expires`, `nonce` and `tag`, signed as they are.
    pub parameters: Message,
}

/// The secret of an HMAC.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A secret of these bytes.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(Zeroizing::new(secret.to_vec()))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl CommitRequest {
    /// Reads a request message: `commitment-device`, `type`, `committed`, `bundle`, `keyid`,
    /// `secret`, `scheme` and the parameters. Source: spec 03, section 8.3.
    ///
    /// # Errors
    /// `committed` is not a list of texts.
    pub fn from_message(request: &Message) -> Result<Self, CommitError> {
        let text = |key| request.get(key).and_then(Value::as_name).cloned();
        let committed = match request.get("committed") {
            None => None,
            Some(keys) => Some(key_list(keys).ok_or(CommitError::BadRequest("committed"))?),
        };
        let passed = PASSED_ON.iter().filter_map(|key| Some((*key, request.get(key)?.clone())));
        Ok(Self {
            device: text("commitment-device"),
            kind: text("type"),
            committed,
            bundle: request.get("bundle").is_some_and(|bundle| bundle.is_name("true")),
            keyid: text("keyid"),
            secret: text("secret").map(|secret| Secret::new(&secret)),
            scheme: text("scheme"),
            parameters: passed.collect(),
        })
    }
}

fn key_list(keys: &Value) -> Option<Vec<Key>> {
    let keys = List::try_from(keys.clone()).ok()?;
    keys.iter().map(|key| Some(key.as_name()?.clone().into())).collect()
}

/// Adds a commitment to a message.
///
/// A signature by `httpsig@1.0` comes with the HMAC that names the message without its signers; one
/// by `ans104@1.0` replaces all other commitments.
///
/// # Errors
/// A device or type that cannot be used with this wallet, or a message that cannot be written.
pub fn commit(
    message: &Message,
    request: &CommitRequest,
    wallet: &Wallet,
    content: &dyn Content,
) -> Result<Message, CommitError> {
    // Nobody could verify what cannot be read back.
    let message = &Structured::readable(message)?;
    match &request.device {
        None => commit_httpsig(message, request, wallet, content),
        Some(device) if device == HTTPSIG => commit_httpsig(message, request, wallet, content),
        Some(device) if device == ANS104 => commit_ans104(message, request, wallet, content),
        Some(device) => {
            Err(CommitError::UnknownDevice { device: String::from_utf8_lossy(device).into_owned() })
        }
    }
}

fn commit_ans104(
    message: &Message,
    request: &CommitRequest,
    wallet: &Wallet,
    content: &dyn Content,
) -> Result<Message, CommitError> {
    let kind = request.kind.as_deref().unwrap_or(b"signed");
    if kind != b"signed" && kind != item_type(wallet)?.as_bytes() {
        return Err(unknown_type(kind, ANS104));
    }
    let links = if request.bundle { Links::Embed(content) } else { Links::Discard };
    let mut unsigned = message.clone().without(&["commitments"]);
    if let Some(keys) = &request.committed {
        unsigned.retain(|key, _| keys.contains(key));
    }
    let item = Ans104 { links }.encode_item(&unsigned.into())?.sign(wallet)?;
    match Ans104::decode_item(&item)? {
        Value::Map(signed) => Ok(signed.with_private_of(message)),
        _ => Err(CommitError::BadRequest("the message")),
    }
}

fn unknown_type(kind: &[u8], device: &'static str) -> CommitError {
    CommitError::UnknownType { kind: String::from_utf8_lossy(kind).into_owned(), device }
}

fn commit_httpsig(
    message: &Message,
    request: &CommitRequest,
    wallet: &Wallet,
    content: &dyn Content,
) -> Result<Message, CommitError> {
    let text = request.kind.as_deref().unwrap_or(b"signed");
    let signer = match wallet.public_key().kind() {
        KeyKind::Rsa => Some(Kind::RsaPssSha512),
        KeyKind::Secp256k1 => Some(Kind::Eip191Secp256k1),
        KeyKind::Ed25519 => None,
    };
    let kind = match text {
        b"signed" => signer,
        b"unsigned" => Some(Kind::HmacSha256),
        text => Kind::named(text).filter(|kind| *kind == Kind::HmacSha256 || Some(*kind) == signer),
    };
    match kind {
        Some(Kind::HmacSha256) => add_mac(message, request, content),
        Some(kind) => {
            let signed = add_signature(message, request, kind, wallet, content)?;
            let named = CommitRequest {
                committed: request.committed.clone(),
                bundle: request.bundle,
                ..CommitRequest::default()
            };
            add_mac(&signed, &named, content)
        }
        None => Err(unknown_type(text, HTTPSIG)),
    }
}

fn add_signature(
    message: &Message,
    request: &CommitRequest,
    kind: Kind,
    wallet: &Wallet,
    content: &dyn Content,
) -> Result<Message, CommitError> {
    let committer = wallet.address().to_string();
    let (scheme, keyid) = match kind {
        Kind::RsaPssSha512 => {
            let modulus = base64::encode_standard(wallet.public_key().as_bytes());
            (Scheme::RsaPssSha512, [PUBLIC_KEY, modulus.as_bytes()].concat())
        }
        _ => (Scheme::Eip191Secp256k1, [ETHEREUM, committer.as_bytes()].concat()),
    };
    let mut fields = fields(kind, keyid.into(), request).with("committer", committer);
    if let (None, Some(hashpath)) = (fields.get_exact("tag"), message.private("hashpath")) {
        fields.insert("tag", hashpath.clone());
    }
    let (tabm, keys) = covered(message, request, content)?;
    let surface = Surface::signed(&tabm, &keys)?;
    let signature = wallet.sign(scheme, &surface.base(&fields))?;
    Ok(with_commitment(message.clone(), fields, surface, &signature))
}

fn add_mac(
    message: &Message,
    request: &CommitRequest,
    content: &dyn Content,
) -> Result<Message, CommitError> {
    let (keyid, key, committer) = mac_key(request)?;
    let message = without_macs_of(message, &keyid);
    let mut fields = fields(Kind::HmacSha256, keyid, request);
    if let Some(committer) = committer {
        fields.insert("committer", committer);
    }
    let (tabm, keys) = covered(&message, request, content)?;
    let surface = Surface::of(&tabm, Some(&keys))?;
    let mac = ids::mac(&key, &surface.base(&fields));
    Ok(with_commitment(message, fields, surface, mac.as_bytes()))
}

/// The key id of an HMAC, its key, and the committer that it stands for.
fn mac_key(request: &CommitRequest) -> Result<(Bytes, hmac::Key, Option<String>), CommitError> {
    let key = |bytes: &[u8]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
    let scheme = request.scheme.as_deref();
    let wrong = |scheme: &[u8]| CommitError::WrongScheme {
        scheme: String::from_utf8_lossy(scheme).into_owned(),
    };
    if let Some(Secret(secret)) = &request.secret {
        let address = keyid::secret_address(secret);
        let keyid = Bytes::from([SECRET, address.as_bytes()].concat());
        let fits = request.keyid.as_ref().is_none_or(|given| *given == keyid);
        return match scheme {
            None | Some(b"secret") if fits => Ok((keyid, key(secret), Some(address))),
            scheme => Err(wrong(scheme.unwrap_or(b"secret"))),
        };
    }
    let keyid = request.keyid.clone().unwrap_or(Bytes::from_static(CONSTANT_KEYID.as_bytes()));
    match scheme {
        None | Some(b"constant") if keyid::is_constant(&keyid) => {
            Ok((keyid.clone(), key(&keyid), None))
        }
        scheme => Err(wrong(scheme.unwrap_or(b"constant"))),
    }
}

fn without_macs_of(message: &Message, keyid: &Bytes) -> Message {
    let is_same = |fields: &Message| {
        let commitment = Commitment { id: &COMMITMENTS, fields };
        commitment.device().is_some_and(|device| device == HTTPSIG)
            && commitment.text("type").is_some_and(|kind| kind == Kind::HmacSha256.name())
            && commitment.text("keyid") == Some(keyid)
    };
    let Some(Value::Map(commitments)) = message.get_exact(COMMITMENTS) else {
        return message.clone();
    };
    let mut commitments = commitments.clone();
    commitments.retain(|_, fields| !fields.as_map().is_some_and(is_same));
    if commitments.is_empty() {
        message.clone().without(&["commitments"])
    } else {
        message.clone().with(COMMITMENTS, commitments)
    }
}

fn fields(kind: Kind, keyid: Bytes, request: &CommitRequest) -> Message {
    let mut fields = Message::new()
        .with("commitment-device", HTTPSIG)
        .with("type", kind.name())
        .with("keyid", keyid);
    if request.bundle {
        fields.insert("bundle", "true");
    }
    fields.extend(request.parameters.clone());
    fields
}

/// The form of the message that a commitment covers, and the keys.
fn covered(
    message: &Message,
    request: &CommitRequest,
    content: &dyn Content,
) -> Result<(Message, Vec<Key>), CommitError> {
    let forms = Forms::new(message, content);
    let tabm = forms.tabm(request.bundle)?.clone();
    let keys = request.committed.clone().unwrap_or_else(|| keys_to_commit(message, &tabm));
    Ok((tabm, keys))
}

/// The keys that all signers so far have covered; without signers, those of the HMACs that name the
/// message; without commitments, all. Source: spec 03, section 5.1.
fn keys_to_commit(message: &Message, tabm: &Message) -> Vec<Key> {
    let signed = common(Commitment::all(message).filter(|one| one.committer().is_some()));
    let named = || common(Commitment::all(message).filter(Commitment::is_unsigned_httpsig));
    signed
        .or_else(named)
        .unwrap_or_else(|| tabm.keys().filter(|key| **key != COMMITMENTS).map(unlinked).collect())
}

fn with_commitment(
    message: Message,
    fields: Message,
    surface: Surface,
    signature: &[u8],
) -> Message {
    let fields = fields
        .with("committed", numbered(surface.committed))
        .with("signature", base64::encode_url(signature));
    let commitments = message.get_exact(COMMITMENTS).and_then(Value::as_map).cloned();
    let commitments = commitments.unwrap_or_default().with(commitment_id(signature), fields);
    message.with(COMMITMENTS, commitments)
}
