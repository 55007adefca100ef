//! A cloud in memory: for simulations and tests of those who provision. No server is built with it.
//!
//! It keeps what the real ones keep (`conformance.rs`), and does on request what they do at bad moments.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use parking_lot::Mutex;
use spunto_core::id::NodeId;
use spunto_core::secret::Secret;

use super::fault::{Fault, FaultKind, Happened};
use super::machine::{Begun, Deletion, Operation, Order, Progress, Resource, ResourceKind};
use super::options::{Account, Architecture, Availability, Image, Location, MachineType, Price};
use super::ownership::{self, Installation};
use super::{Kind, Provider, Reply, user_data};

const TITLE: &str = "Fake Cloud";
/// The credential that is refused.
pub const DENIED: &str = "denied";

/// In the table of providers.
pub const KIND: Kind = Kind {
    name: "fake",
    title: TITLE,
    credential: "The name of a world.",
    open: |settings, credential| {
        Ok(Arc::new(Fake {
            account: World::named(credential.expose()),
            denied: credential.expose() == DENIED,
            installation: settings.installation,
        }))
    },
};

/// Something that can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// See [`Provider::verify`].
    Verify,
    /// Locations, types, images.
    Options,
    /// See [`Provider::create`].
    Create,
    /// See [`Provider::progress`].
    Progress,
    /// See [`Provider::find`].
    Find,
    /// See [`Provider::delete`].
    Delete,
    /// See [`Provider::list`].
    List,
}

/// What happens to the next such call.
#[derive(Clone, Debug)]
pub enum Mishap {
    /// It is refused.
    Refused(Fault),
    /// It breaks before anything is done.
    BeforeActing,
    /// It is done, and the answer lost.
    AfterActing,
    /// It is done at once, and answered so much later by tokio's clock.
    Late(Duration),
}

#[derive(Clone, Debug)]
struct Machine {
    resource: Resource,
    installation: Option<Installation>,
    creation: u64,
    user_data: Secret<String>,
}

#[derive(Clone, Debug)]
enum Doing {
    Creating(Option<Fault>),
    Deleting,
    Done,
    Failed(Fault),
}

#[derive(Debug, Default)]
struct State {
    machines: Vec<Machine>,
    operations: BTreeMap<u64, (String, Doing)>,
    mishaps: VecDeque<(Ask, Mishap)>,
    fail_next: Option<Fault>,
    held: bool,
    numbers: u64,
    made: usize,
}

/// An account at the fake cloud, shared by all who have its name as their credential.
#[derive(Debug, Default)]
pub struct World(Mutex<State>);

static WORLDS: LazyLock<Mutex<BTreeMap<String, Arc<World>>>> = LazyLock::new(Mutex::default);

impl World {
    /// The world of this name, made where there is none.
    #[must_use]
    pub fn named(name: &str) -> Arc<Self> {
        Arc::clone(WORLDS.lock().entry(name.to_owned()).or_default())
    }

    /// What happens to the next call of this sort; several wait in turn.
    pub fn mishap(&self, ask: Ask, mishap: Mishap) {
        self.0.lock().mishaps.push_back((ask, mishap));
    }

    /// The next creation fails so after it was accepted; nothing of the machine stays.
    pub fn fail_later(&self, fault: Fault) {
        self.0.lock().fail_next = Some(fault);
    }

    /// Operations go on until they are released.
    pub fn hold(&self) {
        self.0.lock().held = true;
    }

    /// Operations end, those to come at once.
    pub fn release(&self) {
        let mut state = self.0.lock();
        state.held = false;
        state.settle();
    }

    /// How many machines there are.
    #[must_use]
    pub fn machines(&self) -> usize {
        self.0.lock().machines.len()
    }

    /// How many were ever made.
    #[must_use]
    pub fn ever_made(&self) -> usize {
        self.0.lock().made
    }

    /// What each machine that runs was started with, by name.
    #[must_use]
    pub fn started(&self) -> Vec<(String, Secret<String>)> {
        let running = |machine: &&Machine| machine.resource.state == "running";
        self.0.lock().machines.iter().filter(running).map(|found| (found.resource.name.clone(), found.user_data.clone())).collect()
    }

