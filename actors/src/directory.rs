//! The directory: the state as readers see it, folded from the feed on its own thread, so that reads never queue behind writes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::{RwLock, RwLockReadGuard};
use spunto_core::event::Event;
use spunto_core::id::OrgId;
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::state::State;
use spunto_core::usual::UsualTimes;
use tokio::sync::watch;
use tracing::error;

use crate::feed::Feed;
use crate::journal::ReplayError;

/// What readers see.
#[derive(Default)]
pub struct View {
    /// The fold of every event so far.
    pub state: State,
    /// How long provisions usually take.
    pub usual: UsualTimes,
    timelines: HashMap<StreamId, Vec<u64>>,
    deeds: HashMap<OrgId, Vec<Deed>>,
    /// Equal addresses share one text.
    addresses: HashSet<Arc<str>>,
}

/// An event that somebody caused: a person, a key, or the operator.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// The event.
    pub seq: u64,
    /// Who.
    pub actor: Actor,
    /// From where, as far as known.
    pub address: Option<Arc<str>>,
}

impl View {
    /// Sequences of a stream's events, oldest first.
    #[must_use]
    pub fn timeline(&self, stream: StreamId) -> &[u64] {
        self.timelines.get(&stream).map_or(&[], Vec::as_slice)
    }

    /// What people, keys and the operator did in an organisation, oldest first.
    #[must_use]
    pub fn deeds(&self, org: OrgId) -> &[Deed] {
        self.deeds.get(&org).map_or(&[], Vec::as_slice)
    }

    fn apply(&mut self, record: &Record) {
        self.state.apply(record);
        self.usual.note(&self.state, record);
        self.timelines.entry(record.stream).or_default().push(record.seq);
        self.note_deed(record);
    }

    fn note_deed(&mut self, record: &Record) {
        let somebody = matches!(record.actor, Actor::User(_) | Actor::ApiKey(_) | Actor::Operator);
        let of_the_request = matches!(record.event, Event::ActorSeen(_) | Event::RequestRecorded(_));
        if !somebody || of_the_request {
            return;
        }
        let (actor, seq) = (record.actor, record.seq);
        let Some(org) = record.org else { return self.note_sign_in(record) };
        let address = self.state.orgs.get(&org).and_then(|org| org.addresses.get(&actor)).cloned();
        let address = address.map(|address| self.shared(&address));
        self.deeds.entry(org).or_default().push(Deed { seq, actor, address });
    }

    /// Signing in belongs to no organisation: everyone's of the person shows it.
    fn note_sign_in(&mut self, record: &Record) {
        let (user, address) = match &record.event {
            Event::SessionStarted(started) => (started.user, Some(self.shared(&started.address))),
            Event::UserPasswordSet(set) => (set.user, None),
            _ => return,
        };
        let theirs = self.state.orgs.iter().filter(|(_, org)| org.members.contains_key(&user));
        for (org, _) in theirs {
            let deed = Deed { seq: record.seq, actor: record.actor, address: address.clone() };
            self.deeds.entry(*org).or_default().push(deed);
        }
    }

    fn shared(&mut self, address: &str) -> Arc<str> {
        if let Some(known) = self.addresses.get(address) {
            return Arc::clone(known);
        }
        let new: Arc<str> = address.into();
        self.addresses.insert(Arc::clone(&new));
        new
    }
}

/// The latest view of the log. Clones share it.
#[derive(Clone)]
pub struct Directory {
    view: Arc<RwLock<View>>,
    feed: Arc<Feed>,
    applied: watch::Receiver<u64>,
}

impl Directory {
    /// Folds the feed from its beginning to its present end, then goes on with it on a thread of its own.
    ///
    /// # Errors
    /// The log is damaged, or holds an event that this version does not know.
    pub fn start(feed: &Arc<Feed>) -> Result<Self, ReplayError> {
        let (directory, follow) = Self::start_here(feed)?;
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
    pub fn start_here(feed: &Arc<Feed>) -> Result<(Self, impl Future<Output = ()> + use<>), ReplayError> {
        let mut view = View::default();
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

    /// The feed it folds.
    #[must_use]
    pub const fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }
}
