//! What must hold: after every event, of every answer, and at the end of a run. Found the slow way, beside the product.

mod machines;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use spunto_core::check::{check, check_next};
use spunto_core::event::{Event, NodeOnline};
use spunto_core::id::{NodeId, UnitId};
use spunto_core::outcome::Outcome;
use spunto_core::record::Record;
use spunto_core::state::{NodeStatus, Org, Run, State, Unit};
use spunto_events::log::EventLog;

use crate::engine::Engine;
use crate::log::Disk;
use crate::network::Network;
use crate::people::{ORG, Told};

/// Events shown when something is wrong.
const LAST_EVENTS: usize = 25;
/// Bytes of the log read at a time.
const READ_BYTES: usize = 1 << 20;

/// Follows the log and judges it.
#[derive(Default)]
pub struct Verdict {
    /// The fold of what was judged.
    pub state: State,
    correlations: BTreeSet<u64>,
    /// Hash over every byte of the log so far.
    pub trace: blake3::Hasher,
    /// Sessions that were accepted.
    pub sessions: u64,
    last: VecDeque<String>,
    /// Nodes whose machine was given up by force: nobody looks after it any more, and only the sweep tells of it.
    given_up: BTreeSet<NodeId>,
}

fn fail<T>(what: String) -> Result<T, String> {
    Err(what)
}

impl Verdict {
    /// Judges what the log has gained.
    ///
    /// # Errors
    /// What is wrong.
    pub fn follow(&mut self, disk: &Arc<Disk>, network: &Network) -> Result<(), String> {
        while self.state.seq < disk.head().seq {
            for group in disk.read(self.state.seq + 1, READ_BYTES).map_err(|error| error.to_string())? {
                self.trace.update(&group.frames);
                for record in group.records() {
                    let record = record.map_err(|error| error.to_string())?;
                    if let Some(finding) = check_next(&self.state, &record).first() {
                        return fail(format!("{}: {}", finding.invariant, finding.what));
                    }
                    if let Event::NodeOnline(online) = &record.event {
                        self.sessions += 1;
                        self.fenced(online, network)?;
                    }
                    if let Event::NodeMachineAbandoned(abandoned) = &record.event {
                        self.given_up.insert(abandoned.node);
                    }
                    self.remember(&record);
                    self.correlations.insert(record.correlation);
                    self.state.apply(&record);
                }
                if let Some(finding) = check(&self.state).first() {
                    return fail(format!("{} after event {}: {}", finding.invariant, self.state.seq, finding.what));
                }
            }
        }
        Ok(())
    }

    fn remember(&mut self, record: &Record) {
        if self.last.len() >= LAST_EVENTS {
            self.last.pop_front();
        }
        let Record { seq, at, event, actor, .. } = record;
        let told: String = format!("{event:?}").chars().take(600).collect();
        self.last.push_back(format!("{seq} {at} {} by {actor}: {told}", event.name()));
    }

    /// The last events, for people.
    #[must_use]
    pub fn last_events(&self) -> String {
        self.last.iter().map(|line| format!("  {line}\n")).collect()
    }

    /// Only an agent with the token in force is let in.
    fn fenced(&self, online: &NodeOnline, network: &Network) -> Result<(), String> {
        let known = self.state.orgs.get(&ORG).and_then(|org| org.fleet.node(online.node));
        match (known, network.token_of(online.instance)) {
            (Some(known), Some(token)) if known.token.digest != token => {
                fail(format!("{} let in an agent whose token was rotated", online.node))
            }
            _ => Ok(()),
        }
    }

    /// Judges answers: what was acknowledged is in the log, and a repeat was answered as the first time.
    ///
    /// # Errors
    /// What is wrong.
    pub fn hear(&self, told: &[Told]) -> Result<(), String> {
        for Told { correlation, committed, repeats } in told {
            if committed.position.seq > self.state.seq {
                return fail(format!("event {} was acknowledged, but the log ends at {}", committed.position.seq, self.state.seq));
            }
            let made = committed.outcome != Outcome::Done && !committed.repeated;
            if made && !self.correlations.contains(correlation) {
                return fail(format!("{:?} was acknowledged, but nothing of it is in the log", committed.outcome));
            }
            if let Some(first) = repeats
                && (committed.outcome != first.outcome || !committed.repeated)
            {
                return fail(format!("a repeat made {:?}, the first call {:?}", committed.outcome, first.outcome));
            }
        }
        Ok(())
    }

    /// No order made two containers that ran.
    ///
    /// # Errors
    /// What is wrong.
    pub fn look(engines: &BTreeMap<NodeId, Engine>) -> Result<(), String> {
        for (node, engine) in engines {
            if let Some(operation) = engine.run_twice().first() {
                return fail(format!("on {node} two containers ran for one order, {operation}"));
            }
        }
        Ok(())
    }

    /// Judges the end, when all is well again and time has passed: the live state is the replayed one, and engines hold what the log
    /// says.
    ///
    /// # Errors
    /// What is wrong.
    pub fn end(&self, live: &State, engines: &BTreeMap<NodeId, Engine>) -> Result<(), String> {
        if *live != self.state {
            return fail(format!("the live state (event {}) is not the replayed one (event {})", live.seq, self.state.seq));
        }
        let Some(org) = self.state.orgs.get(&ORG) else { return Ok(()) };
        for (id, node) in org.fleet.nodes() {
            let Some(engine) = engines.get(&id) else { return fail(format!("{id} has no engine")) };
            if node.provision.is_some() && matches!(node.status, NodeStatus::ProvisioningFailed { .. }) && node.machine.is_none() {
                continue;
            }
            if !node.is_connected() {
                return fail(format!("{id} is not connected though all is well: {:?}", node.status));
            }
            agrees(org, id, engine)?;
        }
        Ok(())
    }
}

fn agrees(org: &Org, node: NodeId, engine: &Engine) -> Result<(), String> {
    let mut there: BTreeMap<UnitId, _> = BTreeMap::new();
    for container in engine.containers() {
        let known = org.unit(container.unit()).filter(|unit| unit.node == node && unit.run != Run::Removed);
        if known.is_none() {
            return fail(format!("{node} has {} of {}, of which the log knows nothing", container.id(), container.unit()));
        }
        there.insert(container.unit(), container);
    }
    let units = org.fleet.node(node).into_iter().flat_map(|known| known.units.iter());
    for (id, unit) in units.filter_map(|id| Some((*id, org.unit(*id)?))) {
        let Unit { run, pending, .. } = unit;
        if let Some(order) = pending {
            return fail(format!("{id} on {node} still waits for {:?}", order.task));
        }
        let running = there.get(&id).filter(|container| container.runs()).map(|container| container.id().to_owned());
        let said = if let Run::Running { container, .. } = run { Some(container.clone()) } else { None };
        if running != said {
            return fail(format!(
                "{id} on {node} is {} in the log ({said:?}), but {running:?} runs; there is {:?}",
                run.name(),
                there.get(&id)
            ));
        }
    }
    Ok(())
}
