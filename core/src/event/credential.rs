//! Payloads of an organisation's credentials at cloud providers. Their secrets are in the vault, by version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CredentialId, NodeId, OrgId};

/// A credential was verified at its provider and is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialAdded {
    /// Which.
    pub credential: CredentialId,
    /// Whose.
    pub org: OrgId,
    /// The provider's name, e.g. `hetzner`.
    pub provider: String,
    /// Its name, unique in the organisation.
    pub name: String,
    /// Tells two secrets apart, and says nothing of them.
    pub fingerprint: String,
    /// The account or project, where the provider names it.
    pub account: Option<String>,
}

/// A credential has another secret; the one before is erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialReplaced {
    /// Which.
    pub credential: CredentialId,
    /// Whose.
    pub org: OrgId,
    /// The new secret's version, from 2.
    pub version: u32,
    /// Tells two secrets apart, and says nothing of them.
    pub fingerprint: String,
    /// The account or project, where the provider names it.
    pub account: Option<String>,
}

/// A credential is gone, and its secret erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CredentialDeleted {
    /// Which.
    pub credential: CredentialId,
    /// Whose.
    pub org: OrgId,
    /// Whether machines that needed it were given up.
    pub forced: bool,
}

/// Somebody wants something removed at a provider that is ours by its label and that no node needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeftoverRemovalRequested {
    /// Whose.
    pub org: OrgId,
    /// The credential that shows it.
    pub credential: CredentialId,
    /// How the provider names it.
    pub reference: String,
    /// Its name there.
    pub name: String,
    /// The node that it was made for, where its label still says so.
    pub node: Option<NodeId>,
}
