//! What readers see: the state, and by stream and organisation what happened. A fold of the log, like the state in it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spunto_core::event::Event;
use spunto_core::id::{NodeId, OrgId};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::state::State;
use spunto_core::usual::UsualTimes;
use spunto_events::codec::{self, SnapshotFault};

/// What readers see.
#[derive(Default)]
pub struct View {
    /// The fold of every event so far.
    pub state: State,
    /// How long provisions usually take.
    pub usual: UsualTimes,
    timelines: HashMap<StreamId, Vec<u64>>,
    /// What was ever placed on each node, oldest first.
    tenants: HashMap<NodeId, Vec<StreamId>>,
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

    /// Workers and deployments that were ever placed on a node, oldest first, gone ones too.
    #[must_use]
    pub fn tenants(&self, node: NodeId) -> &[StreamId] {
        self.tenants.get(&node).map_or(&[], Vec::as_slice)
    }

    /// What people, keys and the operator did in an organisation, oldest first.
    #[must_use]
    pub fn deeds(&self, org: OrgId) -> &[Deed] {
        self.deeds.get(&org).map_or(&[], Vec::as_slice)
    }

    /// Moves the view one event on.
    pub fn apply(&mut self, record: &Record) {
        self.state.apply(record);
        self.usual.note(&self.state, record);
        self.timelines.entry(record.stream).or_default().push(record.seq);
        match &record.event {
            Event::WorkerCreated(e) => self.tenants.entry(e.node).or_default().push(record.stream),
            Event::DeploymentCreated(e) => self.tenants.entry(e.node).or_default().push(record.stream),
            _ => {}
        }
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

/// A view as snapshots keep it: in one order, so that equal views are equal bytes.
#[derive(Serialize)]
struct Kept<'a> {
    state: &'a State,
    usual: &'a UsualTimes,
    timelines: Vec<(StreamId, &'a [u64])>,
    tenants: BTreeMap<NodeId, &'a [StreamId]>,
    addresses: &'a [&'a str],
    deeds: BTreeMap<OrgId, Vec<KeptDeed>>,
}

/// The same, to be read.
#[derive(Deserialize)]
struct Found {
    state: State,
    usual: UsualTimes,
    timelines: Vec<(StreamId, Vec<u64>)>,
    tenants: BTreeMap<NodeId, Vec<StreamId>>,
    addresses: Vec<String>,
    deeds: BTreeMap<OrgId, Vec<KeptDeed>>,
}

/// A deed; its address by its place among the addresses.
#[derive(Serialize, Deserialize)]
struct KeptDeed(u64, Actor, Option<u32>);

impl View {
    /// The view in bytes.
    ///
    /// # Errors
    /// It is too large for a snapshot.
    pub fn encode(&self) -> Result<Vec<u8>, SnapshotFault> {
        let mut timelines: Vec<_> = self.timelines.iter().map(|(stream, seqs)| (*stream, seqs.as_slice())).collect();
        timelines.sort_unstable_by_key(|(stream, _)| *stream);
        let mut addresses: Vec<&str> = self.addresses.iter().map(AsRef::as_ref).collect();
        addresses.sort_unstable();
        let place = |address: &Arc<str>| addresses.binary_search(&address.as_ref()).ok().and_then(|place| u32::try_from(place).ok());
        let keep = |deed: &Deed| KeptDeed(deed.seq, deed.actor, deed.address.as_ref().and_then(place));
        let deeds = self.deeds.iter().map(|(org, deeds)| (*org, deeds.iter().map(keep).collect())).collect();
        let tenants = self.tenants.iter().map(|(node, streams)| (*node, streams.as_slice())).collect();
        codec::encode_snapshot(&Kept { state: &self.state, usual: &self.usual, timelines, tenants, addresses: &addresses, deeds })
    }

    /// The view that these bytes were made of.
    ///
    /// # Errors
    /// They are of another shape.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotFault> {
        let Found { state, usual, timelines, tenants, addresses, deeds } = codec::decode_snapshot(bytes)?;
        let addresses: Vec<Arc<str>> = addresses.into_iter().map(Arc::from).collect();
        let address = |place: u32| addresses.get(usize::try_from(place).ok()?).cloned();
        let deed = |KeptDeed(seq, actor, place): KeptDeed| Deed { seq, actor, address: place.and_then(address) };
        let deeds = deeds.into_iter().map(|(org, deeds)| (org, deeds.into_iter().map(deed).collect())).collect();
        let (timelines, tenants) = (timelines.into_iter().collect(), tenants.into_iter().collect());
        Ok(Self { state, usual, timelines, tenants, deeds, addresses: addresses.into_iter().collect() })
    }
}
