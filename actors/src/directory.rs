//! The directory: the state as readers see it, folded from the feed on its own thread, so that reads never queue behind writes.

use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use spunto_core::state::State;
use tokio::sync::watch;
use tracing::error;

use crate::feed::Feed;
use crate::journal::ReplayError;
pub use crate::view::{Deed, View};

/// The latest view of the log. Clones share it.
#[derive(Clone)]
pub struct Directory {
    view: Arc<RwLock<View>>,
    feed: Arc<Feed>,
    applied: watch::Receiver<u64>,
}

impl Directory {
    /// Folds the feed from where `view` stands to its present end, then goes on with it on a thread of its own.
    ///
    /// # Errors
    /// The log is damaged, or holds an event that this version does not know.
    pub fn start(feed: &Arc<Feed>, view: View) -> Result<Self, ReplayError> {
        let (directory, follow) = Self::start_here(feed, view)?;
        let follow = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers needs nothing");
            runtime.block_on(follow);
        };
        std::thread::Builder::new()
            .name("directory".into())
            .spawn(follow)
            .expect("the operating system gives the process one more thread at start");
        Ok(directory)
    }

    /// The same without a thread, for simulations: whoever polls the future goes on with the feed.
    ///
    /// # Errors
    /// See [`Self::start`].
    pub fn start_here(feed: &Arc<Feed>, mut view: View) -> Result<(Self, impl Future<Output = ()> + use<>), ReplayError> {
        let end = feed.position().seq;
        while view.state.seq < end {
            let delivery = feed.read(view.state.seq + 1)?;
            delivery.records().for_each(|record| view.apply(record));
        }
        let (progress, applied) = watch::channel(view.state.seq);
        let directory = Self { view: Arc::new(RwLock::new(view)), feed: Arc::clone(feed), applied };
        let follower = directory.clone();
        Ok((directory, async move { follower.follow(&progress).await }))
    }

    async fn follow(&self, progress: &watch::Sender<u64>) {
        let mut subscription = self.feed.subscribe_after(*progress.borrow());
        loop {
            match subscription.next().await {
                Ok(Some(delivery)) => {
                    let mut view = self.view.write();
                    delivery.records().for_each(|record| view.apply(record));
                    let seq = view.state.seq;
                    drop(view);
                    progress.send_replace(seq);
                }
                Ok(None) => return,
                Err(failure) => return error!(%failure, "the directory stands still: the log can't be read"),
            }
        }
    }

    /// The view at this moment. Hold it briefly: the fold waits meanwhile.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        self.view.read()
    }

    /// The state as of a moment ago, for a short question.
    pub fn read<T>(&self, question: impl FnOnce(&State) -> T) -> T {
        question(&self.view.read().state)
    }

    /// Waits until the view holds the event with this sequence; false when it never will, as the fold has stopped.
    pub async fn reach(&self, seq: u64) -> bool {
        self.applied.clone().wait_for(|applied| *applied >= seq).await.is_ok()
    }

    /// Waits until the view holds an event after this one; its last event then, or none when the fold has stopped.
    pub(crate) async fn pass(&self, seq: u64) -> Option<u64> {
        self.applied.clone().wait_for(|applied| *applied > seq).await.ok().map(|applied| *applied)
    }

    /// The feed it folds.
    #[must_use]
    pub const fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }
}
