//! A month of a large fleet, made by the rules themselves: the state at any point is what it was when it happened, and every placement
//! comes out the same again. `SPUNTO_MONTH_EVENTS` says how many events; `make test-full` asks for a million on a thousand nodes.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher};
use std::time::Instant;

use spunto_core::command::{Command, DeploymentCommand, NewService, NodeCommand, WorkerCommand};
use spunto_core::event::{ConnectionRefusal, Exited, OfflineReason, RestartPolicy, Restarting, UnitSpec, UnitStep};
use spunto_core::id::{DeploymentId, OperationId, ProjectId, ServiceId, WorkerId};
use spunto_core::observe::Observed;
use spunto_core::readable;
use spunto_core::state::{NodeStatus, Run, State};
use spunto_events::group::Group;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_replay::history::History;
use spunto_replay::source::Source;
use spunto_replay::verify::verify;

use crate::scenario::{ORG, Scenario, node};

const SEED: u64 = 20_261_125;
/// Events of the short form.
const EVENTS: u64 = 12_000;
const MONTH_MS: u64 = 30 * 86_400_000;
/// Events of one group, as a busy journal makes them.
const GROUP_EVENTS: usize = 50;

struct Random(u64);

impl Random {
    /// A number below `limit` (splitmix64).
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % limit
    }
}

/// Everything in a state, private parts included, and what people read of it; in one number.
fn digest(state: &State) -> u64 {
    struct Digesting(DefaultHasher);
    impl std::fmt::Write for Digesting {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.write(text.as_bytes());
            Ok(())
        }
    }
    let mut digesting = Digesting(DefaultHasher::new());
    write!(digesting, "{state:?}{}", readable::state(state)).unwrap();
    digesting.0.finish()
}

struct Month {
    story: Scenario,
    random: Random,
    nodes: u64,
    workers: Vec<u64>,
    next: u64,
}

impl Month {
    fn new(nodes: u64) -> Self {
        let mut story = Scenario::new();
        for number in 1..=nodes {
            story.create_node(number, &format!("n{number}"), if number % 3 == 0 { &[("zone", "eu")] } else { &[] });
            if number % 50 != 7 {
                story.connect(number);
            }
        }
        Self { story, random: Random(SEED), nodes, workers: Vec::new(), next: 1 }
    }

    fn on_node(&mut self, number: u64, command: NodeCommand) {
        self.story.ask(Command::Node(ORG, node(number), command));
    }

    fn step(&mut self) {
        match self.random.below(100) {
            0..=24 => self.spawn(),
            25 => self.deploy(),
            26..=31 => self.weather(),
            _ => self.work(),
        }
    }

    fn spawn(&mut self) {
        if self.workers.len() as u64 > self.nodes * 2 {
            return;
        }
        let number = self.next;
        self.next += 1;
        let labels = if self.random.below(10) == 0 { [("zone".to_owned(), "eu".to_owned())].into() } else { Default::default() };
        let on = (self.random.below(20) == 0).then(|| node(1 + self.random.below(self.nodes)));
        let spec = self.spec();
        let operation = OperationId::from_u64(number);
        let project = ProjectId::from_u64(2);
        let spawn = WorkerCommand::Spawn { project, name: format!("w{number}"), spec, labels, node: on, operation };
        if self.story.ask(Command::Worker(ORG, WorkerId::from_u64(number), spawn)) {
            self.workers.push(number);
        }
    }

    fn spec(&mut self) -> UnitSpec {
        UnitSpec {
            image: "registry.example/shop/api:7".into(),
            command: Vec::new(),
            env_names: Vec::new(),
            cpu_millis: (self.random.below(8) == 0).then(|| 250 * (1 + self.random.below(4) as u32)),
            memory_bytes: (self.random.below(8) == 0).then_some(256 << 20),
            restart: RestartPolicy::No,
        }
    }

    /// A deployment of two services comes, or one that came before goes unheard.
    fn deploy(&mut self) {
        let living = self.story.state.orgs[&ORG].deployments.keys().next().copied();
        if let Some(deployment) = living.filter(|_| self.story.state.orgs[&ORG].deployments.len() as u64 > self.nodes / 10) {
            let delete = DeploymentCommand::Delete { operation: OperationId::from_u64(1 << 42), unheard: true };
            self.story.ask(Command::Deployment(ORG, deployment, delete));
            return;
        }
        let number = self.next;
        self.next += 1;
        let services = [1, 2].map(|part| NewService {
            service: ServiceId::from_u64(number * 2 + part),
            name: format!("s{part}"),
            spec: self.spec(),
            operation: OperationId::from_u64(number),
        });
        let (project, name) = (ProjectId::from_u64(2), format!("d{number}"));
        let create = DeploymentCommand::Create { project, name, services: services.into(), labels: Default::default(), node: None };
        self.story.ask(Command::Deployment(ORG, DeploymentId::from_u64(number), create));
    }

    /// Something happens to a node.
    fn weather(&mut self) {
        let number = 1 + self.random.below(self.nodes);
        let known = self.story.state.orgs[&ORG].fleet.node(node(number)).unwrap();
        let (connected, epoch, maintained) = (known.is_connected(), known.epoch, known.maintenance.is_some());
        let draining = matches!(known.status, NodeStatus::Draining { .. });
        match self.random.below(10) {
            0..=2 if connected => self.on_node(number, NodeCommand::EndAgentSession { epoch, reason: OfflineReason::NoAnswer }),
            0..=4 if !connected => self.story.connect(number),
            5 if draining => self.on_node(number, NodeCommand::Undrain),
            5 => self.on_node(number, NodeCommand::Drain { reason: "new kernel".into() }),
            6 if maintained => self.on_node(number, NodeCommand::EndMaintenance),
            6 if self.random.below(3) == 0 => self.on_node(number, NodeCommand::StartMaintenance { reason: "disk".into() }),
            7 => {
                let (reason, address) = (ConnectionRefusal::WrongToken, format!("198.51.100.{}", self.random.below(50)));
                self.on_node(number, NodeCommand::RefuseConnection { reason, address, count: 1 });
            }
            8 => {
                let name = format!("n{number}-{}", self.next);
                self.on_node(number, NodeCommand::Update { name: Some(name), labels: None });
            }
            _ => {}
        }
    }

