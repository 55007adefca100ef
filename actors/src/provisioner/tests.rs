//! The provisioner with a real journal, directory and vault over the log in memory, a cloud in memory that can be unruly, and
//! paused time. A kill drops everything but log, vault and cloud, as a process's end does.

#![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use spunto_core::check::{check, check_next};
use spunto_core::command::{AccountCommand, Command, CredentialCommand, NodeCommand, ProvisionCommand, Request};
use spunto_core::event::{MachineFacts, MachineWish};
use spunto_core::id::{CredentialId, NodeId, OrgId, ProjectId};
use spunto_core::plan::provision::SETTLE_MS;
use spunto_core::record::{Actor, Record};
use spunto_core::secret::Secret;
use spunto_core::state::{Node, NodeStatus, State};
use spunto_core::time::Timestamp;
use spunto_core::token::{EnrolmentToken, NodeToken};
use spunto_events::log::EventLog;
use spunto_events::log::memory::MemoryLog;
use spunto_events::vault::{MasterKey, Vault};
use tokio::task::JoinHandle;

use super::accounts::Accounts;
use super::point::chosen;
use super::{Boot, Parts, run};
use crate::board::Board;
use crate::clock::Clock;
use crate::cloud::fake::World as Cloud;
use crate::cloud::{Installation, Settings, ownership};
use crate::custodian;
use crate::directory::{Directory, View};
use crate::feed::Feed;
use crate::journal::{CommandError, Committed, Journal, replay};
use crate::secrets::Secrets;

mod faults;
mod kills;
mod story;
mod sweeps;
mod unruly;

use unruly::Unruly;

const ORG: OrgId = OrgId::from_u64(1);
const NODE: NodeId = NodeId::from_u64(2);
const CREDENTIAL: CredentialId = CredentialId::from_u64(3);
/// How often the world outside looks: people, machines and the cloud's own works.
const TICK: Duration = Duration::from_millis(500);
/// The same while nothing is expected for long.
const LONG_TICK: Duration = Duration::from_secs(5);
/// Longest virtual time of a story.
const STORY_MS_MAX: u64 = 4 * 60 * 60 * 1000;

/// The wall clock goes with the paused one.
struct Paused(tokio::time::Instant);

impl Clock for Paused {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_795_500_000_000 + u64::try_from(self.0.elapsed().as_millis()).unwrap())
    }
}

