//! The custodian: erases secrets that no event names any more. Deletes follow their event; what a crash left is collected at start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use spunto_core::event::Event;
use spunto_core::id::{CredentialId, DeploymentId, NodeId, ServiceId, UserId};
use spunto_core::record::Record;
use spunto_core::state::{Node, State};
use spunto_events::vault::{SecretKind, SecretName, Vault, VaultError};
use tracing::{error, warn};

use crate::feed::Feed;

/// The version of secrets that never change: environments of units.
const ONLY_VERSION: u32 = 1;

/// The name of a node's token in the vault.
#[must_use]
pub const fn node_token(node: NodeId, version: u32) -> SecretName {
    SecretName { kind: SecretKind::NodeToken, owner: node.as_u64(), version }
}

/// The name of a cloud credential in the vault.
#[must_use]
pub const fn credential(credential: CredentialId, version: u32) -> SecretName {
    SecretName { kind: SecretKind::CloudCredential, owner: credential.as_u64(), version }
}

/// The name of the enrolment token of an attempt in the vault.
#[must_use]
pub const fn enrolment(node: NodeId, attempt: u32) -> SecretName {
    SecretName { kind: SecretKind::EnrolmentToken, owner: node.as_u64(), version: attempt }
}

/// The name of a user's password hash in the vault.
#[must_use]
pub const fn password(user: UserId, version: u32) -> SecretName {
    SecretName { kind: SecretKind::Password, owner: user.as_u64(), version }
}

/// The name of a user's profile in the vault.
#[must_use]
pub const fn profile(user: UserId, version: u32) -> SecretName {
    SecretName { kind: SecretKind::Profile, owner: user.as_u64(), version }
}

/// The name of a unit's environment in the vault.
#[must_use]
pub const fn unit_env(unit: spunto_core::id::UnitId) -> SecretName {
    let owner = match unit {
        spunto_core::id::UnitId::Worker(worker) => worker.as_u64(),
        spunto_core::id::UnitId::Service(service) => service.as_u64(),
    };
    SecretName { kind: SecretKind::UnitEnv, owner, version: ONLY_VERSION }
}

/// The attempt whose machine may still be made with its enrolment token.
fn open_enrolment(node: &Node) -> Option<u32> {
    node.provision.as_ref().filter(|provision| !provision.enrolment.closed).map(|provision| provision.attempt)
}

/// Every secret that the log names.
#[must_use]
pub fn named(state: &State) -> BTreeSet<SecretName> {
    use spunto_core::id::UnitId;
    let mut names = BTreeSet::new();
    for (id, user) in &state.system.users {
        names.insert(profile(*id, user.profile_version));
        names.extend(user.password_version.map(|version| password(*id, version)));
    }
    for org in state.orgs.values() {
        names.extend(org.fleet.nodes().map(|(id, node)| node_token(id, node.token.version)));
        names.extend(org.fleet.nodes().filter_map(|(id, node)| Some(enrolment(id, open_enrolment(node)?))));
        names.extend(org.credentials.iter().map(|(id, known)| credential(*id, known.version)));
        // An environment without variables is not put into the vault.
        let workers = org.workers.iter().filter(|(_, worker)| !worker.unit.spec.env_names.is_empty());
        names.extend(workers.map(|(worker, _)| unit_env(UnitId::Worker(*worker))));
        let services = org.deployments.values().flat_map(|deployment| &deployment.services);
        let services = services.filter(|(_, service)| !service.unit.spec.env_names.is_empty());
        names.extend(services.map(|(service, _)| unit_env(UnitId::Service(*service))));
    }
    names
}

/// Erases everything that the log does not name; says what. Only at start: a running server puts secrets before events.
///
/// # Errors
/// The vault can't be read or written.
pub fn collect(vault: &Vault, state: &State) -> Result<BTreeSet<SecretName>, VaultError> {
    vault.collect(&named(state))
}

