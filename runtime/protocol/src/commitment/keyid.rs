//! Key ids: which key a commitment was made with. Source: spec 03, section 3.
//!
//! | Scheme      | Text                                             | Committer            |
//! |-------------|--------------------------------------------------|----------------------|
//! | `publickey` | `publickey:` + base64 of the modulus             | hash of the modulus  |
//! | `constant`  | any text; the whole of it is the key of the HMAC | none                 |
//! | `secret`    | `secret:` + hash of the secret                   | hash of the secret   |
//! | `ethereum`  | `ethereum:` + `0x` address, checksummed          | that address         |

use bytes::Bytes;

use crate::{Id, base64};

pub(super) const PUBLIC_KEY: &[u8] = b"publickey:";
pub(super) const SECRET: &[u8] = b"secret:";
pub(super) const ETHEREUM: &[u8] = b"ethereum:";
const CONSTANT: &[u8] = b"constant:";

/// The address of the signer that a key id names, if it names one.
pub(super) fn committer(keyid: &Bytes) -> Option<Bytes> {
    if let Some(modulus) = keyid.strip_prefix(PUBLIC_KEY) {
        return Some(address(&base64::decode(modulus).ok()?).to_string().into());
    }
    let scheme = [SECRET, ETHEREUM].into_iter().find(|scheme| keyid.starts_with(scheme))?;
    Some(keyid.slice(scheme.len()..))
}

/// The address of an RSA key: the hash of its modulus; 32 bytes are an address already.
pub(super) fn address(modulus: &[u8]) -> Id {
    <[u8; 32]>::try_from(modulus).map_or_else(|_| Id::of(modulus), Id::from)
}

/// The name under which a secret is known.
pub(super) fn secret_address(secret: &[u8]) -> String {
    Id::of(secret).to_string()
}

/// Whether the text is itself a key: it names this scheme, or none at all.
pub(super) fn is_constant(keyid: &[u8]) -> bool {
    keyid.starts_with(CONSTANT) || !keyid.contains(&b':')
}
