//! One run: everything of a seed, step by step, then healed and judged.

mod heal;
pub mod month;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Once};
use std::time::Duration;

use spunto_actors::provisioner::sweep;
use spunto_actors::random::seeded;
use spunto_core::id::NodeId;
use spunto_core::secret::Secret;
use spunto_core::token::SecretDigest;
use spunto_events::vault::{MasterKey, Vault};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::agents::Process;
use crate::cloud::Cloud;
use crate::engine::Engine;
use crate::faults::{Fault, Faults};
use crate::log::{Disk, NextWrite};
use crate::machines::Machines;
use crate::network::{Network, Path};
use crate::people::{CREDENTIAL, ORG, People, Size};
use crate::seed::Seed;
use crate::server::{Server, WallClock};
use crate::verdict::Verdict;

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Faults made.
    pub faults: BTreeMap<Fault, u64>,
    /// Events in the log.
    pub events: u64,
    /// Commands of people.
    pub commands: u64,
    /// Messages carried between agents and server.
    pub messages: u64,
    /// Sessions accepted.
    pub sessions: u64,
    /// Hash over the whole log: the same seed gives the same.
    pub trace: String,
}

struct Slot {
    engine: Engine,
    process: Option<Process>,
    token: Option<SecretDigest>,
    second: Option<Process>,
    starts_at: Instant,
    path_until: Option<Instant>,
    /// The cloud's machine that the engine is on; none of a machine that somebody has.
    machine: Option<u64>,
}

struct World {
    disk: Arc<Disk>,
    vault: Arc<Vault>,
    clock: Arc<WallClock>,
    network: Network,
    faults: Faults,
    people: People,
    server: Option<Rc<Server>>,
    server_starts_at: Instant,
    full_until: Option<Instant>,
    slots: BTreeMap<NodeId, Slot>,
    engines: BTreeMap<NodeId, Engine>,
    machines: Machines,
    _directory: TempDir,
    verdict: Verdict,
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Panics of simulated parts are findings, wherever a task would have swallowed them.
fn catch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if QUIET.get() {
                PANIC.with_borrow_mut(|first| {
                    first.get_or_insert(panic.to_string());
                });
            } else {
                usual(panic);
            }
        }));
    });
}

/// Runs a seed for so many steps.
///
/// # Errors
/// What is wrong, with the step.
pub fn simulate(seed: u64, steps: u64) -> Result<Report, String> {
    in_its_own_time(seed, async {
        let mut world = World::new(seed, Disk::new(seed | 1), Size::default());
        let report = world.run(steps).await.map_err(|what| format!("{what}\nthe last events:\n{}", world.verdict.last_events()));
        world.leave();
        report
    })
}

/// Runs something on the clock and the chance of a seed, in this thread; panics in any of its tasks are its failure.
fn in_its_own_time<T>(seed: u64, run: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    catch_panics();
    QUIET.set(true);
    PANIC.set(None);
    seeded::start(seed);
    let runtime = move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        #[cfg(tokio_unstable)]
        builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
        builder.enable_time().start_paused(true).build().expect("a runtime without files needs nothing")
    };
    let outcome = actix::System::with_tokio_rt(runtime).block_on(run);
    QUIET.set(false);
    match PANIC.take() {
        Some(panic) => Err(format!("seed {seed}: {panic}")),
        None => outcome.map_err(|what| format!("seed {seed}, {what}")),
    }
}

impl World {
    fn new(seed: u64, disk: Arc<Disk>, size: Size) -> Self {
        let faults = Faults::new(Seed::new(seed));
        // In memory where there is such a place: nothing is asked of this disk.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory for the vault");
        let vault = Vault::open(directory.path(), MasterKey::new(&Secret::new([1; 32])), vec![]).expect("an empty vault opens");
        let machines = Machines::new(Cloud::new(faults.clone()), faults.seed.clone());
        Self {
            disk,
            vault: Arc::new(vault),
            clock: WallClock::new(),
            network: Network::new(faults.clone()),
            people: People::new(faults.seed.clone(), size),
            faults,
            server: None,
            server_starts_at: Instant::now(),
            full_until: None,
            slots: BTreeMap::new(),
            engines: BTreeMap::new(),
            machines,
            _directory: directory,
            verdict: Verdict::default(),
        }
    }

