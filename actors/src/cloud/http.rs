//! One HTTP stack for every provider: a call is tried once, within a deadline, and its answer has a largest size.
//!
//! Knows no provider. Redirects are not followed: they would take a credential elsewhere. Credentials never reach a message: what
//! a provider sends back is searched for them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use rustls_pki_types::CertificateDer;
use serde::de::DeserializeOwned;
use serde_json::Value;
use spunto_core::secret::Secret;
use tokio::time::timeout;

use super::fault::{Fault, FaultKind, Happened, clean};

/// Longest answer that is read.
pub const ANSWER_BYTES_MAX: usize = 4 << 20;
/// A call and its whole answer take at most so long, however slowly it drips.
pub const CALL_DEADLINE: Duration = Duration::from_secs(30);
/// Reaching the provider takes at most so long.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// Most pages of a list; a longer list is a fault, as half a list must not be taken for a whole one.
pub const PAGES_MAX: usize = 100;

/// Limits of a call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// See [`ANSWER_BYTES_MAX`].
    pub answer_bytes_max: usize,
    /// See [`CALL_DEADLINE`].
    pub call_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { answer_bytes_max: ANSWER_BYTES_MAX, call_deadline: CALL_DEADLINE }
    }
}

/// The stack: TLS by rustls with ring and the usual public authorities besides these, HTTP/1.1, a proxy where the environment names one.
pub(super) fn client(limits: &Limits, authorities: &[CertificateDer<'static>]) -> Result<reqwest::Client, String> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for authority in authorities {
        roots.add(authority.clone()).map_err(|error| format!("an authority's certificate can't be read: {error}"))?;
    }
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(concat!("spunto/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_DEADLINE.min(limits.call_deadline))
        .build()
        .map_err(|error| error.to_string())
}

/// A call to be made.
#[derive(Debug)]
pub(super) struct Call<'a> {
    method: Method,
    path: &'a [&'a str],
    query: Vec<(&'a str, String)>,
    body: Option<(&'static str, Secret<String>)>,
}

impl<'a> Call<'a> {
    fn new(method: Method, path: &'a [&'a str]) -> Self {
        Self { method, path, query: Vec::new(), body: None }
    }

    pub(super) fn get(path: &'a [&'a str]) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn delete(path: &'a [&'a str]) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(super) fn post(path: &'a [&'a str], body: &Value) -> Self {
        Self { body: Some(("application/json", Secret::new(body.to_string()))), ..Self::new(Method::POST, path) }
    }

    pub(super) fn form(path: &'a [&'a str], body: Secret<String>) -> Self {
        Self { body: Some(("application/x-www-form-urlencoded", body)), ..Self::new(Method::POST, path) }
    }

    pub(super) fn query(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

/// An answer, whatever its status. Not to be printed: some have tokens and passwords in them.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
    /// The body was longer than is read.
    cut: bool,
    /// What must not be repeated.
    secrets: Vec<Secret<String>>,
    provider: &'static str,
}

/// An API at an address.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    limits: Limits,
    base: Url,
    pub(super) provider: &'static str,
}

impl Http {
    pub(super) fn new(client: reqwest::Client, limits: Limits, provider: &'static str, base: &str) -> Result<Self, Fault> {
        let base = Url::parse(base).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let wrong = || Fault::new(provider, FaultKind::Unknown, Happened::No, "", "the address configured for its API is not a URL");
        Ok(Self { client, limits, provider, base: base.ok_or_else(wrong)? })
    }

