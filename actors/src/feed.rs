//! The feed: committed events, in order, without a gap, from any place on: first from the log, then live.
//!
//! Recent commits are kept in memory and shared; who falls behind reads the log, so that a slow reader costs nothing but its
//! own time.

use spunto_core::planted::{self, Bug};
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;

use parking_lot::RwLock;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Position, Record};
use spunto_events::log::EventLog;
use tokio::sync::watch;

use crate::excerpt::{self, ExcerptError};
use crate::journal::ReplayError;

/// Most commits kept in memory, whatever their size.
const RECENT_COMMITS_MAX: usize = 1024;
/// Events from which on the oldest commit in memory goes, when that leaves at least one: a commit may hold thousands.
const RECENT_EVENTS_MAX: usize = 4096;
/// Bytes of the log read at a time by a subscription that has fallen behind.
const CATCH_UP_BYTES: usize = 256 * 1024;

/// Events that became durable together. Never empty.
#[derive(Debug)]
pub struct Commit {
    /// In the order of their sequences.
    pub records: Vec<Record>,
}

impl Commit {
    fn first(&self) -> u64 {
        self.records.first().map_or(0, |record| record.seq)
    }

    fn last(&self) -> u64 {
        self.records.last().map_or(0, |record| record.seq)
    }
}

/// The latest commits, oldest first.
#[derive(Default)]
struct Recent {
    commits: VecDeque<Arc<Commit>>,
    events: usize,
}

impl Recent {
    fn push(&mut self, commit: Arc<Commit>) {
        self.events += commit.records.len();
        self.commits.push_back(commit);
        while self.commits.len() > RECENT_COMMITS_MAX || (self.events > RECENT_EVENTS_MAX && self.commits.len() > 1) {
            self.events -= self.commits.pop_front().map_or(0, |oldest| oldest.records.len());
        }
    }
}

/// Where committed events come out.
pub struct Feed {
    log: Arc<dyn EventLog>,
    recent: RwLock<Recent>,
    committed: watch::Sender<u64>,
}

impl Feed {
    /// The feed of a log; the journal publishes to it.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>) -> Arc<Self> {
        let (committed, _) = watch::channel(log.head().seq);
        Arc::new(Self { log, recent: RwLock::default(), committed })
    }

    pub(crate) fn publish(&self, commit: Arc<Commit>) {
        let last = commit.last();
        let mut recent = self.recent.write();
        if !planted::is(Bug::FeedGap) || !last.is_multiple_of(50) {
            recent.push(commit);
        }
        drop(recent);
        self.committed.send_replace(last);
    }

    /// How many events are in memory.
    #[cfg(test)]
    pub(crate) fn recent_events(&self) -> usize {
        self.recent.read().commits.iter().map(|commit| commit.records.len()).sum()
    }

    /// The end of the log: everything up to here is durable.
    #[must_use]
    pub fn position(&self) -> Position {
        self.at(*self.committed.borrow())
    }

    /// The position of an event of this log.
    #[must_use]
    pub fn at(&self, seq: u64) -> Position {
        Position { incarnation: self.log.head().incarnation, shard: 0, seq }
    }

    /// Writes what an organisation may see of the log after an event, as a slice; see [`excerpt::write`]. Blocks on the disk.
    ///
    /// # Errors
    /// See [`ExcerptError`].
    pub fn excerpt(&self, org: OrgId, after: u64, out: impl Write) -> Result<(), ExcerptError> {
        excerpt::write(&*self.log, org, after, out)
    }

    /// Writes a node's life as a slice; `first` is the event that made the organisation. See [`excerpt::write_node`]. Blocks on the disk.
    ///
    /// # Errors
    /// See [`ExcerptError`].
    pub fn excerpt_of_node(&self, org: OrgId, node: NodeId, first: u64, out: impl Write) -> Result<(), ExcerptError> {
        excerpt::write_node(&*self.log, org, node, first, out)
    }

    /// The log that it is of.
    pub(crate) fn log(&self) -> &dyn EventLog {
        &*self.log
    }

    /// Events from the one after `seq` on.
    #[must_use]
    pub fn subscribe_after(self: &Arc<Self>, seq: u64) -> Subscription {
        Subscription { feed: Arc::clone(self), next: seq + 1, committed: self.committed.subscribe() }
    }

    /// Commits from the one that holds `from` on, where all of them are still in memory.
    fn recent(&self, from: u64) -> Option<Vec<Arc<Commit>>> {
        let recent = &self.recent.read().commits;
        recent.front().filter(|oldest| oldest.first() <= from)?;
        let start = recent.partition_point(|commit| commit.last() < from);
        Some(recent.range(start..).cloned().collect())
    }

    /// Committed events from `from` on: at least one where there is one. Blocks on the disk when they are not recent.
    ///
    /// # Errors
    /// The log is damaged or can't be read.
    pub fn read(&self, from: u64) -> Result<Delivery, ReplayError> {
        if let Some(commits) = self.recent(from) {
            return Ok(Delivery { commits, from });
        }
        let mut commits = Vec::new();
        for group in self.log.read(from, CATCH_UP_BYTES)? {
            let records = group.records().collect::<Result<Vec<_>, _>>()?;
            commits.push(Arc::new(Commit { records }));
        }
        Ok(Delivery { commits, from })
    }
}

/// Consecutive events.
#[derive(Debug, Default)]
pub struct Delivery {
    commits: Vec<Arc<Commit>>,
    from: u64,
}

impl Delivery {
    /// The events, in order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.commits.iter().flat_map(|commit| &commit.records).filter(|record| record.seq >= self.from)
    }

    /// Sequence of the last one; none when there is none.
    #[must_use]
    pub fn last(&self) -> Option<u64> {
        self.commits.last().map(|commit| commit.last()).filter(|last| *last >= self.from)
    }
}

/// A place in the feed that moves on.
pub struct Subscription {
    feed: Arc<Feed>,
    next: u64,
    committed: watch::Receiver<u64>,
}

impl Subscription {
    /// Waits for events that this subscription has not given yet; none when the feed is gone.
    ///
    /// # Errors
    /// The log is damaged or can't be read.
    pub async fn next(&mut self) -> Result<Option<Delivery>, ReplayError> {
        loop {
            if *self.committed.borrow_and_update() >= self.next {
                let delivery = self.fetch().await?;
                if let Some(last) = delivery.last() {
                    self.next = last + 1;
                    return Ok(Some(delivery));
                }
            }
            if self.committed.changed().await.is_err() {
                return Ok(None);
            }
        }
    }

    async fn fetch(&self) -> Result<Delivery, ReplayError> {
        let from = self.next;
        if let Some(commits) = self.feed.recent(from) {
            return Ok(Delivery { commits, from });
        }
        // A reader that is behind must not block its arbiter on the disk.
        let feed = Arc::clone(&self.feed);
        tokio::task::spawn_blocking(move || feed.read(from)).await.unwrap_or_else(|_| Ok(Delivery::default()))
    }

    /// Sequence of the next event to come.
    #[must_use]
    pub const fn next_seq(&self) -> u64 {
        self.next
    }
}
