//! A container engine under a node: outlives its agents, takes its time, says no, and forgets to answer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream;
use parking_lot::Mutex;
use spunto_actors::clock::Clock;
use spunto_agent::docker::{Fault as DockerFault, OPERATION_LABEL, Seen, UNIT_LABEL, name_of};
use spunto_agent::pool::{Network, Pool};
use spunto_agent::seam::Runtime;
use spunto_core::event::{Exited, MachineFacts};
use spunto_core::id::{OperationId, UnitId};
use spunto_core::observe::Observed;
use spunto_core::protocol::{Launch, Network as Lives, PullProgress};
use spunto_core::time::Timestamp;
use tokio::sync::broadcast;
use tokio::time::sleep;

use crate::faults::{Fault, Faults};
use crate::server::WallClock;

/// Happenings that a slow agent may be behind.
const HAPPENINGS_MAX: usize = 4096;

#[derive(Clone, Debug)]
enum State {
    Made,
    Runs { since: Timestamp },
    Ended { code: i64, since: Timestamp, at: Timestamp },
}

/// A container.
#[derive(Clone, Debug)]
pub struct Container {
    id: String,
    unit: UnitId,
    operation: OperationId,
    state: State,
}

impl Container {
    /// Whether it runs.
    #[must_use]
    pub const fn runs(&self) -> bool {
        matches!(self.state, State::Runs { .. })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose it is.
    #[must_use]
    pub const fn unit(&self) -> UnitId {
        self.unit
    }

    fn seen(&self) -> Seen {
        let (id, image_digest) = (self.id.clone(), "sha256:simulated".to_owned());
        let (observed, has_run, last_code) = match self.state {
            State::Made => (Observed::Stopped, false, 0),
            State::Runs { since } => (Observed::Started { container: id.clone(), image_digest, started_at: since }, true, 0),
            State::Ended { code, at, .. } => {
                (Observed::Exited(Exited { code, oom_killed: false, message: String::new(), finished_at: at }), true, code)
            }
        };
        let labels =
            HashMap::from([(UNIT_LABEL.to_owned(), self.unit.to_string()), (OPERATION_LABEL.to_owned(), self.operation.to_string())]);
        Seen { id, labels, observed, has_run, restarts: 0, last_code }
    }
}

struct Machine {
    made: u64,
    containers: BTreeMap<String, Container>,
    /// Containers that have run for an order: more than one is a unit started twice.
    ran: BTreeMap<OperationId, BTreeSet<String>>,
    /// Orders whose container was removed by hand or about which the engine did not answer well: those may run again.
    excused: BTreeSet<OperationId>,
    happenings: broadcast::Sender<String>,
}

/// The engine of one machine. Clones share it.
#[derive(Clone)]
pub struct Engine {
    machine: Arc<Mutex<Machine>>,
    faults: Faults,
    clock: Arc<WallClock>,
}

impl Engine {
    /// An engine with nothing on it.
    #[must_use]
    pub fn new(faults: Faults, clock: Arc<WallClock>) -> Self {
        let happenings = broadcast::channel(HAPPENINGS_MAX).0;
        let machine = Machine { made: 0, containers: BTreeMap::new(), ran: BTreeMap::new(), excused: BTreeSet::new(), happenings };
        Self { machine: Arc::new(Mutex::new(machine)), faults, clock }
    }

    /// As an agent's process uses it; once the process is dead, nothing it asked for happens any more.
    #[must_use]
    pub fn of_process(&self, alive: Arc<AtomicBool>) -> OfProcess {
        OfProcess { engine: self.clone(), alive }
    }

    /// Every container.
    #[must_use]
    pub fn containers(&self) -> Vec<Container> {
        self.machine.lock().containers.values().cloned().collect()
    }

    /// Orders for which more than one container has run.
    #[must_use]
    pub fn run_twice(&self) -> Vec<OperationId> {
        let machine = self.machine.lock();
        let twice = machine.ran.iter().filter(|(operation, containers)| containers.len() > 1 && !machine.excused.contains(operation));
        twice.map(|(operation, _)| *operation).collect()
    }

