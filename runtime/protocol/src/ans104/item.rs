//! Items: tagged data, signed by its owner.

use bytes::Bytes;

use crate::ans104::deep_hash::{self, DeepHash};
use crate::ans104::tags::MAX_TAGS;
use crate::ans104::{SignatureType, Tag, tags};
use crate::signature::{InvalidKey, PublicKey, SignatureError};
use crate::{Id, Wallet};

/// A signature or owner that is not there: all zero, in the bytes of an item.
static ZEROS: [u8; 512] = [0; 512];

/// An item. Its parts share the bytes that it was read from.
///
/// An unsigned item to be sent or signed is
/// `Item { tags, data, ..Item::default() }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What signs it; type 1 when unsigned.
    pub signature_type: SignatureType,
    /// The signature, as long as its type says; all zero when unsigned.
    pub signature: Bytes,
    /// Public key of the signer, as long as the type says; all zero when there is none.
    pub owner: Bytes,
    /// The id of whom it is for.
    pub target: Option<Id>,
    /// 32 bytes that its signer chose, to tell apart items that are otherwise equal.
    pub anchor: Option<[u8; 32]>,
    /// Tags, in order; names may repeat.
    pub tags: Vec<Tag>,
    /// Any bytes.
    pub data: Bytes,
}

/// Bytes that are not an item, or an item that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemError {
    /// The input ends within this part.
    #[error("item ends within its {part} at byte {offset}")]
    Truncated {
        /// Name of the part.
        part: &'static str,
        /// Where what is missing should begin, in bytes.
        offset: usize,
    },
    /// Not one of the known signature types.
    #[error("unknown signature type {number}")]
    SignatureType {
        /// The number found.
        number: u16,
    },
    /// A flag that is neither 0 nor 1.
    #[error("flag {flag} of the {part} at byte {offset} is neither 0 nor 1")]
    Flag {
        /// Name of the part.
        part: &'static str,
        /// The flag found.
        flag: u8,
        /// Where it is, in bytes.
        offset: usize,
    },
    /// A varint that is negative, too large or too long.
    #[error("{part} at byte {offset} is not a length")]
    Length {
        /// Name of the part.
        part: &'static str,
        /// Where it begins, in bytes.
        offset: usize,
    },
    /// More tags than are read, see [`MAX_TAGS_READ`](crate::ans104::MAX_TAGS_READ).
    #[error("{count} tags are more than are read")]
    TooManyTags {
        /// How many are announced.
        count: usize,
    },
    /// The list of tags does not end where its count says.
    #[error("tags do not end at byte {offset}")]
    UnendedTags {
        /// Where they should, in bytes.
        offset: usize,
    },
    /// On writing: a tag without a name, or longer than
    /// [`MAX_WRITTEN_LENGTH`](crate::ans104::MAX_WRITTEN_LENGTH).
    #[error("tag {index} has no name or is too long to be written")]
    Unwritable {
        /// Which tag, from 0.
        index: usize,
    },
    /// On writing: signature or owner are not as long as the type says.
    #[error("{part} of {length} bytes does not fit the signature type")]
    FieldLength {
        /// `signature` or `owner`.
        part: &'static str,
        /// Its length, in bytes.
        length: usize,
    },
}

