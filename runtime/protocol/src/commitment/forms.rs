//! The two written forms of a message that its commitments may cover.

use std::cell::OnceCell;

use crate::codec::{EncodeError, Links, Structured};
use crate::{Content, Message};

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
        let tabm = Structured { links }.encode_message(self.message)?;
        Ok(cell.get_or_init(|| tabm))
    }
}
