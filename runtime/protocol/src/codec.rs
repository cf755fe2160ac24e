//! The forms in which messages travel. Each is a type with `encode` and `decode`.

mod ans104;
mod error;
pub(crate) mod flat;
mod httpsig;
mod json;
mod numbered;
mod scalar;
mod structured;
mod types;

pub use ans104::Ans104;
pub(crate) use ans104::{item_committer, item_type, signed_item};
pub use error::{DecodeError, EncodeError};
pub use flat::Flat;
pub(crate) use httpsig::{
    AO_BODY_KEY, BODY, CONTENT_DIGEST, CONTENT_TYPE, content_digest, signed_surface, surface,
};
pub use httpsig::{HttpMessage, HttpSig, MAX_HEADER_VALUE, fits_header, is_header};
pub use json::Json;
pub use scalar::decode_typed;
pub(crate) use structured::is_regenerable;
pub use structured::{Links, Structured};
pub(crate) use types::AO_TYPES;