/// An item that cannot be trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The signature is all zero.
    #[error("item is not signed")]
    Unsigned,
    /// More than [`MAX_TAGS`] tags.
    #[error("{count} tags are more than {MAX_TAGS}")]
    TooManyTags {
        /// How many there are.
        count: usize,
    },
    /// A name or value longer than a valid item has.
    #[error("tag {index} is too long")]
    LongTag {
        /// Which tag, from 0.
        index: usize,
    },
    /// The owner is not a public key of its type.
    #[error("failed to read the owner as a public key")]
    Owner(#[from] InvalidKey),
    /// The signature is not one of the owner over this item.
    #[error("failed to verify the signature of the item")]
    Signature(#[from] SignatureError),
}

impl Default for Item {
    /// The unsigned item of type 1 without tags and data.
    fn default() -> Self {
        Self {
            signature_type: SignatureType::Arweave,
            signature: Bytes::from_static(&ZEROS),
            owner: Bytes::from_static(&ZEROS),
            target: None,
            anchor: None,
            tags: Vec::new(),
            data: Bytes::new(),
        }
    }
}

impl Item {
    /// Whether there is a signature, right or wrong.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.signature.iter().any(|byte| *byte != 0)
    }

    /// SHA-256 of the signature; `None` if there is none. Source: spec 03, section 8.4.
    #[must_use]
    pub fn signed_id(&self) -> Option<Id> {
        self.is_signed().then(|| Id::of(&self.signature))
    }

    /// The name of what is said, whoever signs it: SHA-256 of the deep hash of the item as type 1
    /// without an owner. Source: spec 03, section 8.4.
    #[must_use]
    pub fn unsigned_id(&self) -> Id {
        Id::of(&self.deep_hash_with(SignatureType::Arweave, &ZEROS))
    }

    /// What is signed. Source: spec 03, section 5.3.
    #[must_use]
    pub fn deep_hash(&self) -> DeepHash {
        self.deep_hash_with(self.signature_type, &self.owner)
    }

    /// SHA-256 of the owner: how the network names it, for every signature type.
    ///
    /// An Ethereum owner also has an `0x…` address, that of [`public_key`](Self::public_key).
    #[must_use]
    pub fn owner_address(&self) -> Id {
        Id::of(&self.owner)
    }

    /// The owner as a public key.
    ///
    /// # Errors
    /// The owner is not a key of the signature type, such as that of an unsigned item.
    pub fn public_key(&self) -> Result<PublicKey, InvalidKey> {
        PublicKey::new(self.signature_type.scheme(), self.owner.clone())
    }

    /// Checks the limits on tags and the signature.
    ///
    /// # Errors
    /// The item is unsigned, breaks a limit, or its signature does not hold.
    pub fn verify(&self) -> Result<(), VerifyError> {
        if !self.is_signed() {
            return Err(VerifyError::Unsigned);
        }
        if self.tags.len() > MAX_TAGS {
            return Err(VerifyError::TooManyTags { count: self.tags.len() });
        }
        if let Some(index) = self.tags.iter().position(|tag| !tag.verifies()) {
            return Err(VerifyError::LongTag { index });
        }
        let message = self.signature_type.message(&self.deep_hash());
        let scheme = self.signature_type.scheme();
        Ok(self.public_key()?.verify(scheme, &message, &self.signature)?)
    }

    /// The same item, signed by `wallet`: an RSA key of 4096 bits makes type 1, ed25519 type 2,
    /// secp256k1 type 3.
    ///
    /// Does not check the limits on tags: [`verify`](Self::verify) and [`to_bytes`](Self::to_bytes)
    /// do.
    ///
    /// # Errors
    /// The key is of another size or the library could not sign.
    pub fn sign(mut self, wallet: &Wallet) -> Result<Self, SignatureError> {
        self.signature_type = SignatureType::of(wallet.public_key())?;
        self.owner = wallet.public_key().as_bytes().clone();
        let message = self.signature_type.message(&self.deep_hash());
        self.signature = wallet.sign(self.signature_type.scheme(), &message)?.into();
        Ok(self)
    }

    fn deep_hash_with(&self, signature_type: SignatureType, owner: &[u8]) -> DeepHash {
        deep_hash::list(&[
            deep_hash::blob(b"dataitem"),
            deep_hash::blob(b"1"),
            deep_hash::blob(signature_type.number().to_string().as_bytes()),
            deep_hash::blob(owner),
            deep_hash::blob(self.target.as_ref().map_or([].as_slice(), |id| id.as_bytes())),
            deep_hash::blob(self.anchor.as_ref().map_or([].as_slice(), |anchor| anchor)),
            deep_hash::blob(&tags::write(&self.tags)),
            deep_hash::blob(&self.data),
        ])
    }
}