    fn pick(&self, runs: bool) -> Option<String> {
        let machine = self.machine.lock();
        let names: Vec<&String> =
            machine.containers.iter().filter(|(_, container)| !runs || container.runs()).map(|(name, _)| name).collect();
        self.faults.seed.pick(&names).map(|name| (*name).clone())
    }

    /// Some container ends by itself.
    pub fn end_one(&self) {
        let Some(name) = self.pick(true) else { return };
        let code = i64::try_from(self.faults.seed.below(3)).unwrap_or(0);
        self.machine.lock().end(&name, code, self.clock.now());
        self.faults.count(Fault::ContainerExited);
    }

    /// Somebody removes some container by hand.
    pub fn remove_one(&self) {
        let Some(name) = self.pick(false) else { return };
        let mut machine = self.machine.lock();
        machine.excuse(&name);
        machine.remove(&name);
        self.faults.count(Fault::ContainerRemovedByHand);
    }

    /// The engine is started again: what ran has ended, and nobody hears of it.
    pub fn restart(&self) {
        let now = self.clock.now();
        let mut machine = self.machine.lock();
        let running: Vec<String> =
            machine.containers.iter().filter(|(_, container)| container.runs()).map(|(name, _)| name.clone()).collect();
        machine.happenings = broadcast::channel(HAPPENINGS_MAX).0;
        for name in running {
            machine.end(&name, 137, now);
        }
        self.faults.count(Fault::EngineRestarted);
    }
}

impl Machine {
    fn tell(&self, unit: UnitId) {
        // Nobody listening is an agent that is away.
        let _ = self.happenings.send(unit.to_string());
    }

    fn name_of(&self, container: &str) -> Option<String> {
        let known = self.containers.iter().find(|(name, known)| name.as_str() == container || known.id == container);
        known.map(|(name, _)| name.clone())
    }

    fn end(&mut self, name: &str, code: i64, at: Timestamp) {
        if let Some(container) = self.containers.get_mut(name)
            && let State::Runs { since } = container.state
        {
            container.state = State::Ended { code, since, at };
            let unit = container.unit;
            self.tell(unit);
        }
    }

    fn excuse(&mut self, container: &str) {
        let name = self.name_of(container).unwrap_or_default();
        self.excused.extend(self.containers.get(&name).map(|known| known.operation));
    }

    fn remove(&mut self, name: &str) {
        if let Some(container) = self.containers.remove(name) {
            self.tell(container.unit);
        }
    }

    fn start(&mut self, name: &str, now: Timestamp) {
        let Some(container) = self.containers.get_mut(name) else { return };
        if container.runs() {
            return;
        }
        // No two starts of one container are of the same time, as with a real engine's nanoseconds.
        let after = match container.state {
            State::Ended { since, .. } => since.plus_ms(1),
            State::Made | State::Runs { .. } => now,
        };
        container.state = State::Runs { since: now.max(after) };
        let (unit, operation, id) = (container.unit, container.operation, container.id.clone());
        self.ran.entry(operation).or_default().insert(id);
        self.tell(unit);
    }
}

/// See [`Engine::of_process`].
pub struct OfProcess {
    engine: Engine,
    alive: Arc<AtomicBool>,
}

fn absent(container: &str) -> DockerFault {
    DockerFault::Refused { status: 404, message: format!("No such container: {container}") }
}

impl OfProcess {
    async fn pause(&self, least_ms: u64, most_ms: u64) {
        sleep(Duration::from_millis(self.engine.faults.seed.between(least_ms, most_ms))).await;
        if !self.alive.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    /// Does something after a while, and answers after another; either may go wrong.
    async fn ask<T>(
        &self,
        about: &str,
        effect: impl FnOnce(&mut Machine, Timestamp) -> Result<T, DockerFault> + Send,
    ) -> Result<T, DockerFault> {
        self.pause(1, 60).await;
        if self.engine.faults.strike(Fault::EngineRefused, 6) {
            self.engine.machine.lock().excuse(about);
            return Err(DockerFault::Refused { status: 500, message: "the engine says no".into() });
        }
        let done = {
            let now = self.engine.clock.now();
            effect(&mut self.engine.machine.lock(), now)
        };
        self.pause(1, 20).await;
        if self.engine.faults.strike(Fault::EngineAnswerLost, 6) {
            self.engine.machine.lock().excuse(about);
            return Err(DockerFault::Unreachable("the answer is lost".into()));
        }
        done
    }
}

impl Runtime for OfProcess {
    async fn facts(&self) -> Result<MachineFacts, DockerFault> {
        self.ask("", |_, _| Ok(MachineFacts { hostname: "simulated".into(), cpus: 4, memory_bytes: 8 << 30, ..MachineFacts::default() }))
            .await
    }