    /// A machine with this name that is nobody's.
    pub fn plant(&self, name: &str) {
        let mut state = self.0.lock();
        let resource = resource(name, state.next());
        state.machines.push(Machine { resource, installation: None, creation: 0, user_data: Secret::new(String::new()) });
    }
}

fn resource(name: &str, number: u64) -> Resource {
    Resource {
        kind: ResourceKind::Machine,
        reference: number.to_string(),
        name: name.to_owned(),
        location: "here".to_owned(),
        state: "starting".to_owned(),
        machine_type: Some("small".to_owned()),
        address: Some("192.0.2.1".to_owned()),
        created: None,
        org: None,
        node: None,
        attempt: None,
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn begin(&mut self, reference: &str, doing: Doing) -> u64 {
        let number = self.next();
        self.operations.insert(number, (reference.to_owned(), doing));
        self.settle();
        number
    }

    /// Ends what goes on, unless it is held.
    fn settle(&mut self) {
        if self.held {
            return;
        }
        for (reference, doing) in self.operations.values_mut() {
            match doing {
                Doing::Creating(None) => {
                    self.machines
                        .iter_mut()
                        .filter(|found| found.resource.reference == *reference)
                        .for_each(|found| found.resource.state = "running".to_owned());
                    *doing = Doing::Done;
                }
                Doing::Creating(Some(fault)) => {
                    self.machines.retain(|found| found.resource.reference != *reference);
                    *doing = Doing::Failed(fault.clone());
                }
                Doing::Deleting => {
                    self.machines.retain(|found| found.resource.reference != *reference);
                    *doing = Doing::Done;
                }
                Doing::Done | Doing::Failed(_) => {}
            }
        }
    }
}

/// The fake, as one installation sees it.
struct Fake {
    account: Arc<World>,
    denied: bool,
    installation: Installation,
}

fn broke() -> Fault {
    Fault::new(TITLE, FaultKind::Unavailable, Happened::Unknown, "", "the connection broke")
}

fn refused(kind: FaultKind, code: &str, message: &str) -> Fault {
    Fault::new(TITLE, kind, Happened::No, code, message)
}

impl Fake {
    /// Does it, with what was planned to go wrong. Like a real call, it does nothing before it is waited for.
    fn ask<'a, T: Send + 'a>(&'a self, ask: Ask, act: impl FnOnce(&mut State) -> Result<T, Fault> + Send + 'a) -> Reply<'a, T> {
        Box::pin(async move {
            let (answer, late) = self.act(ask, act);
            if let Some(late) = late {
                tokio::time::sleep(late).await;
            }
            answer
        })
    }

    fn act<T>(&self, ask: Ask, act: impl FnOnce(&mut State) -> Result<T, Fault>) -> (Result<T, Fault>, Option<Duration>) {
        let mut state = self.account.0.lock();
        if self.denied {
            return (Err(refused(FaultKind::CredentialDenied, "denied", "there is no such credential")), None);
        }
        let place = state.mishaps.iter().position(|(planned, _)| *planned == ask);
        match place.and_then(|place| state.mishaps.remove(place)).map(|(_, mishap)| mishap) {
            Some(Mishap::Refused(fault)) => (Err(fault), None),
            Some(Mishap::BeforeActing) => (Err(broke()), None),
            Some(Mishap::AfterActing) => (act(&mut state).and_then(|_| Err(broke())), None),
            Some(Mishap::Late(late)) => (act(&mut state), Some(late)),
            None => (act(&mut state), None),
        }
    }

    fn make(&self, state: &mut State, order: &Order) -> Result<Begun, Fault> {
        let name = ownership::machine_name(order.node);
        if let Some(there) = state.machines.iter().find(|found| found.resource.name == name) {
            let same = there.installation == Some(self.installation) && there.resource.attempt == Some(order.attempt);
            if !same {
                return Err(refused(FaultKind::NameTaken, "taken", "the name is taken"));
            }
            let operation = Some(Operation(there.creation.to_string()));
            return Ok(Begun { machine: there.resource.clone(), operation, found: true });
        }
        let user_data = user_data::cloud_config(&order.boot).map_err(|error| refused(FaultKind::Unknown, "", &error.to_string()))?;
        let number = state.next();
        let owned = Resource { org: Some(order.org), node: Some(order.node), attempt: Some(order.attempt), ..resource(&name, number) };
        state.made += 1;
        state.machines.push(Machine { resource: owned.clone(), installation: Some(self.installation), creation: 0, user_data });
        let failing = state.fail_next.take();
        let creation = state.begin(&owned.reference, Doing::Creating(failing));
        state.machines.iter_mut().filter(|found| found.resource.reference == owned.reference).for_each(|found| found.creation = creation);
        Ok(Begun { machine: owned, operation: Some(Operation(creation.to_string())), found: false })
    }

    fn remove(&self, state: &mut State, reference: &str) -> Result<Deletion, Fault> {
        let Some(found) = state.machines.iter_mut().find(|found| found.resource.reference == reference) else { return Ok(Deletion::Gone) };
        if found.installation != Some(self.installation) {
            return Err(refused(FaultKind::Forbidden, "foreign", "it is somebody else's"));
        }
        if found.resource.state == "deleting" && state.held {
            return Ok(Deletion::Going { operation: None });
        }
        found.resource.state = "deleting".to_owned();
        Ok(Deletion::Going { operation: Some(Operation(state.begin(reference, Doing::Deleting).to_string())) })
    }

    fn seen(&self, state: &State) -> Vec<Resource> {
        let own = |found: &&Machine| found.installation == Some(self.installation);
        state.machines.iter().filter(own).map(|found| found.resource.clone()).collect()
    }
}

