//! A running server, asked over HTTP with an API key that has the scope `events:read`.
//!
//! It sends a slice: the organisation's own events as they are stored, and of all others the digest, so that what comes over the network is
//! verified like a file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use spunto_core::id::OrgId;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::failure::Failure;

/// How long a server may take to begin its answer.
const ANSWER_MS_MAX: u64 = 60_000;

/// A server and the right to read one organisation of it.
pub struct Server {
    agent: ureq::Agent,
    url: String,
    org: OrgId,
    key: String,
}

impl Server {
    /// A server at `url`, whose certificate is from a public authority, or from one in the PEM file `authorities`. The key is sent in a
    /// header, and to no other address than this one.
    ///
    /// # Errors
    /// The address is none; the file can't be read or holds no certificate.
    pub fn new(url: &str, org: OrgId, key: String, authorities: Option<&Path>) -> Result<Self, Failure> {
        let url = url.trim_end_matches('/').to_owned();
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            return Err(Failure::Usage(format!("{url} is no address of a server: it starts with https://")));
        }
        let trusted = authorities.map_or(Ok(RootCerts::WebPki), read_authorities)?;
        let config = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(trusted).build())
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_millis(ANSWER_MS_MAX)))
            .max_redirects(0)
            .http_status_as_error(false)
            .build();
        Ok(Self { agent: config.new_agent(), url, org, key })
    }

    /// Writes what comes after event `after` into a file, as a slice.
    ///
    /// # Errors
    /// The server can't be reached, or refuses.
    pub fn fetch(&self, after: u64, into: &Path) -> Result<(), Failure> {
        let url = format!("{}/api/orgs/{}/events/raw?since={after}", self.url, self.org);
        let unreachable = |error: ureq::Error| Failure::Unreachable(format!("{} can't be reached: {error}", self.url));
        let mut answer = self.agent.get(&url).header("Authorization", format!("Bearer {}", self.key)).call().map_err(unreachable)?;
        let status = answer.status().as_u16();
        if status != 200 {
            let said = answer.body_mut().with_config().limit(64 * 1024).read_to_string().unwrap_or_default();
            return Err(refusal(&self.url, status, &said));
        }
        let write = || -> io::Result<()> {
            let mut file = BufWriter::new(File::create(into)?);
            io::copy(&mut answer.into_body().into_reader(), &mut file)?;
            file.flush()
        };
        write().map_err(|error| Failure::Unreachable(format!("the answer of {} broke off: {error}", self.url)))
    }
}

/// The certificates in a PEM file.
fn read_authorities(path: &Path) -> Result<RootCerts, Failure> {
    let refused = |why: &dyn std::fmt::Display| Failure::Usage(format!("--cacert {}: {why}", path.display()));
    let pem = std::fs::read(path).map_err(|error| refused(&error))?;
    let mut all: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| refused(&error))? {
            all.push(certificate);
        }
    }
    if all.is_empty() {
        return Err(refused(&"it holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----"));
    }
    Ok(RootCerts::new_with_certs(&all))
}

/// A refusal in the server's own words, with what to do.
fn refusal(url: &str, status: u16, said: &str) -> Failure {
    let detail = serde_json::from_str::<serde_json::Value>(said).ok().and_then(|problem| Some(problem["detail"].as_str()?.to_owned()));
    let advice = match status {
        401 => ": is SPUNTO_API_KEY a key that lives?",
        403 => ": the key needs the scope events:read",
        404 => ": is the organisation right, and does this server know the call?",
        _ => "",
    };
    // Too many at a time, or a server that is about to start or to stop: that passes.
    let say = if matches!(status, 429 | 502..=504) { Failure::Unreachable } else { Failure::Unreadable };
    say(format!("{url} answered {status}{advice}{}", detail.map_or_else(String::new, |detail| format!(" ({detail})"))))
}
