//! A line: each takes its turn when the one before has passed.

use tokio::sync::oneshot;

/// Where those who come stand one behind another.
#[derive(Debug, Default)]
pub(super) struct Line {
    last: Option<oneshot::Receiver<()>>,
}

/// A place in a line. Dropping it without passing breaks the line behind it.
#[derive(Debug)]
pub(super) struct Place {
    before: Option<oneshot::Receiver<()>>,
    behind: oneshot::Sender<()>,
}

/// Somebody before left without passing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

impl Line {
    /// The place behind everybody.
    pub(super) fn join(&mut self) -> Place {
        let (behind, last) = oneshot::channel();
        Place { before: self.last.replace(last), behind }
    }
}

impl Place {
    /// Waits until all before have passed.
    pub(super) async fn turn(&mut self) -> Result<(), Broken> {
        match self.before.take() {
            Some(before) => before.await.map_err(|_| Broken),
            None => Ok(()),
        }
    }

    /// Lets the next one have its turn.
    pub(super) fn pass(self) {
        // There may be nobody behind.
        let _ = self.behind.send(());
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::FutureExt;

    use super::*;

    #[test]
    fn turns_come_in_order() {
        let mut line = Line::default();
        let (mut first, mut second) = (line.join(), line.join());
        let mut waits = Box::pin(async { second.turn().await });
        assert_eq!(waits.as_mut().now_or_never(), None, "the first has not passed");
        assert_eq!(first.turn().now_or_never(), Some(Ok(())));
        first.pass();
        assert_eq!(waits.as_mut().now_or_never(), Some(Ok(())));
    }

    #[test]
    fn who_leaves_breaks_the_line_for_all_behind() {
        let mut line = Line::default();
        let (first, mut second, mut third) = (line.join(), line.join(), line.join());
        drop(first);
        assert_eq!(second.turn().now_or_never(), Some(Err(Broken)));
        drop(second);
        assert_eq!(third.turn().now_or_never(), Some(Err(Broken)));
    }
}
