//! A cloud under the provisioner: takes its time, says no, forgets to answer, does things late, and shows them late in its lists.
//! Machines boot, late or never, and are gone once they are deleted. It outlives the servers that ask it; what was sent before a
//! server died is done all the same.
//!
//! It keeps what a provider promises (see the trait) and no more: names are not unique, an order is known by its node and attempt.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spunto_actors::cloud::{
    Account, Architecture, Begun, Deletion, Fault as CloudFault, FaultKind, Happened, Image, Location, MachineType, Operation, Order,
    Progress, Provider, Reply, Resource, ResourceKind, ownership,
};
use spunto_core::id::{NodeId, OrgId};
use spunto_core::token::{EnrolmentToken, SecretDigest};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::faults::{Fault, Faults};

/// What is done after the answer was given up is done within so long: less than is waited before an empty list is believed.
const ACTS_WITHIN_MS: u64 = 50 * 1000;
/// A list may lag so long.
const LAG_MS_MAX: u64 = 20 * 1000;

/// A machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Its number.
    pub number: u64,
    /// Whose it is.
    pub node: NodeId,
    /// By which attempt's order.
    pub attempt: u32,
    /// What it proves itself with.
    pub enrolment: SecretDigest,
    org: OrgId,
    operation: u64,
    /// From when lists show it.
    shown_at: Instant,
    /// When it has booted; none when it never does.
    boots_at: Option<Instant>,
    /// When it is gone; none when it stays.
    gone_at: Option<Instant>,
}

impl Machine {
    /// Whether it has booted, and is not on its way out.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.boots_at.is_some_and(|at| at <= Instant::now()) && self.stays()
    }

    /// Whether nobody has asked for its deletion.
    #[must_use]
    pub const fn stays(&self) -> bool {
        self.gone_at.is_none()
    }

    fn resource(&self) -> Resource {
        Resource {
            kind: ResourceKind::Machine,
            reference: self.number.to_string(),
            name: ownership::machine_name(self.node),
            location: "here".to_owned(),
            state: if self.gone_at.is_some() { "deleting" } else { "running" }.to_owned(),
            machine_type: Some("small".to_owned()),
            address: Some("192.0.2.1".to_owned()),
            created: None,
            org: Some(self.org),
            node: Some(self.node),
            attempt: Some(self.attempt),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    machines: BTreeMap<u64, Machine>,
    /// When each operation is over, and how it fails then.
    operations: BTreeMap<u64, (u64, Instant, Option<CloudFault>)>,
    numbers: u64,
}

/// See the module. Clones share it.
#[derive(Clone)]
pub struct Cloud {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

fn fault(kind: FaultKind, happened: Happened, words: &str) -> CloudFault {
    CloudFault::new("Simulated Cloud", kind, happened, "simulated", words)
}

impl Cloud {
    /// A cloud without machines.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self { state: Arc::default(), faults }
    }

    /// Every machine there is, shown in lists or not.
    #[must_use]
    pub fn machines(&self) -> Vec<Machine> {
        let mut state = self.state.lock();
        state.settle();
        state.machines.values().cloned().collect()
    }

    async fn pause(&self, least_ms: u64, most_ms: u64) {
        sleep(Duration::from_millis(self.faults.seed.between(least_ms, most_ms))).await;
    }

    /// A call: on its way whether or not its caller lives, with whatever goes wrong.
    fn ask<T: Send + 'static>(&self, act: impl FnOnce(&Self) -> Result<T, CloudFault> + Send + 'static) -> Reply<'_, T> {
        let this = self.clone();
        Box::pin(async move {
            let (tell, answer) = oneshot::channel();
            tokio::spawn(async move {
                let answer = this.carry(act).await;
                // Whoever asked may be dead.
                let _ = tell.send(answer);
            });
            answer.await.unwrap_or_else(|_| Err(fault(FaultKind::Unavailable, Happened::Unknown, "the answer is lost")))
        })
    }

    async fn carry<T: Send + 'static>(self, act: impl FnOnce(&Self) -> Result<T, CloudFault> + Send + 'static) -> Result<T, CloudFault> {
        self.pause(5, 300).await;
        let lost = fault(FaultKind::Unavailable, Happened::Unknown, "the connection broke");
        if self.faults.strike(Fault::CloudRefused, 20) {
            return Err(fault(FaultKind::Unavailable, Happened::No, "not now"));
        }
        if self.faults.strike(Fault::CloudLimited, 15) {
            let retry_after = Some(Duration::from_millis(self.faults.seed.between(1000, 20_000)));
            return Err(fault(FaultKind::RateLimited { retry_after }, Happened::No, "too many calls"));
        }
        if self.faults.strike(Fault::CloudCallLost, 20) {
            self.pause(10, 30_000).await;
            return Err(lost);
        }
        if self.faults.strike(Fault::CloudActsLate, 30) {
            self.pause(10, 5000).await;
            let late = self.clone();
            tokio::spawn(async move {
                late.pause(1000, ACTS_WITHIN_MS).await;
                // Nobody hears of it.
                let _ = act(&late);
            });
            return Err(lost);
        }
        let answer = act(&self);
        if self.faults.strike(Fault::CloudAnswerLost, 25) {
            self.pause(10, 30_000).await;
            return Err(lost);
        }
        let late = if self.faults.strike(Fault::CloudAnswerLate, 20) { self.faults.seed.between(1000, 29_000) } else { 0 };
        self.pause(1 + late, 60 + late).await;
        answer
    }

    fn make(&self, order: &Order) -> Result<Begun, CloudFault> {
        let mut state = self.state.lock();
        state.settle();
        if let Some(there) = state.machines.values().find(|found| (found.node, found.attempt) == (order.node, order.attempt)) {
            if there.gone_at.is_some() {
                return Err(fault(FaultKind::Unavailable, Happened::No, "the earlier machine is still being deleted"));
            }
            return Ok(Begun { machine: there.resource(), operation: Some(Operation(there.operation.to_string())), found: true });
        }
        if state.shown().any(|found| found.node == order.node) {
            return Err(fault(FaultKind::NameTaken, Happened::No, "a machine of another attempt is there"));
        }
        if self.faults.strike(Fault::CloudFull, 50) {
            return Err(fault(FaultKind::Quota, Happened::No, "the limit is reached"));
        }
        let machine = self.machine(&mut state, order)?;
        let begun = Begun { machine: machine.resource(), operation: Some(Operation(machine.operation.to_string())), found: false };
        state.machines.insert(machine.number, machine);
        Ok(begun)
    }

    fn machine(&self, state: &mut State, order: &Order) -> Result<Machine, CloudFault> {
        let (seed, now) = (&self.faults.seed, Instant::now());
        let after = |least, most| now + Duration::from_millis(seed.between(least, most));
        let token = EnrolmentToken::parse(order.boot.enrolment_token.expose());
        let enrolment = token.map_err(|_| fault(FaultKind::Unknown, Happened::No, "no enrolment token is in the order"))?.digest();
        let (number, operation) = (state.next(), state.next());
        let fails = self.faults.strike(Fault::CreationFailed, 60);
        let never = fails || self.faults.strike(Fault::MachineNeverCalls, 80);
        let fails = fails.then(|| fault(FaultKind::NoCapacity, Happened::No, "no machine is free"));
        state.operations.insert(operation, (number, after(200, 8000), fails));
        let shown_at = if self.faults.strike(Fault::ListLags, 300) { after(100, LAG_MS_MAX) } else { now };
        let boots_at = match () {
            () if never => None,
            () if self.faults.strike(Fault::MachineLate, 100) => Some(after(30_000, 200_000)),
            () => Some(after(500, 8000)),
        };
        let (node, attempt, org) = (order.node, order.attempt, order.org);
        Ok(Machine { number, node, attempt, enrolment, org, operation, shown_at, boots_at, gone_at: None })
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// What has ended by now.
    fn settle(&mut self) {
        let now = Instant::now();
        let failed = self.operations.values().filter(|(_, over, fails)| *over <= now && fails.is_some()).map(|(machine, ..)| *machine);
        let failed: Vec<u64> = failed.collect();
        self.machines.retain(|number, machine| machine.gone_at.is_none_or(|at| at > now) && !failed.contains(number));
    }

    fn shown(&self) -> impl Iterator<Item = &Machine> {
        let now = Instant::now();
        self.machines.values().filter(move |machine| machine.shown_at <= now)
    }
}

