//! A log of two organisations in which everything happens, made by dice within the rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use spunto_core::command::{AccountCommand, AgentReport, Command, DeploymentCommand, NewService, NodeCommand, Request, WorkerCommand};
use spunto_core::decide::decide;
use spunto_core::event::{Exited, MachineFacts, OfflineReason, RestartPolicy, UnitSpec, UnitStep};
use spunto_core::id::{OperationId, ServiceId, UnitId, UserId};
use spunto_core::observe::Observed;
use spunto_core::record::{Actor, Record};
use spunto_core::token::SecretDigest;
use spunto_events::group::Group;
use spunto_events::log::sled::{LogOptions, SledLog};
use tempfile::TempDir;

use super::super::*;
use crate::feed::Feed;
use crate::view::View;

pub(super) const ORGS: [OrgId; 2] = [OrgId::from_u64(1), OrgId::from_u64(2)];
const OWNER: UserId = UserId::from_u64(3);
/// Segments of a few groups, so that events are read from sealed ones, from the active one, and from what only the tail holds.
const OPTIONS: LogOptions =
    LogOptions { segment_events_max: 150, segment_bytes_max: 1 << 20, tail_area_bytes: 0, absorb_bytes: 4 << 10, reserve_bytes: 0 };

/// Numbers from a seed.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A log and all of its records.
pub(super) struct History {
    pub(super) directory: Directory,
    pub(super) log: Arc<SledLog>,
    pub(super) records: Vec<Record>,
    _data: TempDir,
}

pub(super) fn project(org: OrgId) -> ProjectId {
    ProjectId::from_u64(10 + org.as_u64())
}

fn digest(number: u64) -> SecretDigest {
    SecretDigest::from_bytes([number.to_le_bytes()[0]; 32])
}

fn spec(dice: &mut Dice) -> UnitSpec {
    UnitSpec {
        image: "app:1".into(),
        command: Vec::new(),
        env_names: Vec::new(),
        cpu_millis: Some(u32::try_from(dice.roll(3)).unwrap() * 100).filter(|millis| *millis > 0),
        memory_bytes: None,
        restart: RestartPolicy::No,
    }
}

fn on_node(dice: &mut Dice, state: &State, org: OrgId, node: NodeId, fresh: u64) -> Command {
    let known = state.orgs.get(&org).and_then(|org| org.fleet.node(node));
    let epoch = known.map_or(0, |node| node.epoch);
    let connected = known.is_some_and(spunto_core::state::Node::is_connected);
    Command::Node(
        org,
        node,
        match dice.roll(if known.is_some_and(|node| node.load > 0) { 12 } else { 16 }) {
            0 | 1 => NodeCommand::Create { name: format!("n{fresh}"), labels: BTreeMap::new(), token_digest: digest(fresh) },
            2..=5 => NodeCommand::AcceptSession {
                token_version: known.map_or(1, |node| node.token.version),
                instance: 7,
                agent_version: "1".into(),
                protocol: 1,
                address: "198.51.100.7".into(),
                facts: MachineFacts { cpus: 64, memory_bytes: 64 << 30, ..MachineFacts::default() },
            },
            6 => NodeCommand::EndAgentSession { epoch, reason: OfflineReason::NoAnswer },
            7 => NodeCommand::Drain { reason: "kernel".into() },
            8 => NodeCommand::Undrain,
            9 => NodeCommand::StartMaintenance { reason: "disk".into() },
            10 => NodeCommand::EndMaintenance,
            11 => NodeCommand::Update { name: Some(format!("n{fresh}")), labels: None },
            12 => NodeCommand::FinishDeletion,
            13 => NodeCommand::Delete { forced: dice.roll(2) == 0, connected },
            _ => NodeCommand::RotateToken { token_version: known.map_or(1, |node| node.token.version) + 1, token_digest: digest(fresh) },
        },
    )
}

fn observed(dice: &mut Dice, now: Timestamp) -> Observed {
    match dice.roll(7) {
        0..=2 => Observed::Started { container: "c".into(), image_digest: "sha256:1".into(), started_at: now },
        3 => Observed::Failed { step: UnitStep::PullImage, message: "no such image".into() },
        4 => Observed::Exited(Exited { code: 1, oom_killed: false, message: String::new(), finished_at: now }),
        5 => Observed::Stopped,
        _ => Observed::Removed,
    }
}

/// What an agent reports of one of its units.
fn report(dice: &mut Dice, state: &State, org: OrgId, now: Timestamp) -> Option<Command> {
    let known = state.orgs.get(&org)?;
    let workers = known.workers.iter().map(|(id, worker)| (UnitId::Worker(*id), &worker.unit));
    let services = known.deployments.values().flat_map(|deployment| &deployment.services);
    let units: Vec<_> = workers.chain(services.map(|(id, service)| (UnitId::Service(*id), &service.unit))).collect();
    let (id, unit) = units.get(usize::try_from(dice.roll(units.len().max(1) as u64)).unwrap())?;
    let operation = unit.pending.map_or(OperationId::from_u64(1), |order| order.operation);
    let observed = observed(dice, now);
    let epoch = known.fleet.node(unit.node)?.epoch;
    Some(Command::Agent(org, unit.node, epoch, AgentReport::Observed { unit: *id, operation, observed }))
}

