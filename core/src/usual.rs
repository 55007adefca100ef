//! How long each line of a provision usually takes at a provider: folded from the log, from attempts that got past the line.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::record::{Record, StreamId};
use crate::state::State;
use crate::stepper::{Line, LineState, lines};

/// Newest times kept for each provider and line.
pub const SAMPLES_MAX: usize = 200;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsualTimes {
    samples: BTreeMap<String, BTreeMap<Line, VecDeque<u64>>>,
}

/// What is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usual {
    /// Half of the attempts were at least so quick.
    pub p50_ms: u64,
    /// 19 of 20 attempts were at least so quick.
    pub p95_ms: u64,
    /// From so many attempts.
    pub attempts: usize,
}

impl UsualTimes {
    /// Learns from an event; `after` is the state with it applied.
    pub fn note(&mut self, after: &State, record: &Record) {
        let line = match record.event {
            Event::NodeCredentialVerified(_) => Line::CredentialVerified,
            Event::NodeMachineCreated(_) => Line::MachineCreated,
            Event::NodeEnrolled(_) => Line::AgentHandshake,
            Event::NodeOnline(_) => Line::NodeOnline,
            _ => return,
        };
        let StreamId::Node(node) = record.stream else { return };
        let known = record.org.and_then(|org| after.orgs.get(&org)?.fleet.node(node)?.provision.as_ref());
        let Some(provision) = known else { return };
        // Later sessions of the node end no line.
        let ended = lines(provision)
            .into_iter()
            .find(|times| times.line == line && times.state == LineState::Done && times.ended_at == Some(record.at));
        let Some(took) = ended.and_then(|times| times.took_ms()) else { return };
        let samples = self.samples.entry(provision.wish.provider.clone()).or_default().entry(line).or_default();
        samples.push_back(took);
        if samples.len() > SAMPLES_MAX {
            samples.pop_front();
        }
    }

    /// What is usual for a line at a provider; none before the first attempt got past it.
    #[must_use]
    pub fn of(&self, provider: &str, line: Line) -> Option<Usual> {
        let mut sorted: Vec<u64> = self.samples.get(provider)?.get(&line)?.iter().copied().collect();
        sorted.sort_unstable();
        // Nearest rank: with few samples, a time that there was.
        let rank = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Usual { p50_ms: rank(50)?, p95_ms: rank(95)?, attempts: sorted.len() })
    }
}
