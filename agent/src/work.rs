//! Carries out orders: one at a time for each unit, a few at a time in all, each as often as it comes and once in effect.

use spunto_core::planted::{self, Bug};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spunto_core::event::UnitStep;
use spunto_core::id::{OperationId, UnitId};
use spunto_core::observe::Observed;
use spunto_core::protocol::{FromAgent, Launch, Network, Work, cut};
use tokio::sync::{Notify, RwLock, Semaphore, mpsc};
use tokio::task::AbortHandle;
use tracing::{info, warn};

use crate::docker::{Fault, name_of};
use crate::latest::Latest;
use crate::outbox::Outbox;
use crate::pool;
use crate::seam::{Dial, Runtime};

/// Orders carried out at a time: Docker does most things one after the other anyway.
const ORDERS_AT_A_TIME: usize = 8;
/// Live frames (progress) that wait; more are dropped.
pub const LIVE_FRAMES_MAX: usize = 64;

/// How often a container that was started is looked at until there is an answer.
const LOOKS_MAX: u32 = 3;
/// Between two such looks.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

struct Running {
    operation: OperationId,
    /// Makes the container: an order to stop or remove it ends this one.
    launches: bool,
    task: AbortHandle,
}

/// What lives as long as the agent's process, over all its sessions.
pub struct Node<R, D> {
    /// Runs containers.
    pub runtime: R,
    /// Reaches the control plane.
    pub dialer: D,
    /// Addresses for networks.
    pub pool: pool::Pool,
    /// What the server has not acknowledged.
    pub outbox: Mutex<Outbox>,
    /// There is something new in the outbox.
    pub news: Notify,
    /// A new inventory should be sent.
    pub inventory: Notify,
    /// The host's routes.
    pub taken: Mutex<Vec<pool::Network>>,
    /// Progress to be shown; lossy.
    pub live: mpsc::Sender<FromAgent>,
    units: Mutex<HashMap<UnitId, Arc<tokio::sync::Mutex<()>>>>,
    running: Mutex<HashMap<UnitId, Running>>,
    latest: Mutex<Latest>,
    slots: Semaphore,
    /// Services come under the read half, their network goes under the write half.
    deployments: RwLock<()>,
    /// One network is made at a time: Docker makes two of one name without a word.
    making_network: tokio::sync::Mutex<()>,
}

struct Failure(UnitStep, Fault);

/// Names the step at which something failed.
trait At<T> {
    fn at(self, step: UnitStep) -> Result<T, Failure>;
}

impl<T> At<T> for Result<T, Fault> {
    fn at(self, step: UnitStep) -> Result<T, Failure> {
        self.map_err(|fault| Failure(step, fault))
    }
}

impl<R: Runtime, D: Dial> Node<R, D> {
    /// A node and the receiving end of its live frames.
    #[must_use]
    pub fn new(runtime: R, dialer: D, pool: pool::Pool) -> (Arc<Self>, mpsc::Receiver<FromAgent>) {
        let (live, frames) = mpsc::channel(LIVE_FRAMES_MAX);
        let node = Self {
            runtime,
            dialer,
            pool,
            outbox: Mutex::default(),
            news: Notify::new(),
            inventory: Notify::new(),
            taken: Mutex::default(),
            live,
            units: Mutex::default(),
            running: Mutex::default(),
            latest: Mutex::default(),
            slots: Semaphore::new(ORDERS_AT_A_TIME),
            deployments: RwLock::default(),
            making_network: tokio::sync::Mutex::default(),
        };
        (Arc::new(node), frames)
    }

    /// Whoever holds this does something to the unit's container.
    pub(crate) fn unit(&self, unit: UnitId) -> Arc<tokio::sync::Mutex<()>> {
        let mut units = self.units.lock();
        if units.len() > 1024 {
            units.retain(|_, lock| Arc::strong_count(lock) > 1);
        }
        Arc::clone(units.entry(unit).or_default())
    }

    /// Takes an order in; the result comes by the outbox.
    pub fn operate(self: &Arc<Self>, operation: OperationId, work: Work) {
        let node = Arc::clone(self);
        let (unit, launches) = match &work {
            Work::Run { unit, .. } | Work::Start { unit, .. } => (*unit, true),
            Work::Stop { unit, .. } | Work::Remove { unit } => (*unit, false),
            Work::RemoveOrphan { container } => {
                let container = container.clone();
                tokio::spawn(async move { node.remove_orphan(&container).await });
                return;
            }
        };
        if self.latest.lock().is_over(unit, operation) && !planted::is(Bug::LateOrder) {
            return;
        }
        let mut running = self.running.lock();
        if let Some(other) = running.get(&unit) {
            if other.operation == operation {
                return;
            }
            // Nobody wants what is still being made: a long pull must not hold a stop up.
            if other.launches && !launches {
                other.task.abort();
            }
        }
        let task = tokio::spawn(async move { node.carry_out(unit, operation, work).await }).abort_handle();
        running.insert(unit, Running { operation, launches, task });
    }

