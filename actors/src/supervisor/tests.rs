//! A supervisor with a real journal, feed and directory over the log in memory, a link that the test reads, and paused time.

#![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use spunto_core::command::{AccountCommand, WorkerCommand};
use spunto_core::event::{MachineFacts, RestartPolicy, UnitSpec};
use spunto_core::id::{OperationId, ProjectId, WorkerId};
use spunto_core::observe::Observed;
use spunto_core::protocol::{DEADLINE_MS, Found, FromServer, Instance, PING_EVERY_MS, PROTOCOL, SUSPECT_AFTER_MS, Work};
use spunto_core::secret::Secret;
use spunto_core::time::Timestamp;
use spunto_core::token::SecretDigest;
use spunto_events::log::EventLog;
use spunto_events::log::memory::MemoryLog;
use spunto_events::vault::{MasterKey, Vault};
use tokio::sync::mpsc;

use super::*;
use crate::board::Board;
use crate::clock::Clock;
use crate::directory::{Directory, View};
use crate::feed::Feed;
use crate::fleet::{Fleet, Supervisors};
use crate::journal::Journal;
use crate::link::{Cut, Outgoing};

const ORG: OrgId = OrgId::from_u64(1);
const NODE: NodeId = NodeId::from_u64(2);
const PROJECT: ProjectId = ProjectId::from_u64(3);

struct Wall;

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_000_000)
    }
}

#[derive(Default)]
struct Knife(AtomicBool);

impl Cut for Knife {
    fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A control plane without a network.
struct World {
    journal: Journal,
    directory: Directory,
    supervisors: Supervisors,
    board: Board,
    links: AtomicU64,
    _vault: tempfile::TempDir,
}

/// An agent's end of a link.
struct Peer {
    id: u64,
    frames: mpsc::Receiver<Outgoing>,
    knife: Arc<Knife>,
}

impl Peer {
    /// What was sent so far; closes are told by their code.
    fn drain(&mut self) -> Vec<Result<FromServer, u16>> {
        let mut all = Vec::new();
        while let Ok(outgoing) = self.frames.try_recv() {
            all.push(match outgoing {
                Outgoing::Text(text) => Ok(FromServer::parse(&text).unwrap()),
                Outgoing::Close(code, _) => Err(code),
            });
        }
        all
    }
}

fn hello(instance: u64, protocol: u32) -> Hello {
    let facts = MachineFacts { cpus: 2, memory_bytes: 1 << 30, ..MachineFacts::default() };
    Hello { protocol, protocol_min: protocol, agent_version: "test".into(), instance: Instance(instance), facts, clock_ms: 1_000_500 }
}

impl World {
    async fn new() -> Self {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(7));
        let feed = Feed::new(Arc::clone(&log));
        let (journal, _) = Journal::start(log, spunto_core::state::State::default(), Arc::clone(&feed));
        let directory = Directory::start(&feed, View::default()).unwrap();
        let vault_directory = tempfile::tempdir().unwrap();
        let vault = Arc::new(Vault::open(vault_directory.path(), MasterKey::new(&Secret::new([1; 32])), vec![]).unwrap());
        let (board, supervisors) = (Board::default(), Supervisors::default());
        let parts = Parts { journal: journal.clone(), directory: directory.clone(), vault, board: board.clone(), clock: Arc::new(Wall) };
        Fleet::launch(parts, supervisors.clone(), vec![]);
        let world = Self { journal, directory, supervisors, board, links: AtomicU64::new(0), _vault: vault_directory };
        let init = AccountCommand::InitializeSystem { org: ORG, org_name: "o".into(), project: PROJECT, project_name: "p".into() };
        world.submit(Command::Account(init)).await;
        let token_digest = SecretDigest::from_bytes([1; 32]);
        let create = NodeCommand::Create { name: "n".into(), labels: BTreeMap::new(), token_digest };
        world.submit(Command::Node(ORG, NODE, create)).await;
        while world.supervisors.find(NODE).is_none() {
            tokio::task::yield_now().await;
        }
        world
    }

