//! Whether the node can do what it is asked, for whoever decides to ask it.

use std::time::Duration;

use oxbeam_store::StoreError;
use tokio::time::timeout;

use crate::node::Node;

/// How long a write may be on its way to the disk before the node counts as held up.
const SLOW_WRITE: Duration = Duration::from_secs(10);
/// How long the store may take to say whether it writes again.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why a node is not ready.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// Something that every request needs is not there yet, or not there again.
    #[error("{part}")]
    Starting {
        /// What, and what is done about it.
        part: &'static str,
    },
    /// Nothing can be written, so that no message gets a slot. Reads go on.
    #[error("nothing can be written")]
    NotWritable {
        /// What the store says.
        #[source]
        source: StoreError,
    },
    /// The disk does not answer.
    #[error("the disk has not answered for {} s", .held.as_secs())]
    Slow {
        /// For how long the present write has been under way.
        held: Duration,
    },
}

impl Node {
    /// Whether the node is ready: started, and able to write.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn ready(&self) -> Result<(), NotReady> {
        let opening = NotReady::Starting { part: "the store is being opened" };
        let store = self.local_store().map_err(|_| opening)?;
        if !self.takes_requests() {
            return Err(NotReady::Starting { part: "the actors are being started" });
        }
        if let Some(held) = store.writing_for().filter(|held| *held >= SLOW_WRITE) {
            return Err(NotReady::Slow { held });
        }
        let Some(refusal) = store.refusal() else { return Ok(()) };
        // Somebody has to find out that there is space again, and who waits until the node is
        // ready does not write.
        match timeout(PATIENCE, store.try_writing()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(NotReady::NotWritable { source }),
            Err(_) => Err(NotReady::NotWritable { source: refusal }),
        }
    }
}
