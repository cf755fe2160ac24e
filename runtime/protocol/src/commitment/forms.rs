//! The two written forms of a message that its commitments may cover.

use std::cell::OnceCell;

use crate::codec::{EncodeError, Links, Structured};
use crate::{Content, Message, Value};

/// A message with its written forms, each made when it is first needed.
pub(crate) struct Forms<'a> {
    message: &'a Message,
    content: &'a dyn Content,
    linked: OnceCell<Message>,
    bundled: OnceCell<Message>,
}

impl<'a> Forms<'a> {
    pub(crate) fn new(message: &'a Message, content: &'a dyn Content) -> Self {
        Self { message, content, linked: OnceCell::new(), bundled: OnceCell::new() }
    }

    /// The message itself.
    pub(crate) const fn message(&self) -> &'a Message {
        self.message
    }

    /// The message as TABM, its nested messages in place or as ids.
    pub(crate) fn tabm(&self, bundle: bool) -> Result<&Message, EncodeError> {
        let (cell, links) = if bundle {
            (&self.bundled, Links::Embed(self.content))
        } else {
            (&self.linked, Links::Discard)
        };
        if let Some(tabm) = cell.get() {
            return Ok(tabm);
        }
        match (Structured { links }).encode_readable(&self.message.clone().into())? {
            Value::Map(tabm) => Ok(cell.get_or_init(|| tabm)),
            _ => Err(EncodeError::Unsupported("a list has no commitments")),
        }
    }
}
