//! An organisation's credentials at cloud providers, without their secrets.

use super::Org;
use crate::event::{CredentialAdded, Event};
use crate::id::{CredentialId, NodeId};
use crate::record::Record;
use crate::state::Node;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A credential at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The provider's name.
    pub provider: String,
    /// Its name, unique in the organisation.
    pub name: String,
    /// Version of its secret in the vault, from 1.
    pub version: u32,
    /// Tells two secrets apart.
    pub fingerprint: String,
    /// The account, where the provider names it.
    pub account: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Since when it has its present secret, and that secret was accepted.
    pub verified_at: Timestamp,
}

impl Credential {
    fn added(event: &CredentialAdded, at: Timestamp) -> Self {
        Self {
            provider: event.provider.clone(),
            name: event.name.clone(),
            version: 1,
            fingerprint: event.fingerprint.clone(),
            account: event.account.clone(),
            created_at: at,
            verified_at: at,
        }
    }
}

impl Org {
    /// The credential with this name.
    #[must_use]
    pub fn credential_named(&self, name: &str) -> Option<CredentialId> {
        self.credentials.iter().find(|(_, known)| known.name == name).map(|(id, _)| *id)
    }

    /// Nodes that a credential is needed for: a machine may exist that was made with it, or is being made.
    pub fn nodes_needing(&self, credential: CredentialId) -> impl Iterator<Item = (NodeId, &Node)> {
        self.fleet.nodes().filter(move |(_, node)| {
            let machine = node.machine.as_ref().is_some_and(|machine| machine.credential == credential);
            let attempt = node.provision.as_ref().is_some_and(|provision| provision.credential == credential);
            machine || (attempt && node.is_provisioning())
        })
    }

    pub(super) fn apply_credential(&mut self, record: &Record) {
        match &record.event {
            Event::CredentialAdded(e) => {
                self.credentials.insert(e.credential, Credential::added(e, record.at));
            }
            Event::CredentialReplaced(e) => {
                if let Some(known) = self.credentials.get_mut(&e.credential) {
                    known.version = e.version;
                    known.fingerprint.clone_from(&e.fingerprint);
                    known.account.clone_from(&e.account);
                    known.verified_at = record.at;
                }
            }
            Event::CredentialDeleted(e) => {
                self.credentials.remove(&e.credential);
            }
            _ => {}
        }
    }
}
