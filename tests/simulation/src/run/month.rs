//! A month of a large fleet on a real log: weeks of wall clock in minutes, faults and crashes included, and what the live server
//! showed at random moments, to be compared with what the log tells of them later.

use std::path::Path;
use std::time::Duration;

use spunto_events::codec::encode_snapshot;
use spunto_events::log::sled::{LogOptions, SledLog};
use tokio::time::sleep;

use super::{World, in_its_own_time};
use crate::log::Disk;
use crate::people::Size;

const SEED: u64 = 20_261_125;
const MONTH_MS: u64 = 30 * 86_400_000;
/// Nodes to which something happens in a step is one in so many.
const CALM_NODES: usize = 25;
/// Steps between two in which something may happen to the server: with a long log a start costs as much as a hundred steps.
const CALM_STEPS: u64 = 20;
/// Steps without a new event after which a run gives up.
const IDLE_STEPS_MAX: u32 = 10_000;

/// What the live server showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// After this event.
    pub seq: u64,
    /// Its state, by the hash of every byte of it.
    pub state: blake3::Hash,
    /// Everything that readers ask: the state, the usual times, timelines and deeds. By the hash of every byte.
    pub view: blake3::Hash,
}

/// What a month was like.
#[derive(Clone, Debug)]
pub struct Month {
    /// Events in its log.
    pub events: u64,
    /// Nodes at its end.
    pub nodes: usize,
    /// Sessions accepted.
    pub sessions: u64,
    /// What was seen at random moments, oldest first, and at the end.
    pub seen: Vec<Seen>,
}

/// The hash of a state.
///
/// # Errors
/// It is too large to be written.
pub fn hash_of(state: &spunto_core::state::State) -> Result<blake3::Hash, String> {
    Ok(blake3::hash(&encode_snapshot(state).map_err(|fault| fault.to_string())?))
}

/// Lives a month of `nodes` nodes and at least `events` events into a new log at `directory`, and looks `looks` times.
///
/// # Errors
/// What is wrong.
pub fn live(directory: &Path, nodes: usize, events: u64, looks: u64) -> Result<Month, String> {
    let options = LogOptions { segment_events_max: events / 5, reserve_bytes: 0, ..LogOptions::default() };
    let log = SledLog::open(directory, options).map_err(|error| error.to_string())?;
    let disk = Disk::with(Box::new(log));
    in_its_own_time(SEED, async {
        let mut world = World::new(SEED, disk, Size { nodes_max: nodes, units_max: 3 * nodes });
        let month = world.month(nodes, events, looks).await;
        world.leave();
        month.map_err(|what| format!("{what}\nthe last events:\n{}", world.verdict.last_events()))
    })
}

impl World {
    async fn month(&mut self, nodes: usize, events: u64, looks: u64) -> Result<Month, String> {
        self.start_server();
        if let Some(server) = &self.server {
            self.people.begin(server, &self.clock);
            sleep(Duration::from_secs(1)).await;
            self.people.settle(server, &self.clock);
            sleep(Duration::from_secs(1)).await;
        }
        self.judge()?;
        let mut wanted: Vec<u64> = (0..looks).map(|_| self.verdict.state.seq + self.faults.seed.below(events)).collect();
        wanted.sort_unstable();
        wanted.reverse();
        let mut seen: Vec<Seen> = Vec::new();
        let (mut step, mut idle) = (0, 0);
        while self.verdict.state.seq < events {
            let before = self.verdict.state.seq;
            step += 1;
            self.busy_step(step, nodes);
            sleep(Duration::from_millis(self.faults.seed.between(0, 250))).await;
            self.judge().map_err(|what| format!("step {step}: {what}"))?;
            self.pass_time(before, events);
            idle = if self.verdict.state.seq == before { idle + 1 } else { 0 };
            if idle > IDLE_STEPS_MAX {
                return Err(format!("nothing happens after event {before}"));
            }
            if wanted.last().is_some_and(|seq| *seq <= self.verdict.state.seq)
                && seen.last().is_none_or(|last| last.seq < self.verdict.state.seq)
                && let Some(now) = self.look()?
            {
                seen.push(now);
                // One look for each that was wanted: the rest of a burst is made up for in the next steps.
                wanted.pop();
            }
        }
        self.heal().await;
        self.judge().map_err(|what| format!("healing: {what}"))?;
        seen.extend(self.look()?);
        let server = self.server.clone().ok_or("no server after healing")?;
        server.directory.read(|live| self.verdict.end(live, &self.engines)).map_err(|what| format!("the end: {what}"))?;
        let nodes = self.verdict.state.orgs.values().map(|org| org.fleet.nodes().len()).sum();
        Ok(Month { events: self.verdict.state.seq, nodes, sessions: self.verdict.sessions, seen })
    }

    /// What many people do at the same time, and what happens to many nodes.
    fn busy_step(&mut self, step: u64, nodes: usize) {
        self.keep_server();
        self.keep_agents();
        if let Some(server) = self.server.clone() {
            (0..1 + nodes / 16).for_each(|_| self.people.ask(&server, &self.clock));
            self.people.repeat(&server, &self.clock);
        }
        if step.is_multiple_of(CALM_STEPS) {
            self.break_server();
        }
        (0..1 + nodes / CALM_NODES).for_each(|_| self.break_nodes());
    }

    /// The share of the month that these events stand for passes on the wall clock alone: nobody waits for it.
    fn pass_time(&self, before: u64, events: u64) {
        let ms = (self.verdict.state.seq - before) * MONTH_MS / events;
        self.clock.jump(i64::try_from(ms).unwrap_or(0));
    }

    /// What the server shows now; nothing while it is away.
    fn look(&self) -> Result<Option<Seen>, String> {
        let Some(server) = &self.server else { return Ok(None) };
        let view = server.directory.view();
        let bytes = view.encode().map_err(|fault| fault.to_string())?;
        Ok(Some(Seen { seq: view.state.seq, state: hash_of(&view.state)?, view: blake3::hash(&bytes) }))
    }
}
