//! Machines as the seam knows them: what is ordered, what was begun, what is there.

use spunto_core::id::{NodeId, OrgId};

use super::fault::Fault;
use super::user_data::Boot;

/// What machine is wanted, for whom. The same attempt's order must be made again exactly alike, so it is kept before it is given.
#[derive(Clone, Debug)]
pub struct Order {
    /// For which node.
    pub node: NodeId,
    /// Of which organisation.
    pub org: OrgId,
    /// Which attempt, from 1. A new one where an earlier operation failed or its machine was deleted: to the same order a provider may
    /// only tell the old operation once more.
    pub attempt: u32,
    /// Where; a [`Location`](super::Location)'s id.
    pub location: String,
    /// What; a [`MachineType`](super::MachineType)'s id.
    pub machine_type: String,
    /// With which system; an [`Image`](super::Image)'s id.
    pub image: String,
    /// What it does when it starts.
    pub boot: Boot,
}

/// An operation at the provider, as its own text; fits into an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation(pub String);

/// What a creation gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The machine.
    pub machine: Resource,
    /// What to follow; none where nothing is going on any more.
    pub operation: Option<Operation>,
    /// Whether this order had made it before.
    pub found: bool,
}

/// How far an operation has got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It goes on.
    Running,
    /// It has done what it was to do.
    Done,
    /// It has failed. What it had begun may be there still: look and delete.
    Failed(Fault),
    /// The provider knows no such operation, any more: look at what is there.
    Forgotten,
}

/// What a deletion gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deletion {
    /// It was gone already.
    Gone,
    /// It goes.
    Going {
        /// What to follow, where the provider says so.
        operation: Option<Operation>,
    },
}

/// What costs money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// A machine.
    Machine,
    /// A disk that no machine uses.
    Disk,
}

/// Something at the provider that carries this installation's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// How the provider's API names it; fits into an event, and only this provider reads it.
    pub reference: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// Its state in the provider's word.
    pub state: String,
    /// Its type, where it is a machine.
    pub machine_type: Option<String>,
    /// Its public IPv4 address, where it has one.
    pub address: Option<String>,
    /// Since when, as the provider writes it.
    pub created: Option<String>,
    /// For which organisation; none where somebody changed the label.
    pub org: Option<OrgId>,
    /// For which node; none where somebody changed the label.
    pub node: Option<NodeId>,
    /// In which attempt; none where somebody changed the label.
    pub attempt: Option<u32>,
}