    async fn submit(&self, command: Command) {
        let (now, expected_version, idempotency, address) = (Wall.now(), None, None, None);
        let request = Request { actor: Who::System, now, correlation: 0, causation: 0, expected_version, idempotency, address, command };
        let committed = self.journal.submit(request).await.unwrap();
        assert!(self.directory.reach(committed.position.seq).await);
    }

    async fn connect(&self, instance: u64, credential: Result<u32, ConnectionRefusal>) -> (bool, Peer) {
        self.connect_speaking(hello(instance, PROTOCOL), credential).await
    }

    async fn connect_speaking(&self, hello: Hello, credential: Result<u32, ConnectionRefusal>) -> (bool, Peer) {
        let id = self.links.fetch_add(1, Ordering::Relaxed) + 1;
        let knife = Arc::new(Knife::default());
        let (link, frames) = Link::new(id, Arc::<Knife>::clone(&knife));
        let supervisor = self.supervisors.find(NODE).unwrap();
        let accepted = supervisor.send(Connect { credential, hello, address: "203.0.113.9".into(), link }).await.unwrap();
        (accepted, Peer { id, frames, knife })
    }

    async fn say(&self, peer: &Peer, frame: FromAgent) {
        self.supervisors.find(NODE).unwrap().send(Arrived { link: peer.id, frame }).await.unwrap();
    }

    /// Lets virtual time pass, then everything that is due happen, other threads' part included.
    async fn pass(&self, ms: u64) {
        for _ in 0..ms.div_ceil(500) {
            tokio::time::advance(Duration::from_millis(500)).await;
            self.settle().await;
        }
    }

    /// What a peer gets until something wanted is among it.
    async fn expect(&self, peer: &mut Peer, wanted: impl Fn(&Result<FromServer, u16>) -> bool) -> Vec<Result<FromServer, u16>> {
        let mut all = Vec::new();
        for _ in 0..200_000 {
            all.extend(peer.drain());
            if all.iter().any(&wanted) {
                return all;
            }
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
        panic!("it never came; this did: {all:?}");
    }

    async fn settle(&self) {
        for _ in 0..200 {
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
    }

    fn status(&self) -> NodeStatus {
        self.directory.read(|state| state.orgs[&ORG].fleet.node(NODE).unwrap().status.clone())
    }

    /// Waits, in turns and not in time, until the log says so.
    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..200_000 {
            if holds(self) {
                return;
            }
            std::thread::yield_now();
            tokio::task::yield_now().await;
        }
        panic!("{what}: {:?}", self.status());
    }
}

fn in_world<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let system =
        actix::System::with_tokio_rt(|| tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap());
    system.block_on(async {
        // With nothing to do tokio would move its clock on by itself, while another thread still works on an answer.
        actix::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        test().await;
    });
}

fn offline(reason: OfflineReason) -> impl Fn(&World) -> bool {
    move |world| matches!(world.status(), NodeStatus::Offline { reason: told, .. } if told == reason)
}

mod settle;

#[test]
fn an_agent_that_answers_stays_and_one_that_does_not_is_suspect_then_offline() {
    in_world(|| async {
        let world = World::new().await;
        let (accepted, mut peer) = world.connect(7, Ok(1)).await;
        assert!(accepted);
        assert!(matches!(peer.drain()[..], [Ok(FromServer::Welcome { epoch: 1, .. })]));
        for _ in 0..20 {
            world.pass(1000).await;
            for frame in peer.drain() {
                if let Ok(FromServer::Ping { nonce }) = frame {
                    world.say(&peer, FromAgent::Pong { nonce }).await;
                }
            }
        }
        assert!(matches!(world.status(), NodeStatus::Online { .. }));
        assert!(!world.board.look(NODE).suspect);
        // From here on it sends, but answers nothing: gauges are no sign of life.
        for _ in 0..(SUSPECT_AFTER_MS / 1000 + 1) {
            world.say(&peer, FromAgent::Gauges(Default::default())).await;
            world.pass(1000).await;
        }
        assert!(world.board.look(NODE).suspect && matches!(world.status(), NodeStatus::Online { .. }));
        world.pass(DEADLINE_MS - SUSPECT_AFTER_MS + PING_EVERY_MS).await;
        world.until("offline for want of an answer", offline(OfflineReason::NoAnswer)).await;
        world.pass(1000).await;
        assert_eq!(peer.drain().last().unwrap().as_ref().unwrap_err(), &close::NO_ANSWER);
        assert!(peer.knife.0.load(Ordering::Relaxed), "cut at the socket");
    });
}

