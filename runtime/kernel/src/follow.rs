//! Following a process: being told when its log or its results have grown.
//!
//! What has happened is read from the store; this only says when to look again. Telling nobody costs
//! a look into an empty map.

use std::collections::HashMap;
use std::sync::Arc;

use oxbeam_protocol::Id;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::node::Node;

/// Who follows which process. Processes that nobody follows are not listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Followers(Arc<Mutex<HashMap<Id, watch::Sender<()>>>>);

impl Followers {
    /// Tells those who follow a process that it has gone on.
    pub(crate) fn tell(&self, process: Id) {
        if let Some(followed) = self.0.lock().get(&process) {
            followed.send_replace(());
        }
    }

    fn join(&self, process: Id) -> Following {
        let mut all = self.0.lock();
        let receiver = all.entry(process).or_insert_with(|| watch::channel(()).0).subscribe();
        Following { process, receiver: Some(receiver), followers: self.clone() }
    }
}

/// Follows a process until it is dropped.
#[derive(Debug)]
pub struct Following {
    process: Id,
    /// There until it is dropped.
    receiver: Option<watch::Receiver<()>>,
    followers: Followers,
}

impl Following {
    /// Forgets what was told so far: what is read from the store afterwards is no older.
    pub fn mark(&mut self) {
        if let Some(receiver) = &mut self.receiver {
            receiver.mark_unchanged();
        }
    }

    /// Waits until the process has gone on since [`Following::mark`]. It may be told once for several
    /// slots.
    pub async fn changed(&mut self) {
        if let Some(receiver) = &mut self.receiver {
            // The other end lives as long as anybody follows.
            let _ = receiver.changed().await;
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut all = self.followers.0.lock();
        self.receiver = None;
        if all.get(&self.process).is_some_and(|followed| followed.receiver_count() == 0) {
            all.remove(&self.process);
        }
    }
}

impl Node {
    /// Follows a process: its log as it is on disk, and its results as they are committed.
    #[must_use]
    pub fn follow(&self, process: Id) -> Following {
        self.followers().join(process)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn a_follower_is_told_once_of_all_that_happened_since_it_looked() {
        let followers = Followers::default();
        let [followed, other] = [Id::of(b"followed"), Id::of(b"other")];
        let mut following = followers.join(followed);
        followers.tell(other);
        assert!(following.changed().now_or_never().is_none());
        followers.tell(followed);
        followers.tell(followed);
        assert!(following.changed().now_or_never().is_some());
        assert!(following.changed().now_or_never().is_none());
        followers.tell(followed);
        following.mark();
        assert!(following.changed().now_or_never().is_none());
    }

    #[test]
    fn a_process_is_listed_while_somebody_follows_it() {
        let followers = Followers::default();
        let process = Id::of(b"process");
        let (one, two) = (followers.join(process), followers.join(process));
        drop(one);
        assert_eq!(followers.0.lock().len(), 1);
        drop(two);
        assert!(followers.0.lock().is_empty());
    }
}
