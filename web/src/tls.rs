//! The certificate that is served: read from two files, and read again when they change. Connections that are open stay as
//! they are; a pair that can't be served is refused, and the one before stays.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::signal::unix::Signal;
use tracing::{error, info};

use crate::certificate;

/// How often the files are looked at. A renewal that sends no signal is served after this.
pub const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The chain in PEM.
    pub cert: PathBuf,
    /// The private key in PEM.
    pub key: PathBuf,
}

/// What tells one version of the files from another, without reading them. A link that points elsewhere counts as a change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp([Option<(u64, i64, i64, u64)>; 2]);

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

impl Pair {
    /// Reads a chain; at least one certificate.
    ///
    /// # Errors
    /// The file can't be read, or holds none.
    pub fn chain(&self) -> anyhow::Result<Vec<CertificateDer<'static>>> {
        let cert = self.cert.display();
        let chain = CertificateDer::pem_file_iter(&self.cert).map_err(opening).with_context(|| format!("reading {cert}"))?;
        let chain = chain.collect::<Result<Vec<_>, _>>().with_context(|| format!("{cert} is no PEM certificate"))?;
        if chain.is_empty() {
            bail!("{cert} holds no certificate");
        }
        Ok(chain)
    }

    /// Reads both, and checks that they belong together.
    ///
    /// # Errors
    /// One can't be read or is something else; they don't belong together. The key is not shown.
    pub fn load(&self) -> anyhow::Result<CertifiedKey> {
        let (chain, path) = (self.chain()?, self.key.display());
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(opening).with_context(|| format!("{path} holds no PEM private key"))?;
        let unusable = || format!("{path} holds no key of a kind that can be used: RSA, ECDSA or Ed25519");
        let key = provider().key_provider.load_private_key(key).with_context(unusable)?;
        let pair = CertifiedKey::new(chain, key);
        pair.keys_match().with_context(|| format!("{} and {path} don't belong together", self.cert.display()))?;
        Ok(pair)
    }

    fn stamp(&self) -> Stamp {
        let of = |path: &Path| {
            let told = |meta: Metadata| (meta.ino(), meta.mtime(), meta.mtime_nsec(), meta.size());
            std::fs::metadata(path).ok().map(told)
        };
        Stamp([of(&self.cert), of(&self.key)])
    }
}

/// The reason without the reader's own wrapping: people look for "permission denied".
fn opening(error: rustls_pki_types::pem::Error) -> anyhow::Error {
    match error {
        rustls_pki_types::pem::Error::Io(error) => error.into(),
        other => other.into(),
    }
}

/// The pair that new connections get.
#[derive(Debug)]
pub struct Served {
    pair: Pair,
    /// Of the files as they were before they were read first.
    first: Stamp,
    now: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.now.read()))
    }
}

impl Served {
    /// Reads the pair for the first time.
    ///
    /// # Errors
    /// See [`Pair::load`].
    pub fn open(pair: Pair) -> anyhow::Result<Arc<Self>> {
        let first = pair.stamp();
        let now = pair.load()?;
        Ok(Arc::new(Self { pair, first, now: RwLock::new(Arc::new(now)) }))
    }

    /// A TLS configuration that serves it, whatever it is at the time.
    ///
    /// # Errors
    /// The library has no protocol version to offer.
    pub fn config(self: &Arc<Self>) -> anyhow::Result<ServerConfig> {
        let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        Ok(config.with_no_client_auth().with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>))
    }

    /// Reads the files again; says in the log what came of it.
    fn reload(&self) {
        match self.pair.load() {
            Ok(pair) => {
                let until = pair.end_entity_cert().ok().and_then(|leaf| certificate::validity(leaf).ok()).map(|valid| valid.until);
                *self.now.write() = Arc::new(pair);
                let until = until.map_or_else(|| "?".to_owned(), |until| until.to_string());
                info!(%until, "the certificate was read again; new connections get it");
            }
            Err(error) => {
                error!(
                    error = format!("{error:#}"),
                    "the new certificate can't be served; the one before stays, until the files are right"
                );
            }
        }
    }
}

/// Serves what is in the files: looks at them now and then, and at once on a signal. Runs until dropped. Without TLS the
/// signal is taken as well, so that it does not end the process.
pub async fn keep(served: Option<Arc<Served>>, mut hangup: Signal) {
    let Some(served) = served else {
        while hangup.recv().await.is_some() {
            info!("asked to read the certificate again, but there is none: TLS is off");
        }
        return;
    };
    let mut stamp = served.first.clone();
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let asked = tokio::select! {
            signal = hangup.recv() => signal.is_some(),
            _ = look.tick() => false,
        };
        // The stamp is taken before reading: what is written meanwhile is a change for the next look.
        let seen = served.pair.stamp();
        if asked || seen != stamp {
            stamp = seen;
            served.reload();
        }
    }
}
