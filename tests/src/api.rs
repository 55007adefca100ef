//! A client of the public HTTP API, as a script would be.

use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null where it is no JSON.
    pub body: Value,
    /// The body as it came.
    pub text: String,
    /// The cookie that was set, as `name=value`.
    pub cookie: Option<String>,
    /// Headers, names in lower case, by name.
    pub headers: Vec<(String, String)>,
}

impl Answer {
    /// The body of an answer that says yes.
    ///
    /// # Errors
    /// It says no; with its own words.
    pub fn ok(self) -> anyhow::Result<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        bail!("{} {}: {}", self.status, self.body["code"].as_str().unwrap_or("?"), self.body["detail"].as_str().unwrap_or(&self.text))
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The stable code of an answer that says no.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or("")
    }
}

/// Who asks.
#[derive(Clone, Debug)]
enum Proof {
    Nobody,
    Cookie(String),
    Key(String),
}

/// A client with its proof of who it is.
#[derive(Clone, Debug)]
pub struct Api {
    /// Where the server is.
    pub url: String,
    agent: Agent,
    proof: Proof,
    csrf: bool,
}

impl Api {
    /// A client that nobody knows.
    #[must_use]
    pub fn new(url: &str) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_WITHIN)).build();
        Self { url: url.to_owned(), agent: config.into(), proof: Proof::Nobody, csrf: true }
    }

    /// A client that nobody knows and that trusts this certificate (PEM), and no other.
    ///
    /// # Errors
    /// It is no certificate.
    pub fn trusting(url: &str, pem: &str) -> anyhow::Result<Self> {
        let certificate = Certificate::from_pem(pem.as_bytes())?;
        let tls = TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[certificate])).build();
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER_WITHIN)).tls_config(tls).build();
        Ok(Self { url: url.to_owned(), agent: config.into(), proof: Proof::Nobody, csrf: true })
    }

    /// The same with a browser's cookie.
    #[must_use]
    pub fn with_cookie(&self, cookie: String) -> Self {
        Self { proof: Proof::Cookie(cookie), ..self.clone() }
    }

    /// The same with an API key.
    #[must_use]
    pub fn with_key(&self, key: String) -> Self {
        Self { proof: Proof::Key(key), ..self.clone() }
    }

    /// The browser's cookie, where it is one.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        match &self.proof {
            Proof::Cookie(cookie) => Some(cookie),
            Proof::Nobody | Proof::Key(_) => None,
        }
    }

    /// The same as a page of another site would send it: with the cookie, without the header.
    #[must_use]
    pub fn without_csrf(&self) -> Self {
        Self { csrf: false, ..self.clone() }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// No answer came.
    pub fn send(&self, method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
        read(self.start(method, path, body, headers)?, true)
    }

    /// `GET`, reading no body where all is well: for answers that do not end.
    ///
    /// # Errors
    /// No answer came.
    pub fn open(&self, path: &str, headers: &[(&str, &str)]) -> anyhow::Result<Answer> {
        let answer = self.start("GET", path, None, headers)?;
        let whole = !answer.status().is_success();
        read(answer, whole)
    }

    fn start(&self, method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> anyhow::Result<Response<ureq::Body>> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if self.csrf {
            request = request.header("X-Spunto-Csrf", "1");
        }
        match &self.proof {
            Proof::Nobody => {}
            Proof::Cookie(cookie) => request = request.header("Cookie", cookie),
            Proof::Key(key) => request = request.header("Authorization", format!("Bearer {key}")),
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => self.agent.run(request.header("Content-Type", "application/json").body(body.to_owned())?),
            None => self.agent.run(request.body(())?),
        };
        answer.with_context(|| format!("{method} {path}"))
    }

    /// `GET`
    ///
    /// # Errors
    /// No answer came.
    pub fn get(&self, path: &str) -> anyhow::Result<Answer> {
        self.send("GET", path, None, &[])
    }

    /// `POST`
    ///
    /// # Errors
    /// No answer came.
    pub fn post(&self, path: &str, body: &Value) -> anyhow::Result<Answer> {
        self.send("POST", path, Some(&body.to_string()), &[])
    }

    /// `DELETE`
    ///
    /// # Errors
    /// No answer came.
    pub fn delete(&self, path: &str) -> anyhow::Result<Answer> {
        self.send("DELETE", path, None, &[])
    }

    /// Makes the first owner; the client that is signed in as they, and their organisation's id.
    ///
    /// # Errors
    /// The server says no.
    pub fn set_up(&self, token: &str, email: &str, password: &str) -> anyhow::Result<Self> {
        let body = serde_json::json!({ "token": token, "email": email, "name": "Owner", "password": password });
        self.signed_in(self.post("/api/setup", &body)?)
    }

    /// Signs in.
    ///
    /// # Errors
    /// The server says no.
    pub fn sign_in(&self, email: &str, password: &str) -> anyhow::Result<Self> {
        self.signed_in(self.post("/api/session", &serde_json::json!({ "email": email, "password": password }))?)
    }

    fn signed_in(&self, answer: Answer) -> anyhow::Result<Self> {
        let cookie = answer.cookie.clone();
        answer.ok()?;
        Ok(self.with_cookie(cookie.context("signing in set no cookie")?))
    }

    /// The first organisation of the client, and its first project.
    ///
    /// # Errors
    /// There is none.
    pub fn home(&self) -> anyhow::Result<(String, String)> {
        let orgs = self.get("/api/orgs")?.ok()?;
        let org = orgs["items"][0]["id"].as_str().context("no organisation")?.to_owned();
        let projects = self.get(&format!("/api/orgs/{org}/projects"))?.ok()?;
        let project = projects["items"][0]["id"].as_str().context("no project")?.to_owned();
        Ok((org, project))
    }
}

fn read(answer: Response<ureq::Body>, whole: bool) -> anyhow::Result<Answer> {
    let status = answer.status().as_u16();
    let cookie = answer.headers().get("Set-Cookie").and_then(|value| value.to_str().ok());
    let cookie = cookie.and_then(|value| value.split(';').next()).map(str::to_owned);
    let named = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
        (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let mut headers: Vec<_> = answer.headers().iter().map(named).collect();
    headers.sort();
    // Not every answer is text; what is not is nothing that a test reads as text.
    let bytes = if whole { answer.into_body().read_to_vec().context("reading the answer")? } else { Vec::new() };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Ok(Answer { status, body, text, cookie, headers })
}

/// Asks until there is an answer, within a time.
///
/// # Errors
/// There was none in time; says what was waited for and what was seen last.
pub fn wait_for<T>(what: &str, within: Duration, mut ask: impl FnMut() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    /// Between two questions.
    const PAUSE: Duration = Duration::from_millis(50);
    let start = std::time::Instant::now();
    loop {
        let seen = match ask() {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if start.elapsed() > within {
            return match seen {
                Some(error) => Err(error.context(format!("waiting for {what}"))),
                None => bail!("{what}: not within {} s", within.as_secs()),
            };
        }
        std::thread::sleep(PAUSE);
    }
}
