//! Whether a state holds together: what must be true after every event, checked the slow and obvious way. Findings, not panics:
//! simulations and tools for debugging decide what to do with them.

use crate::access::KeyOwner;
use crate::id::{NodeId, OrgId, UnitId};
use crate::record::Record;
use crate::state::{Node, NodeStatus, Org, State, Unit};

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Number of the invariant in `ARCHITECTURE.md`.
    pub invariant: &'static str,
    /// What was found.
    pub what: String,
}

fn finding(invariant: &'static str, what: String) -> Finding {
    Finding { invariant, what }
}

/// Everything that is wrong with a state.
#[must_use]
pub fn check(state: &State) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, org) in &state.orgs {
        check_org(*id, org, &mut findings);
    }
    findings
}

fn units(org: &Org) -> impl Iterator<Item = (UnitId, &Unit)> {
    let workers = org.workers.iter().map(|(id, worker)| (UnitId::Worker(*id), &worker.unit));
    let services = org.deployments.values().flat_map(|deployment| deployment.services.iter());
    workers.chain(services.map(|(id, service)| (UnitId::Service(*id), &service.unit)))
}

fn check_org(id: OrgId, org: &Org, findings: &mut Vec<Finding>) {
    for (unit, known) in units(org) {
        match org.fleet.node(known.node) {
            None => findings.push(finding("INV-09", format!("{unit} of {id} is on {}, which is not known", known.node))),
            Some(node) if !node.units.contains(&unit) => {
                findings.push(finding("INV-09", format!("{unit} of {id} is on {}, which does not know it", known.node)));
            }
            Some(_) => {}
        }
    }
    for (node_id, node) in org.fleet.nodes() {
        check_node(org, node_id, node, findings);
    }
    for (name, worker) in &org.worker_names {
        if org.workers.get(worker).is_none_or(|known| (known.project, &known.name) != (name.0, &name.1)) {
            findings.push(finding("INV-03", format!("the name {} finds {worker}, which has it not", name.1)));
        }
    }
    if org.worker_names.len() != org.workers.len() {
        findings.push(finding("INV-03", format!("{} workers have {} names", org.workers.len(), org.worker_names.len())));
    }
    for (node_id, node) in org.fleet.nodes() {
        if let Some(machine) = &node.machine
            && !org.credentials.contains_key(&machine.credential)
        {
            findings.push(finding("INV-22", format!("{node_id} has a machine of {}, which is not known", machine.credential)));
        }
    }
    for (key, known) in &org.keys {
        if let KeyOwner::User(user) = known.owner
            && !org.members.contains_key(&user)
        {
            findings.push(finding("INV-03", format!("{key} belongs to {user}, who is no member")));
        }
    }
}

fn check_node(org: &Org, id: NodeId, node: &Node, findings: &mut Vec<Finding>) {
    let counting = || node.units.iter().filter_map(|unit| org.unit(*unit)).filter(|unit| unit.run.counts());
    if node.load as usize != counting().count() {
        findings.push(finding("INV-04", format!("{id} has load {}, but {} units count", node.load, counting().count())));
    }
    let cpu_millis: u64 = counting().map(|unit| u64::from(unit.spec.cpu_millis.unwrap_or(0))).sum();
    if node.cpu_millis_reserved != cpu_millis {
        findings.push(finding("INV-04", format!("{id} reserves {} of CPU, its units {cpu_millis}", node.cpu_millis_reserved)));
    }
    for unit in &node.units {
        if org.unit(*unit).is_none_or(|known| known.node != id) {
            findings.push(finding("INV-09", format!("{id} knows {unit}, which is not there")));
        }
    }
    if node.epoch == 0 && node.is_connected() {
        findings.push(finding("INV-05", format!("{id} is connected without ever having been")));
    }
}