#[test]
fn a_second_agent_is_refused_while_the_first_answers_and_let_in_when_it_does_not() {
    in_world(|| async {
        let world = World::new().await;
        let (_, mut first) = world.connect(7, Ok(1)).await;
        for _ in 0..3 {
            let (accepted, mut second) = world.connect(8, Ok(1)).await;
            assert!(!accepted);
            let told = second.drain();
            assert!(
                matches!(&told[..], [Ok(FromServer::Refused { code, .. }), Err(close::REFUSED)] if code == "already_connected"),
                "{told:?}"
            );
        }
        world
            .until("the refusal in the log", |world| {
                world.directory.read(|state| !state.orgs[&ORG].fleet.node(NODE).unwrap().refused.is_empty())
            })
            .await;
        let refused = world.directory.read(|state| state.orgs[&ORG].fleet.node(NODE).unwrap().refused.clone());
        assert_eq!((refused.len(), refused[0].count), (1, 1), "one event an hour");
        assert!(first.drain().iter().all(|frame| frame.is_ok()), "the first is undisturbed");
        world.pass(SUSPECT_AFTER_MS + 1000).await;
        let (accepted, _second) = world.connect(8, Ok(1)).await;
        assert!(accepted, "the first owes an answer");
        world.pass(1000).await;
        assert_eq!(first.drain().last().unwrap().as_ref().unwrap_err(), &close::REPLACED);
    });
}

#[test]
fn an_old_connection_that_ends_late_ends_nothing() {
    in_world(|| async {
        let world = World::new().await;
        let (_, first) = world.connect(7, Ok(1)).await;
        let (accepted, _second) = world.connect(7, Ok(1)).await;
        assert!(accepted);
        let supervisor = world.supervisors.find(NODE).unwrap();
        supervisor.send(Closed { link: first.id, reason: OfflineReason::ConnectionClosed }).await.unwrap();
        world.say(&first, FromAgent::Goodbye { reason: "late".into() }).await;
        world.settle().await;
        assert!(matches!(world.status(), NodeStatus::Online { .. }));
        assert_eq!(world.board.look(NODE).session.unwrap().epoch, 2);
    });
}

#[test]
fn wrong_tokens_and_protocols_are_refused_with_words() {
    in_world(|| async {
        let world = World::new().await;
        for (credential, protocol, code) in [
            (Err(ConnectionRefusal::TokenRotated), PROTOCOL, "token_rotated"),
            (Err(ConnectionRefusal::WrongToken), PROTOCOL, "wrong_token"),
            (Ok(1), PROTOCOL + 7, "unsupported_protocol"),
            // Rotated between the edge's look and the journal's decision.
            (Ok(9), PROTOCOL, "token_rotated"),
        ] {
            let (accepted, mut peer) = world.connect_speaking(hello(7, protocol), credential).await;
            assert!(!accepted);
            let told = peer.drain();
            assert!(matches!(&told[..], [Ok(FromServer::Refused { code: told, .. }), Err(close::REFUSED)] if told == code), "{told:?}");
        }
        assert_eq!(world.status(), NodeStatus::Pending);
    });
}

#[test]
fn a_rotation_ends_the_session_at_once() {
    in_world(|| async {
        let world = World::new().await;
        let (_, mut peer) = world.connect(7, Ok(1)).await;
        let rotate = NodeCommand::RotateToken { token_version: 2, token_digest: SecretDigest::from_bytes([2; 32]) };
        world.submit(Command::Node(ORG, NODE, rotate)).await;
        world.until("offline for the rotation", offline(OfflineReason::TokenRotated)).await;
        world.expect(&mut peer, |frame| *frame == Err(close::TOKEN_ROTATED)).await;
    });
}

