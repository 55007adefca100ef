//! The sweep: what is ours at a provider by its label, and whether the log knows it. What it does not know costs money for nobody.

use spunto_core::id::{CredentialId, NodeId, OrgId};
use spunto_core::state::{Org, State};

use super::accounts::{AccountError, Accounts};
use crate::cloud::{Deletion, Fault, Resource};
use crate::directory::Directory;

/// Whether the log knows something at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the machine of this node, or on its way out.
    Known(NodeId),
    /// Its node has no machine, or another one.
    Forgotten(NodeId),
    /// There is no such node.
    NoNode(NodeId),
    /// Somebody changed its labels.
    Unlabelled,
}

impl Standing {
    /// Whether a node needs it.
    #[must_use]
    pub const fn is_known(self) -> bool {
        matches!(self, Self::Known(_))
    }
}

/// How something at a provider stands. None when it belongs to another organisation of this installation.
#[must_use]
pub fn standing(id: OrgId, org: &Org, found: &Resource) -> Option<Standing> {
    if found.org.is_some_and(|owner| owner != id) {
        return None;
    }
    let Some(node) = found.node else { return Some(Standing::Unlabelled) };
    let Some(known) = org.fleet.node(node) else { return Some(Standing::NoNode(node)) };
    // A machine of an earlier attempt, too, goes with the removal that is under way.
    let own = known.machine.as_ref().is_some_and(|machine| machine.removal.is_some() || found.attempt == Some(machine.attempt));
    Some(if own { Standing::Known(node) } else { Standing::Forgotten(node) })
}

/// Something at a provider and how it stands.
pub type Finding = (Resource, Standing);

/// What an account shows of this organisation.
///
/// # Errors
/// The account can't be opened, or the provider does not answer.
pub async fn report(
    accounts: &Accounts,
    directory: &Directory,
    org: OrgId,
    credential: CredentialId,
) -> Result<Vec<Finding>, AccountError> {
    let account = accounts.open(org, credential).await?;
    let _room = account.room.acquire().await.ok();
    // Asked before the log is looked at: what is made meanwhile is known by then.
    let found = account.provider.list().await?;
    Ok(directory.read(|state: &State| {
        let Some(known) = state.orgs.get(&org) else { return Vec::new() };
        found.into_iter().filter_map(|resource| standing(org, known, &resource).map(|standing| (resource, standing))).collect()
    }))
}

/// Asks the provider to delete something that [`report`] showed.
///
/// # Errors
/// The account can't be opened, or the provider does not do it.
pub async fn remove(accounts: &Accounts, org: OrgId, credential: CredentialId, resource: &Resource) -> Result<Deletion, AccountError> {
    let account = accounts.open(org, credential).await?;
    let _room = account.room.acquire().await.ok();
    let deleted: Result<Deletion, Fault> = account.provider.delete(resource).await;
    Ok(deleted?)
}
