//! `json@1.0`: messages as JSON text. Source: spec 02, section 7.
//!
//! | Rich          | JSON                                                                  |
//! |---------------|-----------------------------------------------------------------------|
//! | integer, float | number                                                               |
//! | byte string   | string; it must be UTF-8                                              |
//! | atom          | string of its name, and `name="atom"` in the `ao-types` of its object |
//! | list          | array; an object of numbered members if an element is an atom         |
//! | nested map    | object, or its id as the member `key+link`                            |

mod read;
mod write;

use bytes::Bytes;

use super::{DecodeError, EncodeError, Links, Structured};
use crate::limits::MAX_SIZE;
use crate::{NoContent, Value};

/// The codec between messages and JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a> {
    /// What becomes of nested messages: objects, or members with their ids.
    pub links: Links<'a>,
}

impl Json<'_> {
    /// Writes a message as JSON text.
    ///
    /// # Errors
    /// Bytes that are not UTF-8, what cannot be read back, and a message that is nested too deep.
    pub fn encode(&self, message: &Value) -> Result<String, EncodeError> {
        write::text(&Structured { links: self.links }.read_back(message)?)
    }

    /// Reads JSON text: an object, an array or a string.
    ///
    /// # Errors
    /// Text that is not JSON, an integer of more than [`MAX_DIGITS`](crate::limits::MAX_DIGITS) digits, and types that do not fit.
    pub fn decode(text: &Bytes) -> Result<Value, DecodeError> {
        if text.len() > MAX_SIZE {
            return Err(DecodeError::TooLarge { size: text.len() });
        }
        let rich = read::value(text)?;
        // What the rest of the network could not read from its written form is refused at once.
        let tabm = (Structured { links: Links::Embed(&NoContent) }).encode(&rich);
        let tabm = tabm.map_err(|error| match error {
            EncodeError::TooDeep => DecodeError::TooDeep,
            EncodeError::TooManyParts => DecodeError::TooManyParts,
            _ => DecodeError::NotAMessage("JSON that cannot be written"),
        })?;
        drop(rich);
        Structured::decode(&tabm)
    }
}