#[test]
fn orders_wait_for_the_inventory_come_once_a_session_and_again_in_the_next() {
    in_world(|| async {
        let world = World::new().await;
        let (_, mut peer) = world.connect(7, Ok(1)).await;
        let (worker, operation) = (WorkerId::from_u64(9), OperationId::from_u64(10));
        let spec = UnitSpec {
            image: "x".into(),
            command: vec![],
            env_names: vec![],
            cpu_millis: None,
            memory_bytes: None,
            restart: RestartPolicy::No,
        };
        let spawn = WorkerCommand::Spawn { project: PROJECT, name: "w".into(), spec, labels: BTreeMap::new(), node: None, operation };
        world.submit(Command::Worker(ORG, worker, spawn)).await;
        world.pass(2000).await;
        let orders = |frames: Vec<Result<FromServer, u16>>| {
            frames.into_iter().filter(|frame| matches!(frame, Ok(FromServer::Operate { work: Work::Run { .. }, .. }))).count()
        };
        assert_eq!(orders(peer.drain()), 0, "before the inventory");
        world.say(&peer, FromAgent::Inventory { page: 0, units: vec![], last: true }).await;
        world.pass(2000).await;
        assert_eq!(orders(peer.drain()), 1, "once");
        let (_, mut again) = world.connect(7, Ok(1)).await;
        world.say(&again, FromAgent::Inventory { page: 0, units: vec![], last: true }).await;
        world.pass(1000).await;
        assert_eq!(orders(again.drain()), 1, "again in the next session");
        let unit = UnitId::Worker(worker);
        let observed = Observed::Started { container: "c".into(), image_digest: "d".into(), started_at: Timestamp::from_ms(5) };
        world.say(&again, FromAgent::Observation { id: 1, unit, operation, observed: observed.clone() }).await;
        world.until("running", |world| world.directory.read(|state| state.orgs[&ORG].workers[&worker].unit.run.name() == "running")).await;
        world.expect(&mut again, |frame| *frame == Ok(FromServer::Ack { id: 1 })).await;
        let (_, mut third) = world.connect(7, Ok(1)).await;
        let orphan =
            Found { unit: "wkr_aaaaaaaaaaaaa".into(), operation: String::new(), container: "stray".into(), observed: observed.clone() };
        let known = Found { unit: unit.to_string(), operation: operation.to_string(), container: "c".into(), observed };
        world.say(&third, FromAgent::Inventory { page: 0, units: vec![orphan, known], last: true }).await;
        world.pass(1000).await;
        let told = third.drain();
        let removes = |frame: &Result<FromServer, u16>| matches!(frame, Ok(FromServer::Operate { work: Work::RemoveOrphan { container }, .. }) if container == "stray");
        assert_eq!(told.iter().filter(|frame| removes(frame)).count(), 1);
        assert_eq!(orders(told), 0);
    });
}

#[test]
fn a_deletion_waits_for_the_agent_and_not_for_ever() {
    in_world(|| async {
        let world = World::new().await;
        let (_, mut peer) = world.connect(7, Ok(1)).await;
        world.submit(Command::Node(ORG, NODE, NodeCommand::Delete { forced: false, connected: true })).await;
        world.expect(&mut peer, |frame| matches!(frame, Ok(FromServer::Shutdown { .. }))).await;
        let gone = |world: &World| world.directory.read(|state| state.orgs[&ORG].fleet.node(NODE).is_none());
        assert!(!gone(&world));
        tokio::time::advance(DELETION_DEADLINE).await;
        world.until("the node to be gone", gone).await;
    });
}

#[test]
fn after_a_crash_the_next_supervisor_starts_from_the_log() {
    in_world(|| async {
        let world = World::new().await;
        let (_, mut peer) = world.connect(7, Ok(1)).await;
        world.supervisors.find(NODE).unwrap().do_send(Crash);
        world.pass(2000).await;
        world.until("another supervisor", |world| world.supervisors.find(NODE).is_some_and(|found| found.connected())).await;
        peer.drain();
        assert!(matches!(peer.frames.try_recv(), Err(mpsc::error::TryRecvError::Disconnected)), "its link went with it");
        let (accepted, _) = world.connect(7, Ok(1)).await;
        assert!(accepted);
    });
}

#[derive(Message)]
#[rtype(result = "()")]
struct Crash;

impl Handler<Crash> for NodeSupervisor {
    type Result = ();
    fn handle(&mut self, _: Crash, _: &mut Context<Self>) {
        panic!("planted: the supervisor dies");
    }
}