fn on_unit(dice: &mut Dice, state: &State, org: OrgId, fresh: u64) -> Option<Command> {
    let known = state.orgs.get(&org)?;
    let operation = OperationId::from_u64(fresh << 8);
    let unheard = dice.roll(4) == 0;
    let any = |count: usize, dice: &mut Dice| usize::try_from(dice.roll(count.max(1) as u64)).unwrap();
    let project = project(org);
    let (name, labels, node) = (format!("w{fresh}"), BTreeMap::new(), None);
    Some(match dice.roll(9) {
        0..=2 => {
            let spawn = WorkerCommand::Spawn { project, name, spec: spec(dice), labels, node, operation };
            Command::Worker(org, WorkerId::from_u64(fresh), spawn)
        }
        3 => {
            let service = |number: u64, dice: &mut Dice| NewService {
                service: ServiceId::from_u64(fresh * 4 + number),
                name: format!("s{number}"),
                spec: spec(dice),
                operation: OperationId::from_u64((fresh << 8) + number),
            };
            let services = vec![service(0, dice), service(1, dice)];
            Command::Deployment(org, DeploymentId::from_u64(fresh), DeploymentCommand::Create { project, name, services, labels, node })
        }
        4 => {
            let id = *known.deployments.keys().nth(any(known.deployments.len(), dice))?;
            Command::Deployment(org, id, DeploymentCommand::Delete { operation, unheard })
        }
        5 | 6 => {
            Command::Worker(org, *known.workers.keys().nth(any(known.workers.len(), dice))?, WorkerCommand::Delete { operation, unheard })
        }
        7 => Command::Worker(org, *known.workers.keys().nth(any(known.workers.len(), dice))?, WorkerCommand::Stop { operation }),
        _ => Command::Worker(org, *known.workers.keys().nth(any(known.workers.len(), dice))?, WorkerCommand::Start { operation }),
    })
}

fn commands(dice: &mut Dice, state: &State, fresh: u64, now: Timestamp) -> Option<Command> {
    match fresh {
        0 => {
            let (org, project) = (ORGS[0], project(ORGS[0]));
            let init = AccountCommand::InitializeSystem { org, org_name: "a".into(), project, project_name: "p".into() };
            return Some(Command::Account(init));
        }
        1 => {
            let owner = AccountCommand::SetUpFirstOwner { user: OWNER, email_digest: digest(1), profile_version: 1, password_version: 1 };
            return Some(Command::Account(owner));
        }
        40 => return Some(Command::Account(AccountCommand::CreateOrg { org: ORGS[1], name: "b".into(), owner: OWNER })),
        41 => {
            let (org, project) = (ORGS[1], project(ORGS[1]));
            return Some(Command::Account(AccountCommand::CreateProject { org, project, name: "p".into() }));
        }
        _ => {}
    }
    let org = ORGS[usize::try_from(dice.roll(2)).unwrap()];
    let node = NodeId::from_u64(100 * org.as_u64() + dice.roll(4) + fresh / 400 * 4);
    match dice.roll(10) {
        0..=3 => Some(on_node(dice, state, org, node, fresh)),
        4..=6 => report(dice, state, org, now),
        _ => on_unit(dice, state, org, fresh),
    }
}

impl History {
    /// What some thousand commands made of two organisations, those that the rules allowed.
    pub(super) fn new(seed: u64) -> Self {
        let data = tempfile::tempdir().unwrap();
        let log = Arc::new(SledLog::open(data.path(), OPTIONS).unwrap());
        let (mut dice, mut state, mut records) = (Dice(seed), State::default(), Vec::new());
        let (mut group, mut now) = (Vec::new(), Timestamp::from_ms(1_000_000));
        for fresh in 0..1_600 {
            now = now.plus_ms(dice.roll(3) * 500);
            let Some(command) = commands(&mut dice, &state, fresh, now) else { continue };
            let actor = Actor::User(OWNER);
            let request =
                Request { actor, now, correlation: fresh, causation: 0, expected_version: None, idempotency: None, address: None, command };
            for draft in decide(&state, &request).map(|decision| decision.drafts).unwrap_or_default() {
                let record = Record {
                    seq: state.seq + 1,
                    org: draft.org,
                    stream: draft.stream,
                    stream_version: state.stream_version(draft.org, draft.stream) + 1,
                    at: now,
                    actor,
                    correlation: fresh,
                    causation: 0,
                    event: draft.event,
                };
                state.apply(&record);
                group.push(record);
            }
            if !group.is_empty() && dice.roll(3) == 0 {
                log.append(Group::of(group[0].seq, log.head().hash, &group).unwrap()).unwrap();
                records.append(&mut group);
            }
        }
        let feed = Feed::new(Arc::clone(&log) as Arc<dyn EventLog>);
        let (directory, _) = Directory::start_here(&feed, View::default()).unwrap();
        Self { directory, log, records, _data: data }
    }

    /// Shows the whole fold at every position.
    pub(super) fn each(&self, mut each: impl FnMut(&State)) {
        let mut state = State::default();
        for record in &self.records {
            state.apply(record);
            each(&state);
        }
    }
}

/// Nodes, workers and deployments that ever were.
pub(super) fn things(history: &History) -> Vec<(OrgId, StreamId)> {
    let created = history.records.iter().filter(|record| record.stream_version == 1);
    created
        .filter_map(|record| record.org.map(|org| (org, record.stream)))
        .filter(|(_, stream)| !matches!(stream, StreamId::Org(_)))
        .collect()
}
