//! Clouds that rent us machines: the seam between a provision and the providers.
//!
//! Owns what is asked of a provider, and the table of providers. Must not know nodes' states, events or the vault, and keeps
//! nothing: who provisions may be killed between any two lines and goes on with the same questions. Every call is tried once;
//! retries, waits and deadlines of a whole provision belong to who asks.
//!
//! A new provider is a folder below this file and a line in [`PROVIDERS`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use spunto_core::id::NodeId;
use spunto_core::secret::Secret;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
#[cfg(any(test, feature = "simulation"))]
pub mod fake;
pub mod fault;
pub mod google;
pub mod hetzner;
pub mod http;
pub mod machine;
pub mod options;
pub mod ownership;
pub mod user_data;

use crate::clock::Clock;
pub use fault::{Fault, FaultKind, Happened};
use http::{Http, Limits};
pub use machine::{Begun, Deletion, Operation, Order, Progress, Resource, ResourceKind};
pub use options::{Account, Architecture, Availability, Image, Location, MachineType, Price};
pub use ownership::Installation;

/// An operation is looked at no more often than this: providers count calls, and for a whole project.
pub const POLL_EVERY: Duration = Duration::from_secs(3);

/// Every provider there is.
pub const PROVIDERS: &[Kind] = &[
    hetzner::KIND,
    google::KIND,
    #[cfg(any(test, feature = "simulation"))]
    fake::KIND,
];

/// A provider's answer, to be waited for.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, Fault>>;

/// One account at a cloud, with a credential.
///
/// Whatever is asked may be asked again: after a crash, after a fault, by two at once.
pub trait Provider: Send + Sync {
    /// Proves the credential, and as far as that can be tried without making anything, that it may make machines.
    fn verify(&self) -> Reply<'_, Account>;

    /// Where machines can be had.
    fn locations(&self) -> Reply<'_, Vec<Location>>;

    /// What machines can be had at a location.
    fn machine_types<'a>(&'a self, location: &'a str) -> Reply<'a, Vec<MachineType>>;

    /// Systems that a machine of this architecture can start with.
    fn images(&self, architecture: Architecture) -> Reply<'_, Vec<Image>>;

    /// Makes the machine of this order, or finds the one that this order (same node, same attempt) has made already.
    /// Never makes a second one, so that after a fault that leaves open what happened the same call is the way on.
    /// A machine of an earlier attempt is [`FaultKind::NameTaken`]: delete what [`find`](Self::find) shows, then ask again.
    fn create<'a>(&'a self, order: &'a Order) -> Reply<'a, Begun>;

    /// How far an operation has got. This, and not the machine, is what tells why a machine did not come to be.
    fn progress<'a>(&'a self, operation: &'a Operation) -> Reply<'a, Progress>;

    /// All that is there for this node by its label, in every location: usually one machine or none. Complete, or a fault.
    fn find(&self, node: NodeId) -> Reply<'_, Vec<Resource>>;

    /// Deletes a resource with everything that came along with it. Only what the provider's list no longer shows is gone:
    /// go on until [`find`](Self::find) is empty. What is gone already, or going, is no fault.
    fn delete<'a>(&'a self, resource: &'a Resource) -> Reply<'a, Deletion>;

    /// Everything in the account that this installation made, known to it or not. Complete, or a fault.
    fn list(&self) -> Reply<'_, Vec<Resource>>;
}

/// A sort of provider, as the table has it.
#[derive(Clone, Copy)]
pub struct Kind {
    /// In APIs, events and settings, e.g. `hetzner`.
    pub name: &'static str,
    /// For people, e.g. `Hetzner Cloud`.
    pub title: &'static str,
    /// What the credential is and where it is made, for people.
    pub credential: &'static str,
    /// Opens an account. Reads the credential, and makes no call.
    pub open: Open,
}

/// Opens an account with a credential.
pub type Open = fn(&Settings, Secret<String>) -> Result<Arc<dyn Provider>, Fault>;

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.name)
    }
}

/// The provider of this name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    PROVIDERS.iter().find(|kind| kind.name == name)
}

/// What all accounts share: whose machines they are, the HTTP stack, and where the APIs are.
#[derive(Clone)]
pub struct Settings {
    /// Whose machines these are.
    pub installation: Installation,
    /// The wall clock, for what is signed.
    pub clock: Arc<dyn Clock>,
    limits: Limits,
    authorities: Vec<CertificateDer<'static>>,
    client: reqwest::Client,
    bases: BTreeMap<String, String>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("installation", &self.installation).field("bases", &self.bases).finish_non_exhaustive()
    }
}

impl Settings {
    /// With the providers' own addresses.
    ///
    /// # Errors
    /// The HTTP stack can't be set up on this machine; in its words.
    pub fn new(installation: Installation, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let limits = Limits::default();
        let client = http::client(&limits, &[])?;
        Ok(Self { installation, clock, limits, authorities: Vec::new(), client, bases: BTreeMap::new() })
    }

    /// With another address for an API (`hetzner`, `google`, `google-token`). From the operator's configuration only: a credential
    /// never says where it is sent.
    #[must_use]
    pub fn with_base(mut self, api: &str, url: &str) -> Self {
        self.bases.insert(api.to_owned(), url.to_owned());
        self
    }

    /// With other limits.
    ///
    /// # Errors
    /// As [`Settings::new`].
    pub fn with_limits(mut self, limits: Limits) -> Result<Self, String> {
        self.client = http::client(&limits, &self.authorities)?;
        self.limits = limits;
        Ok(self)
    }

    /// With certificate authorities besides the usual ones, in PEM: for networks whose proxy opens TLS.
    ///
    /// # Errors
    /// There is none in it, or one that can't be read.
    pub fn with_authorities(mut self, pem: &[u8]) -> Result<Self, String> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        self.authorities = read.ok().filter(|read| !read.is_empty()).ok_or("there is no certificate in the file of authorities")?;
        self.client = http::client(&self.limits, &self.authorities)?;
        Ok(self)
    }

    /// The HTTP stack for an API.
    ///
    /// # Errors
    /// The configured address is none.
    fn http(&self, api: &str, title: &'static str, usual: &str) -> Result<Http, Fault> {
        let base = self.bases.get(api).map_or(usual, String::as_str);
        Http::new(self.client.clone(), self.limits, title, base)
    }
}

#[cfg(test)]
mod tests {
    use super::{PROVIDERS, kind};

    #[test]
    fn a_provider_is_found_by_its_name() {
        assert!(PROVIDERS.iter().all(|each| kind(each.name).is_some_and(|found| found.title == each.title)));
        assert!(kind("aws").is_none());
    }
}
