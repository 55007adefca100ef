//! The sweep: what is ours at a provider by its label, and whether the log knows it. What it does not know costs money for nobody.
//!
//! Done when somebody asks, and every hour for every credential. What the hourly one found is kept in memory and shown: it is what
//! was seen, not something that changed, so it is no event.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use spunto_core::id::{CredentialId, NodeId, OrgId};
use spunto_core::state::{Org, State};
use spunto_core::time::Timestamp;
use tracing::warn;

use super::accounts::{AccountError, Accounts};
use crate::clock::Clock;
use crate::cloud::{Deletion, Fault, Resource};
use crate::directory::Directory;
use crate::random;

/// Between two sweeps.
pub const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);
/// A sweep comes so much later at most, so that servers that were started together don't call together.
pub const SWEEP_JITTER: Duration = Duration::from_secs(10 * 60);
/// The first one comes so long after the start, and the jitter.
const FIRST_SWEEP_AFTER: Duration = Duration::from_secs(5 * 60);

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

/// What the last sweep of a credential saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// When.
    pub at: Timestamp,
    /// How many things no node needs; or why the provider did not say.
    pub found: Result<usize, String>,
}

/// What the last sweeps saw, by credential. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct LastSweeps(Arc<Mutex<BTreeMap<CredentialId, Swept>>>);

impl LastSweeps {
    /// The last one of this credential, if there was one since the server started.
    #[must_use]
    pub fn of(&self, credential: CredentialId) -> Option<Swept> {
        self.0.lock().get(&credential).cloned()
    }

    /// Things that no node needs, at all providers together.
    #[must_use]
    pub fn leftovers(&self) -> usize {
        self.0.lock().values().filter_map(|swept| swept.found.as_ref().ok()).sum()
    }
}

/// Sweeps for every credential, every hour, for ever.
pub(super) async fn sweep_hourly(accounts: Accounts, directory: Directory, clock: Arc<dyn Clock>) {
    tokio::time::sleep(later(FIRST_SWEEP_AFTER)).await;
    loop {
        sweep_all(&accounts, &directory, clock.as_ref()).await;
        tokio::time::sleep(later(SWEEP_EVERY)).await;
    }
}

fn later(than: Duration) -> Duration {
    let jitter_ms = u64::try_from(SWEEP_JITTER.as_millis()).unwrap_or(u64::MAX);
    than + Duration::from_millis(random::number() % jitter_ms)
}

/// One after the other: nobody waits for it, and accounts' limits are for those who do something.
async fn sweep_all(accounts: &Accounts, directory: &Directory, clock: &dyn Clock) {
    let known = directory.read(|state| {
        let of_org = |(org, known): (&OrgId, &Org)| known.credentials.keys().map(|credential| (*org, *credential)).collect::<Vec<_>>();
        state.orgs.iter().flat_map(of_org).collect::<Vec<_>>()
    });
    let mut swept = BTreeMap::new();
    for (org, credential) in known {
        let at = clock.now();
        let found = match report(accounts, directory, org, credential).await {
            Ok(found) => Ok(found.iter().filter(|(_, standing)| !standing.is_known()).count()),
            Err(error) => Err(error.to_string()),
        };
        match &found {
            Ok(0) => {}
            Ok(unknown) => warn!(%org, %credential, unknown, "something is ours at the provider and no node needs it"),
            Err(error) => warn!(%org, %credential, error, "the provider did not say what is there"),
        }
        swept.insert(credential, Swept { at, found });
    }
    // Those of credentials that are gone are gone with them.
    *accounts.last_sweeps().0.lock() = swept;
}