impl Provider for Cloud {
    fn verify(&self) -> Reply<'_, Account> {
        self.ask(|this| match this.faults.strike(Fault::CredentialDenied, 30) {
            true => Err(fault(FaultKind::CredentialDenied, Happened::No, "who are you?")),
            false => Ok(Account { name: Some("simulated".to_owned()) }),
        })
    }

    fn locations(&self) -> Reply<'_, Vec<Location>> {
        self.ask(|_| Ok(Vec::new()))
    }

    fn machine_types<'a>(&'a self, _: &'a str) -> Reply<'a, Vec<MachineType>> {
        self.ask(|_| Ok(Vec::new()))
    }

    fn images(&self, _: Architecture) -> Reply<'_, Vec<Image>> {
        self.ask(|_| Ok(Vec::new()))
    }

    fn create<'a>(&'a self, order: &'a Order) -> Reply<'a, Begun> {
        let order = order.clone();
        self.ask(move |this| this.make(&order))
    }

    fn progress<'a>(&'a self, operation: &'a Operation) -> Reply<'a, Progress> {
        let number: u64 = operation.0.parse().unwrap_or(0);
        self.ask(move |this| {
            let mut state = this.state.lock();
            state.settle();
            Ok(match state.operations.get(&number) {
                None => Progress::Forgotten,
                Some((_, over, _)) if *over > Instant::now() => Progress::Running,
                Some((.., Some(failed))) => Progress::Failed(failed.clone()),
                Some((.., None)) => Progress::Done,
            })
        })
    }

    fn find(&self, node: NodeId) -> Reply<'_, Vec<Resource>> {
        self.ask(move |this| {
            let mut state = this.state.lock();
            state.settle();
            Ok(state.shown().filter(|machine| machine.node == node).map(Machine::resource).collect())
        })
    }

    fn delete<'a>(&'a self, resource: &'a Resource) -> Reply<'a, Deletion> {
        let number: u64 = resource.reference.parse().unwrap_or(0);
        self.ask(move |this| {
            let mut state = this.state.lock();
            state.settle();
            let gone_at = Instant::now() + Duration::from_millis(this.faults.seed.between(100, 15_000));
            let Some(machine) = state.machines.get_mut(&number) else { return Ok(Deletion::Gone) };
            machine.gone_at.get_or_insert(gone_at);
            Ok(Deletion::Going { operation: None })
        })
    }

    fn list(&self) -> Reply<'_, Vec<Resource>> {
        self.ask(|this| {
            let mut state = this.state.lock();
            state.settle();
            Ok(state.shown().map(Machine::resource).collect())
        })
    }
}