/// A process that may end at any moment.
struct Server {
    journal: Journal,
    directory: Directory,
    board: Board,
    accounts: Accounts,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// What outlives processes.
struct World {
    log: Arc<MemoryLog>,
    vault: Arc<Vault>,
    clock: Arc<Paused>,
    cloud: Arc<Cloud>,
    unruly: Unruly,
    server: Server,
    killed: Arc<tokio::sync::Notify>,
    kills: usize,
    /// At which point the next one is killed, too.
    kill_again: Option<usize>,
    ticks: u64,
    /// Whether machines call when they run.
    machines_call: bool,
    /// Ticks that a machine takes to boot.
    boot_ticks: u64,
    /// Machines by their tokens, and since when they run.
    booting: BTreeMap<String, u64>,
    called: BTreeSet<String>,
    _directory: tempfile::TempDir,
}

static WORLDS: AtomicU64 = AtomicU64::new(0);

impl World {
    /// A world with a credential; the provisioner is killed at its `kill_at`-th point.
    async fn new(kill_at: Option<usize>) -> Self {
        let name = format!("provisioner-{}", WORLDS.fetch_add(1, Ordering::Relaxed));
        // Hundreds of vaults: where there is a file system in memory, nobody waits for the disk.
        let memory = std::path::Path::new("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let vault = Arc::new(Vault::open(directory.path(), MasterKey::new(&Secret::new([1; 32])), vec![]).unwrap());
        let (log, clock) = (Arc::new(MemoryLog::new(7)), Arc::new(Paused(tokio::time::Instant::now())));
        let unruly = Unruly::default();
        let killed = chosen::choose(kill_at);
        let server = Server::start(&log, &vault, &clock, &unruly);
        let (cloud, called) = (Cloud::named(&name), BTreeSet::new());
        let (kills, kill_again, ticks, machines_call) = (0, None, 0, true);
        let _directory = directory;
        let mut world = Self {
            log,
            vault,
            clock,
            cloud,
            unruly,
            server,
            killed,
            kills,
            kill_again,
            ticks,
            machines_call,
            boot_ticks: 24,
            booting: BTreeMap::new(),
            called,
            _directory,
        };
        let project = ProjectId::from_u64(4);
        let init = AccountCommand::InitializeSystem { org: ORG, org_name: "o".into(), project, project_name: "p".into() };
        world.given(Command::Account(init)).await;
        drop(world.secrets().put_credential(CREDENTIAL, 1, &Secret::new(name)).await.unwrap());
        let (provider, name, fingerprint) = ("fake".into(), "main".into(), "00".into());
        let add = CredentialCommand::Add { provider, name, fingerprint, account: None };
        world.given(Command::Credential(ORG, CREDENTIAL, add)).await;
        world.cloud.hold();
        world
    }

    fn secrets(&self) -> Secrets {
        Secrets::new(Arc::clone(&self.vault))
    }

    /// The process ends, and another starts.
    async fn restart(&mut self) {
        self.kills += 1;
        self.killed = chosen::choose(self.kill_again.take());
        self.server.tasks.iter().for_each(JoinHandle::abort);
        // What was aborted is gone once it was polled for the last time.
        tokio::task::yield_now().await;
        self.server = Server::start(&self.log, &self.vault, &self.clock, &self.unruly);
    }

    async fn submit(&self, command: Command) -> Result<Committed, CommandError> {
        let (now, actor) = (self.clock.now(), Actor::Operator);
        let (expected_version, idempotency, address) = (None, None, None);
        let request = Request { actor, now, correlation: 9, causation: 0, expected_version, idempotency, address, command };
        let committed = self.server.journal.submit(request).await?;
        assert!(self.server.directory.reach(committed.position.seq).await);
        Ok(committed)
    }

    async fn given(&mut self, command: Command) {
        self.submit(command).await.unwrap();
    }

    fn wish(location: &str) -> MachineWish {
        MachineWish { provider: "fake".into(), location: location.into(), machine_type: "small".into(), image: "debian-12".into() }
    }

    /// Somebody creates the node.
    async fn create(&mut self) {
        let token = NodeToken::new(ORG, NODE, [5; 32]);
        drop(self.secrets().put_node_token(NODE, 1, &token.reveal()).await.unwrap());
        let enrolment = EnrolmentToken::new(ORG, NODE, [6; 32]);
        drop(self.secrets().put_enrolment(NODE, 1, &enrolment.reveal()).await.unwrap());
        let create = ProvisionCommand::Create {
            name: "n".into(),
            labels: BTreeMap::new(),
            token_digest: token.digest(),
            wish: Self::wish("here"),
            credential: CREDENTIAL,
            enrolment_digest: enrolment.digest(),
        };
        self.given(Command::Provision(ORG, NODE, create)).await;
    }

    /// Somebody retries the node.
    async fn retry(&mut self) {
        let (attempt, version) = self.node(|node| (node.provision.as_ref().unwrap().attempt + 1, node.token.version + 1)).unwrap();
        let token = NodeToken::new(ORG, NODE, [u8::try_from(version).unwrap() + 50; 32]);
        drop(self.secrets().put_node_token(NODE, version, &token.reveal()).await.unwrap());
        let enrolment = EnrolmentToken::new(ORG, NODE, [u8::try_from(attempt).unwrap() + 100; 32]);
        drop(self.secrets().put_enrolment(NODE, attempt, &enrolment.reveal()).await.unwrap());
        let retry = ProvisionCommand::Retry {
            attempt,
            wish: Self::wish("here"),
            credential: CREDENTIAL,
            enrolment_digest: enrolment.digest(),
            token_version: version,
            token_digest: token.digest(),
        };
        self.given(Command::Provision(ORG, NODE, retry)).await;
    }

    /// Somebody deletes the node.
    async fn delete(&mut self) {
        self.given(Command::Node(ORG, NODE, NodeCommand::Delete { forced: false, connected: false })).await;
    }

    fn node<T>(&self, look: impl FnOnce(&Node) -> T) -> Option<T> {
        self.server.directory.read(|state| Some(look(state.orgs.get(&ORG)?.fleet.node(NODE)?)))
    }

    /// Machines at the cloud that are this node's.
    fn machines(&self) -> usize {
        self.cloud.machines()
    }

    /// The world goes on until this is so.
    async fn until(&mut self, what: &str, so: impl Fn(Option<&Node>) -> bool) {
        let begun = self.clock.now();
        loop {
            let reached = self.server.directory.read(|state| so(state.orgs.get(&ORG).and_then(|org| org.fleet.node(NODE))));
            if reached {
                return;
            }
            let state = self.node(|node| format!("{:?} {:?}", node.status, node.machine));
            assert!(self.clock.now().ms_since(begun) < STORY_MS_MAX, "never {what}: {state:?}");
            let killed = Arc::clone(&self.killed);
            tokio::select! {
                biased;
                () = killed.notified() => self.restart().await,
                () = tokio::time::sleep(if self.machines_call { TICK } else { LONG_TICK }) => self.tick().await,
            }
        }
    }

    async fn until_online(&mut self) {
        self.until("online", |node| node.is_some_and(|node| matches!(node.status, NodeStatus::Online { .. }))).await;
    }

    async fn until_failed(&mut self) {
        self.until("failed", |node| node.is_some_and(|node| matches!(node.status, NodeStatus::ProvisioningFailed { .. }))).await;
    }

    async fn until_gone(&mut self) {
        self.until("gone", |node| node.is_none()).await;
    }

    /// Lets this time pass.
    async fn pass(&mut self, ms: u64) {
        let end = self.clock.now().plus_ms(ms);
        let clock = Arc::clone(&self.clock);
        self.until("later", move |_| clock.now() >= end).await;
    }

    /// What happens outside: the cloud's works come to an end now and then, and machines that run call.
    async fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks.is_multiple_of(6) {
            self.cloud.release();
            self.cloud.hold();
        }
        if !self.machines_call {
            return;
        }
        for (name, user_data) in self.cloud.started() {
            let text = user_data.expose();
            let from = text.find("spe_").expect("its user data carries the token");
            let token = text[from..].split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next().unwrap().to_owned();
            let booting = *self.booting.entry(token.clone()).or_insert(self.ticks);
            let booted = self.ticks - booting >= self.boot_ticks;
            if booted && !self.called.contains(&token) && self.call(&name, &token).await {
                self.called.insert(token);
            }
        }
    }