    fn start_server(&mut self) {
        let server = Rc::new(Server::start(&self.disk, &self.vault, &self.clock, &self.machines.cloud));
        *self.network.server.borrow_mut() = Some(Rc::clone(&server));
        self.server = Some(server);
    }

    fn kill_server(&mut self) {
        let seed = &self.faults.seed;
        self.server_starts_at = Instant::now() + Duration::from_millis(seed.between(0, 4000));
        *self.network.server.borrow_mut() = None;
        if let Some(server) = self.server.take() {
            server.kill();
        }
    }

    async fn run(&mut self, steps: u64) -> Result<Report, String> {
        self.start_server();
        if let Some(server) = &self.server {
            self.people.begin(server, &self.clock);
        }
        for step in 0..steps {
            self.step();
            sleep(Duration::from_millis(self.faults.seed.between(0, 250))).await;
            self.judge().map_err(|what| format!("step {step}: {what}"))?;
        }
        self.heal().await;
        self.judge().map_err(|what| format!("healing: {what}"))?;
        let server = self.server.clone().ok_or("no server after healing")?;
        server.directory.read(|live| self.verdict.end(live, &self.engines)).map_err(|what| format!("the end: {what}"))?;
        if self.verdict.has_credential() {
            let swept = sweep::report(&server.accounts, &server.directory, ORG, CREDENTIAL).await.map_err(|error| error.to_string())?;
            self.verdict.swept(&self.machines.cloud, &swept).map_err(|what| format!("the sweep: {what}"))?;
        }
        Ok(Report {
            faults: self.faults.made(),
            events: self.verdict.state.seq,
            commands: self.people.asked(),
            messages: self.network.messages(),
            sessions: self.verdict.sessions,
            trace: self.verdict.trace.finalize().to_hex().to_string(),
        })
    }

    fn judge(&mut self) -> Result<(), String> {
        self.verdict.follow(&self.disk, &self.network)?;
        self.verdict.hear(&self.people.told())?;
        Verdict::look(&self.engines)?;
        self.verdict.look_at_machines(&self.machines.cloud)?;
        PANIC.with_borrow(|panic| panic.clone().map_or(Ok(()), Err))
    }

    fn step(&mut self) {
        self.keep_server();
        self.keep_agents();
        if let Some(server) = self.server.clone() {
            match self.faults.seed.below(10) {
                0..6 => self.people.ask(&server, &self.clock),
                6 => self.people.repeat(&server, &self.clock),
                _ => {}
            }
        }
        self.break_server();
        self.break_nodes();
    }

    fn keep_server(&mut self) {
        if self.server.as_ref().is_some_and(|server| *server.failed.borrow()) {
            self.kill_server();
        }
        if self.server.is_none() && Instant::now() >= self.server_starts_at {
            self.start_server();
        }
    }

    /// Every node gets an engine and an agent; whoever is away comes back, with the token that is in force.
    fn keep_agents(&mut self) {
        let now = Instant::now();
        let nodes: Vec<NodeId> =
            self.verdict.state.orgs.get(&ORG).map(|org| org.fleet.nodes().map(|(id, _)| id).collect()).unwrap_or_default();
        for node in &nodes {
            if !self.slots.contains_key(node) {
                let engine = Engine::new(self.faults.clone(), Arc::clone(&self.clock));
                self.engines.insert(*node, engine.clone());
                let starts_at = now + Duration::from_millis(self.faults.seed.between(0, 3000));
                self.slots
                    .insert(*node, Slot { engine, process: None, token: None, second: None, starts_at, path_until: None, machine: None });
            }
        }
        for (node, slot) in &mut self.slots {
            if slot.process.as_ref().is_some_and(|process| !process.runs()) {
                slot.process = None;
            }
            let known = self.verdict.state.orgs.get(&ORG).and_then(|org| org.fleet.node(*node));
            let machine = self.machines.of(*node);
            let number = machine.as_ref().map(|machine| machine.number);
            if slot.machine != number {
                // Another machine, or none any more: what ran there is gone with it.
                slot.process = None;
                slot.machine = number;
                slot.engine = Engine::new(self.faults.clone(), Arc::clone(&self.clock));
                self.engines.insert(*node, slot.engine.clone());
            }
            let token = match (known.and_then(|known| known.provision.as_deref()), &machine) {
                (None, _) => known.map(|known| known.token.digest),
                (Some(_), None) => None,
                (Some(provision), Some(machine)) => {
                    let traded = self.machines.token(self.server.as_ref(), &self.clock, machine);
                    // Whoever rotates a token runs the commands on the machine; on one of an earlier attempt nobody does.
                    let current = known.filter(|_| provision.attempt == machine.attempt).map(|known| known.token.digest);
                    traded.map(|traded| current.unwrap_or(traded))
                }
            };
            // Whoever rotated a token runs the commands that were shown, sooner or later.
            if slot.token != token && (!self.faults.active() || self.faults.seed.per_mille(30)) {
                slot.process = None;
            }
            if let (None, Some(token)) = (&slot.process, token)
                && now >= slot.starts_at
            {
                slot.process = Some(Process::start(&self.network, &slot.engine, (ORG, *node), token));
                slot.token = Some(token);
            }
            if slot.path_until.is_some_and(|until| now >= until) {
                slot.path_until = None;
                self.network.set_path(*node, Path::Open);
            }
        }
    }