    /// Something happens to a worker.
    fn work(&mut self) {
        if self.workers.is_empty() {
            return;
        }
        let place = self.random.below(self.workers.len() as u64) as usize;
        let number = self.workers[place];
        let worker = WorkerId::from_u64(number);
        let Some(known) = self.story.state.orgs[&ORG].workers.get(&worker) else {
            self.workers.swap_remove(place);
            return;
        };
        let heard = self.story.state.orgs[&ORG].fleet.node(known.unit.node).unwrap().is_connected();
        let (run, finished_at) = (known.unit.run.clone(), self.story.now);
        let operation = OperationId::from_u64(1 << 40 | self.story.state.seq);
        let dice = self.random.below(10);
        match run {
            Run::Placed | Run::Starting if heard && dice == 0 => {
                self.story.observe(number, Observed::Failed { step: UnitStep::PullImage, message: "no such image".into() });
            }
            Run::Placed | Run::Starting if heard => self.story.run(number),
            Run::Running { .. } if heard && dice == 0 => {
                self.story.observe(number, Observed::Exited(Exited { code: 1, oom_killed: false, message: String::new(), finished_at }));
            }
            Run::Running { .. } if heard && dice == 1 => {
                self.story.observe(number, Observed::Restarting(Restarting { code: 1, restarts: 1 }))
            }
            Run::Running { .. } | Run::Restarting { .. } => self.order(worker, WorkerCommand::Stop { operation }),
            Run::Stopping if heard => self.story.observe(number, Observed::Stopped),
            Run::Stopped | Run::Exited(_) | Run::Failed { .. } | Run::Lost { .. } if dice < 3 => {
                self.order(worker, WorkerCommand::Start { operation });
            }
            Run::Stopped | Run::Exited(_) | Run::Failed { .. } | Run::Lost { .. } => {
                self.order(worker, WorkerCommand::Delete { operation, unheard: dice == 9 });
            }
            Run::Deleting { .. } if heard => self.story.observe(number, Observed::Removed),
            _ => {}
        }
    }

    fn order(&mut self, worker: WorkerId, command: WorkerCommand) {
        self.story.ask(Command::Worker(ORG, worker, command));
    }

    /// Appends what was not taken yet.
    fn flush(&mut self, log: &dyn EventLog) {
        for records in self.story.records.chunks(GROUP_EVENTS) {
            log.append(Group::of(records[0].seq, log.head().hash, records).unwrap()).unwrap();
        }
        self.story.records.clear();
        self.story.ends.clear();
    }
}

#[test]
fn the_state_at_any_point_is_what_it_was_and_every_placement_comes_out_the_same() {
    let events = std::env::var("SPUNTO_MONTH_EVENTS").map_or(EVENTS, |events| events.parse().unwrap());
    let (nodes, points) = if events >= 1_000_000 { (1000, 1000) } else { (60, 100) };
    let directory = tempfile::tempdir().unwrap();
    let options = LogOptions { segment_events_max: events / 5, reserve_bytes: 0, ..LogOptions::default() };
    let log = SledLog::open(&directory.path().join("log"), options).unwrap();
    let mut month = Month::new(nodes);
    let mut wanted: Vec<u64> = (0..points).map(|_| 1 + month.random.below(events)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut captured = Vec::new();
    while month.story.state.seq < events {
        month.story.wait_ms(MONTH_MS / events);
        let before = month.story.state.seq;
        month.step();
        // What was wanted of a step with several events is captured at its end: the live state shows no half of a group.
        if wanted.iter().any(|seq| (before + 1..=month.story.state.seq).contains(seq)) {
            captured.push((month.story.state.seq, digest(&month.story.state)));
        }
        if month.story.records.len() >= 100 * GROUP_EVENTS {
            month.flush(&log);
        }
    }
    month.flush(&log);
    let end = (month.story.state.seq, digest(&month.story.state));
    drop(log);
    assert!(captured.len() > wanted.len() / 2, "{} of {}", captured.len(), wanted.len());

    let start = Instant::now();
    let history = History::new(Source::directory(directory.path()).unwrap());
    let mut order: Vec<usize> = (0..captured.len()).collect();
    order.sort_by_key(|number| Random(SEED ^ *number as u64).below(u64::MAX));
    for number in order {
        let (seq, live) = captured[number];
        assert_eq!(digest(&history.state_at(seq).unwrap()), live, "after event {seq}");
    }
    assert_eq!(digest(&history.state_at(end.0).unwrap()), end.1);
    let folded = start.elapsed();
    drop(history);

    let start = Instant::now();
    let verdict = verify(Source::directory(directory.path()), true).unwrap();
    assert!(verdict.sound, "{:?} {:?}", verdict.damage, verdict.broken);
    let placed = verdict.versions.iter().filter(|row| row.kind == "worker.created" || row.kind == "deployment.created");
    assert_eq!(verdict.placements, placed.map(|row| row.events).sum::<u64>());
    assert!(verdict.placements > events / 20, "{} placements", verdict.placements);
    println!(
        "{} events, {nodes} nodes: {} points equal in {folded:.1?}; {} placements the same in {:.1?}",
        end.0,
        captured.len() + 1,
        verdict.placements,
        start.elapsed()
    );
}