    async fn carry_out(self: Arc<Self>, unit: UnitId, operation: OperationId, work: Work) {
        let lock = self.unit(unit);
        let _one_at_a_time = lock.lock().await;
        let Ok(_slot) = self.slots.acquire().await else { return };
        let done = match &work {
            Work::Run { launch, .. } => self.run(unit, operation, launch, false).await,
            Work::Start { launch, .. } => self.run(unit, operation, launch, true).await,
            Work::Stop { grace_s, .. } => {
                self.runtime.stop(&name_of(unit), *grace_s).await.at(UnitStep::StopContainer).map(|()| Observed::Stopped)
            }
            Work::Remove { .. } => self.remove(unit).await.at(UnitStep::Remove).map(|()| Observed::Removed),
            Work::RemoveOrphan { .. } => return,
        };
        let observed = done.unwrap_or_else(|Failure(step, fault)| {
            warn!(%unit, ?step, %fault, "an order failed");
            Observed::Failed { step, message: cut(&fault.to_string()) }
        });
        info!(%unit, %operation, state = word(&observed), "order carried out");
        self.outbox.lock().result(unit, operation, observed);
        let mut running = self.running.lock();
        if running.get(&unit).is_some_and(|known| known.operation == operation) {
            running.remove(&unit);
        }
        drop(running);
        self.news.notify_one();
    }

    /// Makes and starts a container, unless this order has made one; `again` starts one of an earlier order instead.
    async fn run(&self, unit: UnitId, operation: OperationId, launch: &Launch, again: bool) -> Result<Observed, Failure> {
        let name = name_of(unit);
        if let Some(seen) = self.runtime.look(&name).await.at(UnitStep::CreateContainer)? {
            let same = seen.operation() == Some(operation);
            if same && seen.has_run && !planted::is(Bug::DoubleSpawn) || again && seen.runs() {
                return Ok(seen.observed);
            }
            if again && seen.has_run {
                self.runtime.start(&seen.id).await.at(UnitStep::StartContainer)?;
                return self.started(&name).await;
            }
            // It was made and never ran, or is left over from an order that nobody wants any more.
            self.runtime.remove(&seen.id).await.at(UnitStep::CreateContainer)?;
        }
        let live = self.live.clone();
        let progress = move |progress| drop(live.try_send(FromAgent::PullProgress { unit, progress }));
        self.runtime.ensure_image(&launch.image, progress).await.at(UnitStep::PullImage)?;
        let shared = matches!(launch.network, Network::Deployment { .. });
        let _network_stays = if shared { Some(self.deployments.read().await) } else { None };
        match self.make(unit, operation, launch).await {
            Ok(()) => self.started(&name).await,
            Err(failure) => self.unmade(unit, operation, shared, failure).await,
        }
    }

    /// Making a container failed, or so it was answered: what counts is what is there. Another agent of this node may have carried the
    /// same order out meanwhile, and only what this order made and what never ran is removed.
    async fn unmade(&self, unit: UnitId, operation: OperationId, shared: bool, failure: Failure) -> Result<Observed, Failure> {
        if let Ok(Some(seen)) = self.runtime.look(&name_of(unit)).await
            && seen.operation() == Some(operation)
        {
            if seen.has_run {
                return Ok(seen.observed);
            }
            // The failure that counts is the first.
            let _ = self.runtime.remove(&seen.id).await;
        }
        if !shared {
            let _ = self.runtime.remove_network_of(unit).await;
        }
        Err(failure)
    }

    async fn make(&self, unit: UnitId, operation: OperationId, launch: &Launch) -> Result<(), Failure> {
        let taken = self.taken.lock().clone();
        let start = crate::run::random();
        let network = {
            let _one_at_a_time = self.making_network.lock().await;
            let network = self.runtime.ensure_network(unit, &launch.network, self.pool, &taken, start);
            network.await.at(UnitStep::CreateNetwork)?
        };
        self.runtime.create(unit, operation, launch, &network).await.at(UnitStep::CreateContainer)?;
        self.runtime.start(&name_of(unit)).await.at(UnitStep::StartContainer)
    }

    async fn started(&self, name: &str) -> Result<Observed, Failure> {
        let mut asked = 1;
        // It runs by now; saying that it failed because one answer was lost would be wrong.
        let seen = loop {
            match self.runtime.look(name).await {
                Err(_) if asked < LOOKS_MAX => asked += 1,
                looked => break looked.at(UnitStep::StartContainer)?,
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        };
        let gone =
            || Failure(UnitStep::StartContainer, Fault::Refused { status: 404, message: "the container was removed as it started".into() });
        Ok(seen.ok_or_else(gone)?.observed)
    }

    async fn remove(&self, unit: UnitId) -> Result<(), Fault> {
        self.runtime.remove(&name_of(unit)).await?;
        match unit {
            UnitId::Worker(_) => self.runtime.remove_network_of(unit).await,
            UnitId::Service(_) => {
                let _nobody_comes = self.deployments.write().await;
                self.runtime.remove_empty_networks().await
            }
        }
    }

    async fn remove_orphan(&self, container: &str) {
        // Only a container with this node's label is found, and only such a one is removed.
        match self.runtime.look(container).await {
            Ok(Some(seen)) => match self.runtime.remove(&seen.id).await {
                Ok(()) => info!(container, "a container that belongs to nothing was removed"),
                Err(fault) => warn!(container, %fault, "a container that belongs to nothing could not be removed"),
            },
            Ok(None) => {}
            Err(fault) => warn!(container, %fault, "a container that belongs to nothing could not be removed"),
        }
        let _nobody_comes = self.deployments.write().await;
        let _ = self.runtime.remove_empty_networks().await;
    }
}

const fn word(observed: &Observed) -> &'static str {
    match observed {
        Observed::Started { .. } => "started",
        Observed::Failed { .. } => "failed",
        Observed::Exited(_) => "exited",
        Observed::Restarting(_) => "restarting",
        Observed::Stopped => "stopped",
        Observed::Removed => "removed",
        Observed::Lost(_) => "lost",
    }
}