/// Follows the feed and erases, on a thread of its own.
pub struct Custodian {
    vault: Arc<Vault>,
    services: BTreeMap<DeploymentId, Vec<ServiceId>>,
    enrolments: BTreeMap<NodeId, u32>,
}

impl Custodian {
    /// Starts after what `state` has seen.
    pub fn start(feed: &Arc<Feed>, vault: Arc<Vault>, state: &State) {
        let mut services: BTreeMap<DeploymentId, Vec<ServiceId>> = BTreeMap::new();
        let mut enrolments = BTreeMap::new();
        for org in state.orgs.values() {
            for (id, deployment) in &org.deployments {
                services.insert(*id, deployment.services.keys().copied().collect());
            }
            enrolments.extend(org.fleet.nodes().filter_map(|(id, node)| Some((id, open_enrolment(node)?))));
        }
        let mut subscription = feed.subscribe_after(state.seq);
        let mut custodian = Self { vault, services, enrolments };
        let follow = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers needs nothing");
            runtime.block_on(async {
                loop {
                    match subscription.next().await {
                        Ok(Some(delivery)) => delivery.records().for_each(|record| custodian.follow(record)),
                        Ok(None) => return,
                        Err(failure) => return error!(%failure, "secrets are no longer erased: the log can't be read"),
                    }
                }
            });
        };
        std::thread::Builder::new()
            .name("custodian".into())
            .spawn(follow)
            .expect("the operating system gives the process one more thread at start");
    }

    fn follow(&mut self, record: &Record) {
        use spunto_core::id::UnitId;
        let gone: Vec<SecretName> = match &record.event {
            Event::NodeTokenRotated(e) => vec![node_token(e.node, e.token_version - 1)],
            Event::NodeDeleted(e) => self.versions(SecretKind::NodeToken, e.node.as_u64()),
            Event::NodeProvisionRequested(e) => {
                let before = self.enrolments.insert(e.node, e.attempt);
                before.map(|attempt| enrolment(e.node, attempt)).into_iter().collect()
            }
            // What `closed` says in the state: from here on no machine is made with it, and no agent lets it in.
            Event::NodeOnline(e) => self.enrolment_over(e.node),
            Event::NodeDeletionStarted(e) => self.enrolment_over(e.node),
            Event::NodeMachineRemovalIntended(e) if self.enrolments.get(&e.node) == Some(&e.attempt) => self.enrolment_over(e.node),
            Event::CredentialReplaced(e) => vec![credential(e.credential, e.version - 1)],
            Event::CredentialDeleted(e) => self.versions(SecretKind::CloudCredential, e.credential.as_u64()),
            Event::UserPasswordSet(e) if e.password_version > 1 => vec![password(e.user, e.password_version - 1)],
            Event::InvitationAccepted(e) if e.profile_version > 1 => vec![profile(e.user, e.profile_version - 1)],
            Event::WorkerDeleted(e) => vec![unit_env(UnitId::Worker(e.worker))],
            Event::DeploymentCreated(e) => {
                self.services.insert(e.deployment, e.services.iter().map(|plan| plan.service).collect());
                Vec::new()
            }
            Event::DeploymentDeleted(e) => {
                let services = self.services.remove(&e.deployment).unwrap_or_default();
                services.into_iter().map(|service| unit_env(UnitId::Service(service))).collect()
            }
            _ => Vec::new(),
        };
        for name in gone {
            if let Err(failure) = self.vault.delete(name) {
                warn!(?name, %failure, "a secret could not be erased; it is tried again at the next start");
            }
        }
    }

    fn enrolment_over(&mut self, node: NodeId) -> Vec<SecretName> {
        self.enrolments.remove(&node).map(|attempt| enrolment(node, attempt)).into_iter().collect()
    }

    fn versions(&self, kind: SecretKind, owner: u64) -> Vec<SecretName> {
        let names = self.vault.list().unwrap_or_default();
        names.into_iter().filter(|name| name.kind == kind && name.owner == owner).collect()
    }
}
