//! What can be had at a provider: accounts, locations, machine types, images.

/// Whose credential it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account or project, where the provider names it.
    pub name: Option<String>,
}

/// Where machines can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// For the order.
    pub id: String,
    /// For people, e.g. `Falkenstein, DE`.
    pub title: String,
}

/// A processor's architecture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Intel and AMD.
    X86,
    /// ARM64.
    Arm,
}

/// Whether a machine type can be had at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// The provider says so.
    Available,
    /// The provider says that there is none.
    SoldOut,
    /// The provider does not say beforehand.
    Untold,
}

/// A price as the provider writes it: decimal numbers, taxes included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// ISO 4217, e.g. `EUR`.
    pub currency: String,
    /// For an hour.
    pub hourly: String,
    /// For a month, at most.
    pub monthly: String,
}

/// A machine that can be had at a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineType {
    /// For the order.
    pub id: String,
    /// For people.
    pub title: String,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u64,
    /// Size of the disk that comes with it in GB; none where it is chosen apart.
    pub disk_gb: Option<u64>,
    /// Its architecture; none where the provider names one that we don't know.
    pub architecture: Option<Architecture>,
    /// What it costs there; none where the provider's API doesn't say.
    pub price: Option<Price>,
    /// Whether there is one.
    pub availability: Availability,
}

/// A system to start with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// For the order.
    pub id: String,
    /// For people.
    pub title: String,
}