    fn break_server(&mut self) {
        if self.server.is_none() {
            return;
        }
        if self.faults.strike(Fault::ServerKilled, 4) {
            self.kill_server();
        } else if self.faults.strike(Fault::CrashAfterAppend, 3) {
            self.disk.arrange(NextWrite::Unheard);
        } else if self.faults.strike(Fault::FailedWrite, 3) {
            self.disk.arrange(NextWrite::Lost);
        }
        if self.full_until.is_some_and(|until| Instant::now() >= until) {
            self.full_until = None;
            self.disk.fill(false);
        }
        if self.faults.strike(Fault::DiskFull, 2) {
            self.disk.fill(true);
            self.full_until = Some(Instant::now() + Duration::from_millis(self.faults.seed.between(500, 20_000)));
        }
        if self.faults.strike(Fault::ClockJump, 5) {
            let ms = i64::try_from(self.faults.seed.below(1_200_000)).unwrap_or(0) - 600_000;
            self.clock.jump(ms);
        }
    }

    fn break_nodes(&mut self) {
        let nodes: Vec<NodeId> = self.slots.keys().copied().collect();
        let Some(node) = self.faults.seed.pick(&nodes).copied() else { return };
        let (seed, now) = (self.faults.seed.clone(), Instant::now());
        if self.faults.strike(Fault::ConnectionCut, 10) {
            self.network.cut(node);
        }
        let Some(slot) = self.slots.get_mut(&node) else { return };
        if self.faults.strike(Fault::Partition, 5) {
            self.network.set_path(node, Path::Partitioned);
            slot.path_until = Some(now + Duration::from_millis(seed.between(500, 30_000)));
        }
        if self.faults.strike(Fault::HalfOpen, 5) {
            self.network.set_path(node, if seed.per_mille(500) { Path::Deaf } else { Path::Mute });
            slot.path_until = Some(now + Duration::from_millis(seed.between(500, 30_000)));
        }
        if self.faults.strike(Fault::AgentKilled, 10) {
            match slot.process.take() {
                Some(mut process) if seed.per_mille(700) => process.kill(),
                Some(process) => {
                    process.stop();
                    // A moment to say goodbye.
                    actix_rt::spawn(async move {
                        sleep(Duration::from_secs(1)).await;
                        drop(process);
                    });
                }
                None => {}
            }
            slot.starts_at = now + Duration::from_millis(seed.between(1000, 20_000));
            if seed.per_mille(300) {
                slot.engine.remove_one();
            }
        }
        let known = self.verdict.state.orgs.get(&ORG).and_then(|org| org.fleet.node(node));
        // Nobody is shown the command of a node that a cloud makes.
        let token = known.filter(|known| known.provision.is_none()).map(|known| known.token.digest);
        if let Some(token) = token.filter(|_| slot.second.is_none())
            && self.faults.strike(Fault::SecondAgent, 3)
        {
            // The command was pasted on another machine too.
            let elsewhere = Engine::new(self.faults.clone(), Arc::clone(&self.clock));
            slot.second = Some(Process::start(&self.network, &elsewhere, (ORG, node), token));
        } else if seed.per_mille(20) {
            slot.second = None;
        }
        if self.faults.active() {
            match seed.below(200) {
                0..3 => slot.engine.end_one(),
                3 => slot.engine.remove_one(),
                4 => slot.engine.restart(),
                _ => {}
            }
        }
    }

    fn leave(&mut self) {
        self.slots.clear();
        self.kill_server();
    }
}
