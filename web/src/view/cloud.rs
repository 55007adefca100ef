//! Clouds as clients see them: providers, credentials without their secrets, what can be had, and what was left over.

use schemars::JsonSchema;
use serde::Serialize;
use spunto_actors::cloud::{self, Architecture, Availability, Resource, ResourceKind};
use spunto_actors::provisioner::sweep::{Standing, Swept};
use spunto_core::event::MachinePrice;
use spunto_core::id::{CredentialId, NodeId};
use spunto_core::state::{Credential, Org};
use spunto_core::time::Timestamp;

/// A provider that this server has a client for.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudProvider")]
pub struct ProviderView {
    /// In requests, e.g. `hetzner`.
    name: &'static str,
    /// For people, e.g. `Hetzner Cloud`.
    title: &'static str,
    /// What its credential is and where it is made.
    credential: &'static str,
}

impl From<&cloud::Kind> for ProviderView {
    fn from(kind: &cloud::Kind) -> Self {
        Self { name: kind.name, title: kind.title, credential: kind.credential }
    }
}

/// The providers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudProviders")]
pub struct ProvidersView {
    /// All of them.
    pub items: Vec<ProviderView>,
}

/// A credential at a provider, without its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudCredential")]
pub struct CredentialView {
    id: CredentialId,
    name: String,
    provider: String,
    /// The account or project, where the provider names it.
    account: Option<String>,
    /// Version of its secret, from 1.
    version: u32,
    /// Tells two secrets apart.
    fingerprint: String,
    created_at: Timestamp,
    /// When its present secret was accepted by the provider.
    verified_at: Timestamp,
    /// Nodes that it is needed for.
    nodes: usize,
    /// What was last seen of what is ours there; every hour, and not yet since the server started where there is none.
    swept: Option<SweptView>,
}

/// What a look for what is ours and unknown has seen.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudSwept")]
pub struct SweptView {
    at: Timestamp,
    /// Things that no node needs: see the credential's leftovers. None where the provider did not say.
    leftovers: Option<usize>,
    /// Why it did not.
    error: Option<String>,
}

impl From<Swept> for SweptView {
    fn from(Swept { at, found }: Swept) -> Self {
        let (leftovers, error) = found.map_or_else(|error| (None, Some(error)), |found| (Some(found), None));
        Self { at, leftovers, error }
    }
}

impl CredentialView {
    /// Of this credential.
    #[must_use]
    pub fn new(org: &Org, id: CredentialId, known: &Credential, swept: Option<Swept>) -> Self {
        Self {
            id,
            name: known.name.clone(),
            provider: known.provider.clone(),
            account: known.account.clone(),
            version: known.version,
            fingerprint: known.fingerprint.clone(),
            created_at: known.created_at,
            verified_at: known.verified_at,
            nodes: org.nodes_needing(id).count(),
            swept: swept.map(Into::into),
        }
    }
}

/// Where machines can be had.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudLocation")]
pub struct LocationView {
    id: String,
    title: String,
}

impl From<cloud::Location> for LocationView {
    fn from(location: cloud::Location) -> Self {
        Self { id: location.id, title: location.title }
    }
}

/// A processor's architecture.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CloudArchitecture")]
#[expect(missing_docs, reason = "said by the names")]
pub enum ArchitectureView {
    X86,
    Arm,
}

/// Whether a machine type can be had at present.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CloudAvailability")]
#[expect(missing_docs, reason = "said by the names")]
pub enum AvailabilityView {
    Available,
    SoldOut,
    /// The provider does not say beforehand.
    Untold,
}

/// A machine that can be had at a location.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudMachineType")]
pub struct MachineTypeView {
    id: String,
    title: String,
    cpus: u32,
    memory_mib: u64,
    /// Size of its disk; none where it is chosen apart.
    disk_gb: Option<u64>,
    architecture: Option<ArchitectureView>,
    /// What it costs there; none where the provider's API doesn't say.
    price: Option<MachinePrice>,
    availability: AvailabilityView,
}

impl From<cloud::MachineType> for MachineTypeView {
    fn from(known: cloud::MachineType) -> Self {
        let price = known.price;
        Self {
            id: known.id,
            title: known.title,
            cpus: known.cpus,
            memory_mib: known.memory_mib,
            disk_gb: known.disk_gb,
            architecture: known.architecture.map(|architecture| match architecture {
                Architecture::X86 => ArchitectureView::X86,
                Architecture::Arm => ArchitectureView::Arm,
            }),
            price: price.map(|price| MachinePrice { currency: price.currency, hourly: price.hourly, monthly: price.monthly }),
            availability: match known.availability {
                Availability::Available => AvailabilityView::Available,
                Availability::SoldOut => AvailabilityView::SoldOut,
                Availability::Untold => AvailabilityView::Untold,
            },
        }
    }
}

/// A system to start with.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudImage")]
pub struct ImageView {
    id: String,
    title: String,
}

impl From<cloud::Image> for ImageView {
    fn from(image: cloud::Image) -> Self {
        Self { id: image.id, title: image.title }
    }
}

/// What a provider offers, from a moment ago.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Offers")]
pub struct OffersOf<T> {
    /// The items, as the provider orders them.
    pub items: Vec<T>,
    /// When the provider was asked.
    pub asked_at: Timestamp,
}

/// How something at a provider stands to the log.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "LeftoverStanding")]
pub enum StandingView {
    /// It is a node's machine.
    Known,
    /// Its node has no machine, or another one.
    Forgotten,
    /// There is no such node.
    NoNode,
    /// Somebody changed its labels.
    Unlabelled,
}

/// Something at a provider that this installation made.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudLeftover")]
pub struct LeftoverView {
    /// `machine` or `disk`.
    kind: &'static str,
    /// Names it in a request to remove it.
    reference: String,
    name: String,
    location: String,
    /// In the provider's word.
    state: String,
    machine_type: Option<String>,
    address: Option<String>,
    /// Since when, as the provider writes it.
    created: Option<String>,
    /// The node that it was made for, where its label still says so.
    node: Option<NodeId>,
    attempt: Option<u32>,
    standing: StandingView,
}

impl From<(Resource, Standing)> for LeftoverView {
    fn from((found, standing): (Resource, Standing)) -> Self {
        Self {
            kind: match found.kind {
                ResourceKind::Machine => "machine",
                ResourceKind::Disk => "disk",
            },
            reference: found.reference,
            name: found.name,
            location: found.location,
            state: found.state,
            machine_type: found.machine_type,
            address: found.address,
            created: found.created,
            node: found.node,
            attempt: found.attempt,
            standing: match standing {
                Standing::Known(_) => StandingView::Known,
                Standing::Forgotten(_) => StandingView::Forgotten,
                Standing::NoNode(_) => StandingView::NoNode,
                Standing::Unlabelled => StandingView::Unlabelled,
            },
        }
    }
}

/// What a sweep found.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CloudSweep")]
pub struct SweepView {
    /// What no node needs; with `?all=true` everything that is ours.
    pub items: Vec<LeftoverView>,
    /// How many of ours are as they should be.
    pub known: usize,
    /// When the provider was asked.
    pub asked_at: Timestamp,
}