/// Everything that is wrong with an event that follows `before`: its place, its time, and what it may say there.
#[must_use]
pub fn check_next(before: &State, record: &Record) -> Vec<Finding> {
    let mut findings = Vec::new();
    if record.seq != before.seq + 1 {
        findings.push(finding("INV-11", format!("event {} follows {}", record.seq, before.seq)));
    }
    if record.at < before.at {
        findings.push(finding("INV-03", format!("event {} is of {}, before {}", record.seq, record.at, before.at)));
    }
    let version = before.stream_version(record.org, record.stream) + 1;
    if record.stream_version != version {
        findings
            .push(finding("INV-03", format!("event {} has version {} of its stream, not {version}", record.seq, record.stream_version)));
    }
    let Some(org) = record.org.and_then(|org| before.orgs.get(&org)) else { return findings };
    check_speaker(org, record, &mut findings);
    check_placement(org, record, &mut findings);
    check_machine(org, record, &mut findings);
    findings
}

/// A node has one machine at most, intended before it is ordered, and no node goes while its machine may exist.
fn check_machine(org: &Org, record: &Record, findings: &mut Vec<Finding>) {
    use crate::event::Event;
    let crate::record::StreamId::Node(id) = record.stream else { return };
    let Some(node) = org.fleet.node(id) else { return };
    let machine = node.machine.as_deref();
    let wrong = match &record.event {
        Event::NodeMachineIntended(_) => machine.map(|machine| format!("a second machine beside that of attempt {}", machine.attempt)),
        Event::NodeMachineOrdered(e) if machine.is_none_or(|machine| machine.attempt != e.attempt) => {
            Some(format!("a machine of attempt {} that was never intended", e.attempt))
        }
        Event::NodeMachineRemoved(_) if machine.is_none_or(|machine| machine.removal.is_none()) => {
            Some("the end of a removal that was never begun".to_owned())
        }
        Event::NodeDeleted(_) if machine.is_some() => Some("its end, while its machine may exist".to_owned()),
        Event::NodeOnline(_)
            if machine.is_some_and(|machine| machine.removal.is_some()) && !matches!(node.status, NodeStatus::Deleting { .. }) =>
        {
            Some("a session, while its machine goes".to_owned())
        }
        _ => None,
    };
    findings.extend(wrong.map(|what| finding("INV-22", format!("event {} tells of {id} {what}", record.seq))));
}

/// What a node's agent says counts only within its session, and each session has the next number.
fn check_speaker(org: &Org, record: &Record, findings: &mut Vec<Finding>) {
    use crate::event::Event;
    let crate::record::Actor::Node(id) = record.actor else { return };
    let Some(node) = org.fleet.node(id) else { return };
    match &record.event {
        Event::NodeOnline(online) if online.epoch != node.epoch + 1 => {
            findings.push(finding("INV-05", format!("session {} of {id} follows {}", online.epoch, node.epoch)));
        }
        Event::NodeOnline(_) | Event::NodeConnectionRefused(_) => {}
        // A new machine tells of its start before it may have a session.
        Event::NodeEnrolled(_) | Event::NodeProgressReported(_) | Event::NodeProvisioningFailed(_) => {}
        event if !node.is_connected() && !matches!(node.status, NodeStatus::Deleting { .. }) => {
            findings.push(finding("INV-05", format!("{id} told {} without a session", event.name())));
        }
        _ => {}
    }
}

/// Whether a node takes new units; said here a second time, so that a mistake in the rules is seen.
const fn takes_units(node: &Node) -> bool {
    matches!(node.status, NodeStatus::Online { .. }) && node.maintenance.is_none()
}

/// The least-loaded node that is ready takes the unit; found here by looking at all of them.
fn check_placement(org: &Org, record: &Record, findings: &mut Vec<Finding>) {
    use crate::event::Event;
    let receipt = match &record.event {
        Event::WorkerCreated(created) => &created.receipt,
        Event::DeploymentCreated(created) => &created.receipt,
        _ => return,
    };
    let chosen = receipt.chosen.node;
    match org.fleet.node(chosen) {
        Some(node) if takes_units(node) => {}
        _ => findings.push(finding("INV-16", format!("event {} places on {chosen}, which is not ready", record.seq))),
    }
    if receipt.cpu_millis > 0 || receipt.memory_bytes > 0 || receipt.labels > 0 || receipt.node_requested {
        return;
    }
    let ready = org.fleet.nodes().filter(|(_, node)| takes_units(node));
    let best = ready.map(|(id, node)| (node.load, node.last_placed, id)).min();
    if best.is_some_and(|(.., best)| best != chosen) {
        findings.push(finding("INV-16", format!("event {} places on {chosen}, not on the least loaded", record.seq)));
    }
}
