#![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]

use std::collections::BTreeMap;
use std::sync::Arc;

use spunto_core::command::{AccountCommand, AgentReport, Command, DeploymentCommand, NewService, NodeCommand, Request, WorkerCommand};
use spunto_core::decide::decide;
use spunto_core::event::{Exited, MachineFacts, OfflineReason, RestartPolicy, UnitSpec, UnitStep};
use spunto_core::extract::Extract;
use spunto_core::id::{OperationId, ServiceId, UnitId, UserId};
use spunto_core::observe::Observed;
use spunto_core::record::{Actor, Record};
use spunto_core::token::SecretDigest;
use spunto_events::group::Group;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_events::slice::SliceReader;
use tempfile::TempDir;

use super::*;
use crate::feed::Feed;
use crate::view::View;

const ORGS: [OrgId; 2] = [OrgId::from_u64(1), OrgId::from_u64(2)];
const OWNER: UserId = UserId::from_u64(3);
/// Segments of a few groups, so that events are read from sealed ones, from the active one, and from what only the tail holds.
const OPTIONS: LogOptions =
    LogOptions { segment_events_max: 150, segment_bytes_max: 1 << 20, tail_area_bytes: 0, absorb_bytes: 4 << 10, reserve_bytes: 0 };

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A log and all of its records.
struct History {
    directory: Directory,
    log: Arc<SledLog>,
    records: Vec<Record>,
    _data: TempDir,
}