    /// The call's address; none where a part of the path would lead elsewhere.
    fn url(&self, call: &Call<'_>) -> Option<Url> {
        let mut url = self.base.clone();
        // A part such as `..` would be resolved, not sent.
        if call.path.iter().any(|part| part.is_empty() || *part == "." || *part == "..") {
            return None;
        }
        url.path_segments_mut().ok()?.pop_if_empty().extend(call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Some(url)
    }

    /// Makes a call.
    pub(super) async fn send(&self, call: Call<'_>, bearer: Option<&Secret<String>>) -> Result<Answer, Fault> {
        let url = self.url(&call).ok_or_else(|| self.fault(Happened::No, "a name in the request is empty or a path"))?;
        let mut request = self.client.request(call.method, url);
        let mut secrets = Vec::new();
        if let Some(bearer) = bearer {
            let header = HeaderValue::from_str(&format!("Bearer {}", bearer.expose()));
            let mut header = header.map_err(|_| self.denied("the credential has characters that no credential has; copy it again"))?;
            header.set_sensitive(true);
            request = request.header(AUTHORIZATION, header);
            secrets.push(bearer.clone());
        }
        if let Some((kind, body)) = call.body {
            request = request.header(CONTENT_TYPE, kind).body(body.into_exposed());
        }
        let whole = timeout(self.limits.call_deadline, self.read(request));
        let late = || format!("no complete answer within {} s", self.limits.call_deadline.as_secs_f64());
        let (status, headers, body, cut) = whole.await.map_err(|_| self.fault(Happened::Unknown, &late()))??;
        Ok(Answer { status, headers, body, cut, secrets, provider: self.provider })
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Result<(u16, HeaderMap, Vec<u8>, bool), Fault> {
        let mut response = request.send().await.map_err(|error| self.unsent(error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.limits.answer_bytes_max => return Ok((status, headers, body, true)),
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok((status, headers, body, false)),
                Err(_) => return Err(self.fault(Happened::Unknown, "the connection broke in the middle of the answer")),
            }
        }
    }

    fn unsent(&self, error: reqwest::Error) -> Fault {
        // Before there is a connection nothing was sent.
        let happened = if error.is_connect() || error.is_builder() { Happened::No } else { Happened::Unknown };
        let error = error.without_url();
        let mut words = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(deeper) = source {
            words = deeper.to_string();
            source = deeper.source();
        }
        let what = if happened == Happened::No { "can't be reached" } else { "did not answer" };
        self.fault(happened, &format!("{what}: {words}"))
    }

    fn fault(&self, happened: Happened, message: &str) -> Fault {
        Fault::new(self.provider, FaultKind::Unavailable, happened, "", message)
    }

    pub(super) fn denied(&self, message: &str) -> Fault {
        Fault::new(self.provider, FaultKind::CredentialDenied, Happened::No, "", message)
    }

    /// The next page is one too many.
    pub(super) fn too_many_pages(&self) -> Fault {
        Fault::new(self.provider, FaultKind::Unknown, Happened::No, "", &format!("the list has more than {PAGES_MAX} pages"))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({})", self.status)
    }
}

impl Answer {
    /// Whether it is a success.
    pub(super) const fn ok(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// A header, as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body in a shape, with what is not in the shape left out.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        if self.cut { None } else { serde_json::from_slice(&self.body).ok() }
    }

    /// The body of a success in a shape. One that can't be read leaves open what happened.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        self.json().ok_or_else(|| self.unreadable())
    }

    /// A text of the provider, without what must not be repeated.
    pub(super) fn said(&self, text: &str) -> String {
        let hide = |text: String, secret: &Secret<String>| match secret.expose().as_str() {
            "" => text,
            secret => text.replace(secret, "…"),
        };
        clean(&self.secrets.iter().fold(text.to_owned(), hide))
    }

    /// Hides this, too.
    pub(super) fn hiding(mut self, secret: Secret<String>) -> Self {
        self.secrets.push(secret);
        self
    }

    /// The fault of an answer that is not what the provider's API answers with: a proxy's page, an answer cut short.
    pub(super) fn unreadable(&self) -> Fault {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(4_096)]);
        let what = match (self.cut, title(&text)) {
            (true, _) => "more than can be taken in".to_owned(),
            (false, Some(title)) => format!("a web page: {}", self.said(title)),
            (false, None) if self.body.is_empty() => "nothing".to_owned(),
            (false, None) => "something that can't be read".to_owned(),
        };
        let passes = self.status >= 500 || self.ok() || self.status == 429;
        let kind = if passes { FaultKind::Unavailable } else { FaultKind::Unknown };
        // Whoever answered, it was not the API as we know it, so it says nothing of what the API did.
        let message = format!("answered with status {} and {what}", self.status);
        Fault::new(self.provider, kind, Happened::Unknown, self.status.to_string(), &message)
    }
}

/// The title of a page, where it is one.
fn title(text: &str) -> Option<&str> {
    let start = text.trim_start();
    if !start.starts_with('<') {
        return None;
    }
    let from = text.find("<title>").map(|place| place + "<title>".len());
    Some(from.and_then(|from| text[from..].split('<').next()).unwrap_or("without a title"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what is missing fails the test")]
    use super::*;

    fn http() -> Http {
        let limits = Limits::default();
        Http::new(client(&limits, &[]).unwrap(), limits, "Test Cloud", "https://api.example/v1/").unwrap()
    }

    #[test]
    fn a_path_s_parts_stay_parts() {
        let call = Call::get(&["zones", "a/b?c#d", "x"]).query("filter", "a=b&c d");
        assert_eq!(http().url(&call).unwrap().as_str(), "https://api.example/v1/zones/a%2Fb%3Fc%23d/x?filter=a%3Db%26c+d");
        for part in ["", ".", ".."] {
            assert!(http().url(&Call::get(&["zones", part])).is_none(), "{part}");
        }
    }

    #[test]
    fn only_addresses_of_the_web_are_taken() {
        let limits = Limits::default();
        for base in ["", "api.example", "file:///etc/passwd", "ftp://api.example"] {
            assert!(Http::new(client(&limits, &[]).unwrap(), limits, "Test Cloud", base).is_err(), "{base}");
        }
    }

    #[tokio::test]
    async fn what_can_t_be_reached_has_not_happened() {
        let limits = Limits::default();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let http = Http::new(client(&limits, &[]).unwrap(), limits, "Test Cloud", &base).unwrap();
        let fault = http.send(Call::get(&["x"]), None).await.unwrap_err();
        assert_eq!((fault.kind.clone(), fault.happened), (FaultKind::Unavailable, Happened::No), "{fault}");
    }

    #[tokio::test]
    async fn a_broken_credential_is_told_without_being_repeated() {
        let fault = http().send(Call::get(&["x"]), Some(&Secret::new("hunter2\n".to_owned()))).await.unwrap_err();
        assert_eq!(fault.kind, FaultKind::CredentialDenied);
        assert!(!format!("{fault:?}").contains("hunter2"));
    }
}
