//! Wallets: keys that sign, and the files people keep them in. Source: spec 03, section 2.
//!
//! | Key       | File text                                                             |
//! |-----------|-----------------------------------------------------------------------|
//! | RSA       | JSON Web Key as Arweave wallets write it: `{"kty":"RSA","n":"…",…}`    |
//! | secp256k1 | 64 hex digits, with or without `0x`                                   |
//! | ed25519   | JSON array of 64 numbers as Solana's tools write it: `[7,7,…]`        |
//!
//! Secrets are zeroed when dropped, and appear neither in `Debug` nor in errors. The numbers from
//! which [`Wallet::from_text`] derives what a shortened JWK lacks are the exception: they are freed
//! without being zeroed.

mod der;
mod ed25519;
mod factors;
mod jwk;
mod secp256k1;

use std::fmt;

use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use k256::ecdsa::SigningKey;
use zeroize::Zeroizing;

use crate::signature::{self, Address, InvalidKey, PublicKey, Scheme, SignatureError};

/// A key that signs.
pub struct Wallet {
    secret: Secret,
    public: PublicKey,
}

enum Secret {
    Rsa(KeyPair),
    Secp256k1(SigningKey),
    Ed25519(Ed25519KeyPair),
}

/// Text that is not a wallet, or a key that cannot be made or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WalletError {
    /// None of the known forms.
    #[error("not a wallet: expected a JSON Web Key, 64 hex digits or an array of 64 numbers")]
    UnknownForm,
    /// The JSON is broken here.
    #[error("failed to read the wallet as JSON at line {line}, column {column}")]
    Json {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The JWK has no such member, or it is not what it must be.
    #[error("member {member} of the JSON Web Key is missing or malformed")]
    Member {
        /// Name of the member.
        member: &'static str,
    },
    /// The numbers do not agree, or are no RSA key of 2048 to 4096 bits with the exponent 65537.
    #[error("numbers of the wallet do not make a key")]
    Inconsistent,
    /// The 32 bytes are zero or not below the order of the curve.
    #[error("not a secret key of secp256k1")]
    NotAScalar,
    /// The public half is not usable.
    #[error("failed to use the public key")]
    PublicKey(#[from] InvalidKey),
    /// The library could not make or write a key.
    #[error("failed to make or write a key")]
    Library,
}

impl Wallet {
    /// A new RSA key of 4096 bits. Takes about a second.
    ///
    /// # Errors
    /// [`WalletError::Library`] if the system gives no random bytes.
    pub fn generate_rsa() -> Result<Self, WalletError> {
        Self::from_rsa(KeyPair::generate(KeySize::Rsa4096).map_err(|_| WalletError::Library)?)
    }

    /// A new secp256k1 key.
    ///
    /// # Errors
    /// [`WalletError::Library`] if the system gives no random bytes.
    pub fn generate_secp256k1() -> Result<Self, WalletError> {
        Self::from_secp256k1(secp256k1::generate()?)
    }

    /// Reads the text of a wallet file; which of the forms above it is shows in the first byte.
    ///
    /// A JWK may lack `p`, `q`, `dp`, `dq` and `qi`: they are derived if any is absent.
    ///
    /// # Errors
    /// The text is none of the forms, or its numbers are no key.
    pub fn from_text(text: &str) -> Result<Self, WalletError> {
        let text = text.trim();
        match text.as_bytes().first() {
            Some(b'{') => Self::from_rsa(jwk::read(text)?),
            Some(b'[') => Self::from_ed25519(ed25519::read(text)?),
            _ => Self::from_secp256k1(secp256k1::read(text)?),
        }
    }

    /// The text of a wallet file.
    ///
    /// # Errors
    /// [`WalletError::Library`] if the library cannot export the key.
    pub fn to_text(&self) -> Result<Zeroizing<String>, WalletError> {
        match &self.secret {
            Secret::Rsa(pair) => jwk::write(pair),
            Secret::Secp256k1(key) => Ok(secp256k1::write(key)),
            Secret::Ed25519(pair) => ed25519::write(pair),
        }
    }

    /// The public half.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The address of the public half.
    #[must_use]
    pub fn address(&self) -> Address {
        self.public.address()
    }

    /// Signs `message`, which is hashed by the scheme.
    ///
    /// # Errors
    /// [`SignatureError::WrongKey`] if the scheme uses another kind of key.
    pub fn sign(&self, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let signature = match (&self.secret, scheme) {
            (Secret::Rsa(pair), Scheme::RsaPssSha256) => {
                signature::rsa::sign(signature::rsa::Hash::Sha256, pair, message)
            }
            (Secret::Rsa(pair), Scheme::RsaPssSha512) => {
                signature::rsa::sign(signature::rsa::Hash::Sha512, pair, message)
            }
            (Secret::Secp256k1(key), Scheme::Eip191Secp256k1) => {
                Some(signature::secp256k1::sign(key, message))
            }
            (Secret::Ed25519(pair), Scheme::Ed25519) => {
                pair.try_sign(message).ok().map(|signature| signature.as_ref().to_vec())
            }
            _ => return Err(SignatureError::WrongKey { scheme, key: self.public.kind() }),
        };
        signature.ok_or(SignatureError::Signing { scheme })
    }

    fn from_rsa(pair: KeyPair) -> Result<Self, WalletError> {
        let modulus = der::modulus(&pair).ok_or(WalletError::Library)?;
        let public = PublicKey::new(Scheme::RsaPssSha512, modulus)?;
        Ok(Self { secret: Secret::Rsa(pair), public })
    }

    fn from_secp256k1(key: SigningKey) -> Result<Self, WalletError> {
        let point = signature::secp256k1::point(key.verifying_key()).ok_or(WalletError::Library)?;
        let public = PublicKey::new(Scheme::Eip191Secp256k1, point.to_vec())?;
        Ok(Self { secret: Secret::Secp256k1(key), public })
    }

    fn from_ed25519(pair: Ed25519KeyPair) -> Result<Self, WalletError> {
        let public = PublicKey::new(Scheme::Ed25519, pair.public_key().as_ref().to_vec())?;
        Ok(Self { secret: Secret::Ed25519(pair), public })
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wallet({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    /// The key of RFC 8032, section 7.1, test 1.
    const ED25519: &str = include_str!("../tests/fixtures/wallets/ed25519.json");

    fn wallets() -> &'static [Wallet; 3] {
        static WALLETS: OnceLock<[Wallet; 3]> = OnceLock::new();
        WALLETS.get_or_init(|| {
            [
                Wallet::generate_rsa().unwrap(),
                Wallet::generate_secp256k1().unwrap(),
                Wallet::from_text(ED25519).unwrap(),
            ]
        })
    }

    #[test]
    fn a_wallet_reads_back_from_its_text() {
        for wallet in wallets() {
            let text = wallet.to_text().unwrap();
            let read = Wallet::from_text(&format!("\n {}\n", *text)).unwrap();
            assert_eq!(read.public_key(), wallet.public_key());
            assert_eq!(read.to_text().unwrap(), text);
        }
    }

    #[test]
    fn a_wallet_signs_what_its_public_key_verifies() {
        let [rsa, secp256k1, ed25519] = wallets();
        for (wallet, scheme) in [
            (rsa, Scheme::RsaPssSha256),
            (rsa, Scheme::RsaPssSha512),
            (secp256k1, Scheme::Eip191Secp256k1),
            (ed25519, Scheme::Ed25519),
        ] {
            let signature = wallet.sign(scheme, b"message").unwrap();
            assert_eq!(wallet.public_key().verify(scheme, b"message", &signature), Ok(()));
        }
        assert!(matches!(
            secp256k1.sign(Scheme::RsaPssSha512, b"message"),
            Err(SignatureError::WrongKey { .. })
        ));
    }

    #[test]
    fn debug_tells_the_address_alone() {
        for wallet in wallets() {
            assert_eq!(format!("{wallet:?}"), format!("Wallet({})", wallet.address()));
        }
    }

    #[test]
    fn errors_never_repeat_the_text() {
        for text in [
            "SECRET",
            "\"SECRET\"",
            "{\"SECRET\"",
            "{\"kty\":\"SECRET\"}",
            r#"{"kty":"RSA","n":"SECRET!","e":"AQAB","d":"SECRET!"}"#,
            r#"{"kty":"RSA","n":"SECRET","e":"AQAB","d":"SECRET"}"#,
            &"SECRET".repeat(11)[..64],
        ] {
            let error = Wallet::from_text(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
        }
    }
}