    /// A machine's agent trades its token and connects; whether it was let in.
    async fn call(&self, name: &str, token: &str) -> bool {
        assert_eq!(name, ownership::machine_name(NODE));
        let token = EnrolmentToken::parse(token).unwrap();
        let enrol = ProvisionCommand::Enrol { digest: token.digest(), instance: 77, address: "192.0.2.1".into() };
        if self.submit(Command::Provision(token.org, token.node, enrol)).await.is_err() {
            return false;
        }
        let Some(token_version) = self.node(|node| node.token.version) else { return false };
        let facts = MachineFacts { cpus: 2, ..MachineFacts::default() };
        let (agent_version, address) = ("test".into(), "192.0.2.1".into());
        let accept = NodeCommand::AcceptSession { token_version, instance: 8, agent_version, protocol: 1, address, facts };
        self.submit(Command::Node(ORG, NODE, accept)).await.is_ok()
    }

    /// Everything that was told, each event fitting what was before.
    fn verify(&self) -> Vec<Record> {
        let mut state = State::default();
        let mut all = Vec::new();
        while state.seq < self.log.head().seq {
            for group in self.log.read(state.seq + 1, 1 << 20).unwrap() {
                for record in group.records() {
                    let record = record.unwrap();
                    assert_eq!(check_next(&state, &record), []);
                    state.apply(&record);
                    assert_eq!(check(&state), []);
                    all.push(record);
                }
            }
        }
        self.server.directory.read(|seen| assert_eq!(*seen, state, "what is seen is the fold of the log"));
        all
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.verify().iter().map(|record| record.event.name()).filter(|name| name.starts_with("node.")).collect()
    }
}

impl Server {
    fn start(log: &Arc<MemoryLog>, vault: &Arc<Vault>, clock: &Arc<Paused>, unruly: &Unruly) -> Self {
        let log: Arc<dyn EventLog> = Arc::<MemoryLog>::clone(log);
        let state = replay(log.as_ref()).unwrap();
        custodian::collect(vault, &state).unwrap();
        let feed = Feed::new(Arc::clone(&log));
        let (journal, _, write) = Journal::start_here(log, state, Arc::clone(&feed));
        let (directory, fold) = Directory::start_here(&feed, View::default()).unwrap();
        let (secrets, board) = (Secrets::new(Arc::clone(vault)), Board::default());
        let settings = Settings::new(Installation::of_log(7), Arc::<Paused>::clone(clock)).unwrap();
        let unruly = unruly.clone();
        let open = move |provider: &str, secret| {
            let kind = crate::cloud::kind(provider).unwrap();
            Ok(unruly.around((kind.open)(&settings, secret)?))
        };
        let accounts = Accounts::opening(directory.clone(), secrets.clone(), Arc::new(open));
        let boot = Boot { api_url: "https://spunto.example".into(), agent_image: "agent:1".into() };
        let clock: Arc<dyn Clock> = Arc::<Paused>::clone(clock);
        let (journal_too, directory_too, board_too) = (journal.clone(), directory.clone(), board.clone());
        let parts = Parts {
            journal: journal_too,
            directory: directory_too,
            secrets,
            clock,
            accounts: accounts.clone(),
            board: board_too,
            boot,
            settle_ms: SETTLE_MS,
        };
        let tasks = vec![tokio::spawn(write), tokio::spawn(fold), tokio::spawn(run(parts))];
        Self { journal, directory, board, accounts, tasks }
    }
}