fn project(org: OrgId) -> ProjectId {
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
    fn new(seed: u64) -> Self {
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
    fn each(&self, mut each: impl FnMut(&State)) {
        let mut state = State::default();
        for record in &self.records {
            state.apply(record);
            each(&state);
        }
    }
}

/// Nodes, workers and deployments that ever were.
fn things(history: &History) -> Vec<(OrgId, StreamId)> {
    let created = history.records.iter().filter(|record| record.stream_version == 1);
    created
        .filter_map(|record| record.org.map(|org| (org, record.stream)))
        .filter(|(_, stream)| !matches!(stream, StreamId::Org(_)))
        .collect()
}

#[test]
fn one_thing_s_past_equals_the_whole_fold_at_every_position() {
    let history = History::new(7);
    let (things, directory) = (things(&history), &history.directory);
    let (mut seen, mut gone, mut not_yet) = ([0; 3], 0, 0);
    history.each(|whole| {
        let point = Point::after(whole.seq);
        for (org, stream) in &things {
            let org = *org;
            // Workers at every ninth position: there are hundreds.
            if !matches!(stream, StreamId::Node(_)) && !(whole.seq + directory.view().timeline(*stream)[0]).is_multiple_of(9) {
                continue;
            }
            let known = whole.orgs.get(&org);
            let (told, there, kind) = match *stream {
                StreamId::Node(id) => {
                    let told = node(directory, org, id, point);
                    let expected = known.and_then(|org| org.fleet.node(id));
                    if let (Ok(then), Some(expected)) = (&told, expected) {
                        assert_eq!(then.org().unwrap().fleet.node(id), Some(expected), "{id} after {}", whole.seq);
                        let on_it = known.unwrap().workers.iter().filter(|(_, worker)| worker.unit.node == id);
                        assert!(then.org().unwrap().workers.iter().eq(on_it), "what ran on {id} after {}", whole.seq);
                    }
                    (told, expected.is_some(), 0)
                }
                StreamId::Worker(id) => {
                    let told = worker(directory, org, project(org), id, point);
                    let expected = known.and_then(|org| org.workers.get(&id));
                    if let (Ok(then), Some(expected)) = (&told, expected) {
                        assert_eq!(then.org().unwrap().workers.get(&id), Some(expected), "{id} after {}", whole.seq);
                        let connected = |org: &Org| org.fleet.node(expected.unit.node).map(spunto_core::state::Node::is_connected);
                        assert_eq!(connected(then.org().unwrap()), connected(known.unwrap()));
                    }
                    (told, expected.is_some(), 1)
                }
                StreamId::Deployment(id) => {
                    let told = deployment(directory, org, project(org), id, point);
                    let expected = known.and_then(|org| org.deployments.get(&id));
                    if let (Ok(then), Some(expected)) = (&told, expected) {
                        assert_eq!(then.org().unwrap().deployments.get(&id), Some(expected), "{id} after {}", whole.seq);
                    }
                    (told, expected.is_some(), 2)
                }
                StreamId::System | StreamId::Org(_) => continue,
            };
            match told {
                Ok(_) if there => seen[kind] += 1,
                Err(PastError::NotYet { position, .. }) if !there => {
                    assert!(position.seq > whole.seq);
                    not_yet += 1;
                }
                Err(PastError::Gone { position, .. }) if !there => {
                    assert!(position.seq <= whole.seq);
                    gone += 1;
                }
                other => panic!("{stream:?} after {}, there: {there}: {other:?}", whole.seq),
            }
        }
    });
    println!("{} events; seen: {seen:?}, gone: {gone}, not yet: {not_yet}", history.records.len());
    assert!(history.records.len() > 500 && seen.iter().all(|times| *times > 300) && gone > 1_000 && not_yet > 1_000, "too little to see");
}

#[test]
fn an_organisation_s_past_equals_the_whole_fold_whatever_is_kept() {
    let history = History::new(11);
    let archive = Archive::default();
    let mut wholes: Vec<State> = Vec::new();
    history.each(|whole| wholes.push(whole.clone()));
    let (mut dice, mut compared) = (Dice(1), 0);
    for _ in 0..400 {
        let whole = &wholes[usize::try_from(dice.roll(wholes.len() as u64)).unwrap()];
        for org in ORGS {
            match archive.org(&history.directory, org, Point::after(whole.seq)) {
                Ok(then) => {
                    assert_eq!(then.state.orgs.get(&org), whole.orgs.get(&org), "{org} after {}", whole.seq);
                    compared += 1;
                }
                Err(PastError::NotYet { position, .. }) => assert!(!whole.orgs.contains_key(&org) && position.seq > whole.seq),
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(compared > 400, "{compared}");
    let never = archive.org(&history.directory, OrgId::from_u64(9), Point::after(5));
    assert!(matches!(never, Err(PastError::Unknown)), "{never:?}");
}

#[test]
fn a_moment_is_found_by_position_and_time_or_refused_with_the_reason() {
    let history = History::new(3);
    let directory = &history.directory;
    let end = directory.feed().position();
    let now = Timestamp::from_ms(1 << 40);
    let find = |moment| Point::find(directory, moment, now);
    let (first, last) = (history.records[0].at, history.records.last().unwrap().at);
    for ms in (first.ms() - 3..last.ms() + 3).step_by(97) {
        let at = Timestamp::from_ms(ms);
        let expected = history.records.iter().rev().find(|record| record.at <= at).map_or(0, |record| record.seq);
        assert_eq!(find(Moment::Time(at)).unwrap(), Point { seq: expected, asked: Some(at) });
    }
    assert_eq!(find(Moment::Position(end)).unwrap(), Point::after(end.seq));
    let future = find(Moment::Position(Position { seq: end.seq + 1, ..end }));
    assert!(matches!(&future, Err(PastError::Future { end: told }) if *told == end), "{future:?}");
    assert!(matches!(find(Moment::Time(now.plus_ms(1))), Err(PastError::Future { .. })));
    assert!(matches!(find(Moment::Position(Position { incarnation: 1, ..end })), Err(PastError::OtherLog)));
    for text in ["", "yesterday", "12", "2026-11-24", "0000000000000abc.0"] {
        assert_eq!(text.parse::<Moment>(), Err(InvalidMoment), "{text}");
    }
    assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Moment::Time(Timestamp::from_ms(1000))));
    assert_eq!(end.to_string().parse(), Ok(Moment::Position(end)));
}

#[test]
fn what_is_of_another_organisation_is_unknown_at_any_time() {
    let history = History::new(7);
    let (org, stream) = things(&history).into_iter().find(|(org, stream)| *org == ORGS[0] && matches!(stream, StreamId::Node(_))).unwrap();
    let StreamId::Node(id) = stream else { panic!("it was looked for") };
    for seq in [1, 60, history.records.len() as u64] {
        assert!(matches!(node(&history.directory, ORGS[1], id, Point::after(seq)), Err(PastError::Unknown)));
    }
    assert!(check_node(&history.directory, org, id).is_ok() && check_node(&history.directory, ORGS[1], id).is_err());
    let wrong = story(&history.directory, &Archive::default(), ORGS[1], id).map(|told| told.name);
    assert!(matches!(wrong, Err(PastError::Unknown)), "{wrong:?}");
}

#[test]
fn enough_readers_are_enough() {
    let history = History::new(3);
    let archive = Archive::default();
    let held: Vec<_> = (0..8).map(|_| archive.room().unwrap()).collect();
    assert!(matches!(archive.room(), Err(PastError::Busy)));
    drop(held);
    assert!(archive.room().is_ok() && archive.org(&history.directory, ORGS[0], Point::after(9)).is_ok());
}

#[test]
fn a_node_s_story_is_the_one_that_a_whole_reading_tells() {
    use spunto_core::names::Names;
    use spunto_core::stats::Statistics;
    use spunto_core::story::Story;
    let history = History::new(7);
    let archive = Archive::default();
    for (org, stream) in things(&history) {
        let StreamId::Node(id) = stream else { continue };
        let told = story(&history.directory, &archive, org, id).unwrap();
        let (mut names, mut statistics, mut whole) = (Names::default(), Statistics::default(), Story::of(stream));
        let ours: Vec<&Record> = history.records.iter().filter(|record| record.org == Some(org)).collect();
        for record in &ours {
            names.observe(record);
            let took = statistics.observe(record);
            if record.stream == stream {
                whole.tell(record, &names, took);
            }
        }
        whole.compare(|step, place| statistics.usual(*step, place));
        assert_eq!((told.story, told.omitted), (whole, 0));
    }
}

#[test]
fn a_node_s_slice_folds_to_the_node_and_holds_what_it_needs_and_no_more() {
    let history = History::new(7);
    for (org, stream) in things(&history) {
        let StreamId::Node(id) = stream else { continue };
        let mut bytes = Vec::new();
        let first = history.directory.view().timeline(StreamId::Org(org))[0];
        crate::excerpt::write_node(&*history.log, org, id, first, &mut bytes).unwrap();
        let (mut reader, mut state, mut kept) = (SliceReader::open(bytes.as_slice()).unwrap(), State::default(), Vec::new());
        while let Some(group) = reader.next_group().unwrap() {
            for (_, frame) in group {
                let record = spunto_events::codec::decode(spunto_events::frame::decode(&frame).unwrap().0).unwrap();
                state.apply(&record);
                kept.push(record);
            }
        }
        let whole = history.directory.read(|state| state.orgs.get(&org).and_then(|org| org.fleet.node(id).cloned()));
        assert_eq!(state.orgs.get(&org).and_then(|org| org.fleet.node(id).cloned()), whole);
        let mut extract = Extract::about(stream);
        history.records.iter().for_each(|record| extract.see(record));
        let takes = |record: &Record| {
            extract.takes_stream(record.stream).unwrap_or_else(|| extract.takes(&record.event)) && record.org == Some(org)
        };
        let expected: Vec<&Record> = history.records.iter().filter(|record| record.seq <= extract.last() && takes(record)).collect();
        assert!(kept.iter().eq(expected), "{id}");
        assert!(kept.iter().all(|record| record.org == Some(org)));
        let members = kept.iter().filter(|record| record.event.name().starts_with("member.")).count();
        assert_eq!(members, 0, "who belongs to the organisation is nobody's business");
    }
    let foreign = crate::excerpt::write_node(&*history.log, ORGS[1], NodeId::from_u64(100), 1, Vec::new());
    assert!(foreign.is_err());
}
