//! Which of a message's commitments a request means. Source: spec 03, section 8.1.

use super::Commitment;
use crate::codec::EncodeError;
use crate::{Key, List, Message, Value};

/// Commitments, by who made them and by their ids. What either names is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Addresses of signers; all means every commitment that has one.
    pub committers: Which,
    /// Ids of commitments.
    pub commitments: Which,
}

/// None, all, or some by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Which {
    /// None of them.
    #[default]
    None,
    /// All of them.
    All,
    /// Those of these names.
    These(Vec<Key>),
}

/// A selection that does not fit the message, or is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// A signer is named who did not sign the message.
    #[error("the message has no commitment by {committer}")]
    UnknownCommitter {
        /// The address that was named.
        committer: Key,
    },
    /// A commitment is named that the message does not have.
    #[error("the message has no commitment {id}")]
    UnknownCommitment {
        /// The id that was named.
        id: Key,
    },
    /// A selector that is neither a list nor one of the two words.
    #[error("{key} is neither a list nor `all` or `none`")]
    BadSelector {
        /// The key that holds it.
        key: &'static str,
    },
    /// The message cannot be written, so that it has no id.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Selection {
    /// Every commitment.
    #[must_use]
    pub const fn all() -> Self {
        Self { committers: Which::None, commitments: Which::All }
    }

    /// Reads the keys `committers` and `commitments` of a request.
    ///
    /// # Errors
    /// A selector that is neither a list nor one of the words `all` and `none`.
    pub fn from_request(request: &Message) -> Result<Self, SelectionError> {
        Ok(Self {
            committers: which(request, "committers")?,
            commitments: which(request, "commitments")?,
        })
    }

    /// The commitments that are meant; with none, the HMACs that name the message without a signer.
    ///
    /// # Errors
    /// A signer or an id that the message does not have.
    pub fn of<'a>(&self, message: &'a Message) -> Result<Vec<Commitment<'a>>, SelectionError> {
        let explicit = self.explicit(message)?;
        if !explicit.is_empty() {
            return Ok(explicit);
        }
        Ok(Commitment::all(message).filter(Commitment::is_unsigned_httpsig).collect())
    }

    /// The commitments that are named, in byte order of their ids.
    pub(super) fn explicit<'a>(
        &self,
        message: &'a Message,
    ) -> Result<Vec<Commitment<'a>>, SelectionError> {
        let all = Commitment::all(message);
        if let Which::These(committers) = &self.committers
            && let Some(committer) = committers
                .iter()
                .find(|committer| !all.clone().any(|commitment| is_by(&commitment, committer)))
        {
            return Err(SelectionError::UnknownCommitter { committer: committer.clone() });
        }
        if let Which::These(ids) = &self.commitments
            && let Some(id) = ids.iter().find(|id| !all.clone().any(|found| found.id == *id))
        {
            return Err(SelectionError::UnknownCommitment { id: id.clone() });
        }
        Ok(all.filter(|commitment| self.means(commitment)).collect())
    }

    fn means(&self, commitment: &Commitment<'_>) -> bool {
        let by_committer = match &self.committers {
            Which::None => false,
            Which::All => commitment.committer().is_some(),
            Which::These(committers) => committers.iter().any(|name| is_by(commitment, name)),
        };
        by_committer
            || match &self.commitments {
                Which::None => false,
                Which::All => true,
                Which::These(ids) => ids.contains(commitment.id),
            }
    }
}

fn is_by(commitment: &Commitment<'_>, committer: &Key) -> bool {
    commitment.committer().is_some_and(|address| address == committer.as_bytes())
}

fn which(request: &Message, key: &'static str) -> Result<Which, SelectionError> {
    let bad = SelectionError::BadSelector { key };
    match request.get(key) {
        None => Ok(Which::None),
        Some(word) if word.is_name("none") => Ok(Which::None),
        Some(word) if word.is_name("all") => Ok(Which::All),
        Some(Value::List(names)) => Ok(Which::These(keys(names).ok_or(bad)?)),
        Some(_) => Err(bad),
    }
}

fn keys(names: &List) -> Option<Vec<Key>> {
    names.iter().map(|name| Some(Key::from(name.as_name()?.clone()))).collect()
}