    async fn containers(&self) -> Result<Vec<String>, DockerFault> {
        self.ask("", |machine, _| Ok(machine.containers.values().map(|container| container.id.clone()).collect())).await
    }

    async fn look(&self, container: &str) -> Result<Option<Seen>, DockerFault> {
        let container = container.to_owned();
        self.ask(&container.clone(), move |machine, _| {
            let name = machine.name_of(&container);
            Ok(name.and_then(|name| machine.containers.get(&name)).map(Container::seen))
        })
        .await
    }

    fn happenings(&self) -> impl Stream<Item = Result<String, DockerFault>> + Send {
        let receiver = self.engine.machine.lock().happenings.subscribe();
        stream::unfold(receiver, |mut receiver| async move {
            match receiver.recv().await {
                Ok(unit) => Some((Ok(unit), receiver)),
                Err(broadcast::error::RecvError::Lagged(_)) => Some((Err(DockerFault::Unreachable("too slow".into())), receiver)),
                Err(broadcast::error::RecvError::Closed) => None,
            }
        })
    }

    fn output(&self, _: &str, _: u32, _: bool) -> impl Stream<Item = Result<(bool, Vec<u8>), DockerFault>> + Send {
        stream::empty()
    }

    async fn ensure_image(&self, _: &str, mut progress: impl FnMut(PullProgress) + Send) -> Result<(), DockerFault> {
        progress(PullProgress::default());
        // Most images are there; some take long.
        let most = if self.engine.faults.seed.per_mille(100) { 20_000 } else { 100 };
        self.pause(1, most).await;
        self.ask("", |_, _| Ok(())).await
    }

    async fn ensure_network(&self, unit: UnitId, _: &Lives, _: Pool, _: &[Network], _: u64) -> Result<String, DockerFault> {
        self.ask("", |_, _| Ok(name_of(unit))).await
    }

    async fn create(&self, unit: UnitId, operation: OperationId, _: &Launch, _: &str) -> Result<(), DockerFault> {
        self.ask(&name_of(unit), |machine, _| {
            let name = name_of(unit);
            if machine.containers.contains_key(&name) {
                return Err(DockerFault::Refused { status: 409, message: format!("the name {name} is in use") });
            }
            machine.made += 1;
            let container = Container { id: format!("c{:08}", machine.made), unit, operation, state: State::Made };
            machine.containers.insert(name, container);
            Ok(())
        })
        .await
    }

    async fn start(&self, container: &str) -> Result<(), DockerFault> {
        let container = container.to_owned();
        self.ask(&container.clone(), move |machine, now| {
            let name = machine.name_of(&container).ok_or_else(|| absent(&container))?;
            machine.start(&name, now);
            Ok(())
        })
        .await
    }

    async fn stop(&self, container: &str, _: u32) -> Result<(), DockerFault> {
        let container = container.to_owned();
        self.ask(&container.clone(), move |machine, now| {
            if let Some(name) = machine.name_of(&container) {
                machine.end(&name, 143, now);
            }
            Ok(())
        })
        .await
    }

    async fn remove(&self, container: &str) -> Result<(), DockerFault> {
        let container = container.to_owned();
        self.ask(&container.clone(), move |machine, _| {
            if let Some(name) = machine.name_of(&container) {
                machine.remove(&name);
            }
            Ok(())
        })
        .await
    }

    async fn remove_network_of(&self, _: UnitId) -> Result<(), DockerFault> {
        self.ask("", |_, _| Ok(())).await
    }

    async fn remove_empty_networks(&self) -> Result<(), DockerFault> {
        self.ask("", |_, _| Ok(())).await
    }

    async fn remove_everything(&self) -> Result<(), DockerFault> {
        for container in self.containers().await? {
            self.remove(&container).await?;
        }
        Ok(())
    }
}