impl Provider for Fake {
    fn verify(&self) -> Reply<'_, Account> {
        self.ask(Ask::Verify, |_| Ok(Account { name: Some("fake".to_owned()) }))
    }

    fn locations(&self) -> Reply<'_, Vec<Location>> {
        self.ask(Ask::Options, |_| Ok(vec![Location { id: "here".to_owned(), title: "Here".to_owned() }]))
    }

    fn machine_types<'a>(&'a self, _location: &'a str) -> Reply<'a, Vec<MachineType>> {
        let price = Price { currency: "EUR".to_owned(), hourly: "0.0060".to_owned(), monthly: "3.79".to_owned() };
        let small = MachineType {
            id: "small".to_owned(),
            title: "Small".to_owned(),
            cpus: 2,
            memory_mib: 2_048,
            disk_gb: Some(40),
            architecture: Some(Architecture::X86),
            price: Some(price),
            availability: Availability::Available,
        };
        self.ask(Ask::Options, |_| Ok(vec![small]))
    }

    fn images(&self, _architecture: Architecture) -> Reply<'_, Vec<Image>> {
        self.ask(Ask::Options, |_| Ok(vec![Image { id: "debian-12".to_owned(), title: "Debian 12".to_owned() }]))
    }

    fn create<'a>(&'a self, order: &'a Order) -> Reply<'a, Begun> {
        self.ask(Ask::Create, |state| self.make(state, order))
    }

    fn progress<'a>(&'a self, operation: &'a Operation) -> Reply<'a, Progress> {
        self.ask(Ask::Progress, |state| {
            let found = operation.0.parse().ok().and_then(|number: u64| state.operations.get(&number));
            Ok(match found.map(|(_, doing)| doing) {
                None => Progress::Forgotten,
                Some(Doing::Done) => Progress::Done,
                Some(Doing::Failed(fault)) => Progress::Failed(fault.clone()),
                Some(_) => Progress::Running,
            })
        })
    }

    fn find(&self, node: NodeId) -> Reply<'_, Vec<Resource>> {
        self.ask(Ask::Find, move |state| Ok(self.seen(state).into_iter().filter(|found| found.node == Some(node)).collect()))
    }

    fn delete<'a>(&'a self, resource: &'a Resource) -> Reply<'a, Deletion> {
        self.ask(Ask::Delete, |state| self.remove(state, &resource.reference))
    }

    fn list(&self) -> Reply<'_, Vec<Resource>> {
        self.ask(Ask::List, |state| Ok(self.seen(state)))
    }
}

#[cfg(test)]
mod tests;
