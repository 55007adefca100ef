//! One question to the control plane over HTTP, for what comes before a session: small, bounded, and closed after the answer.

use std::time::Duration;

use serde_json::Value;
use spunto_core::secret::Secret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::config::Server;
use crate::link::{LinkError, connect};

/// Longest answer read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;
/// How long question and answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// A question.
pub struct Exchange<'a> {
    /// Method.
    pub method: &'a str,
    /// Path below the control plane's address.
    pub path: &'a str,
    /// What it is proven with.
    pub token: &'a Secret<String>,
    /// JSON to be sent along.
    pub body: Option<&'a str>,
}

/// An answer.
pub struct Answer {
    /// HTTP status; 0 where there was none.
    pub status: u16,
    /// The whole answer, headers first.
    pub text: String,
}

impl Answer {
    /// The body as JSON, where it is.
    #[must_use]
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(self.text.split_once("\r\n\r\n")?.1).ok()
    }

    /// What a problem says to do.
    #[must_use]
    pub fn detail(&self) -> String {
        let detail = self.json().and_then(|body| Some(body.get("detail")?.as_str()?.to_owned()));
        detail.unwrap_or_else(|| format!("the server answers {}", self.status))
    }
}

/// Asks, on a connection of its own. HTTP/1.0, so that the answer comes in one piece.
///
/// # Errors
/// There is no connection.
pub async fn ask(server: &Server, exchange: &Exchange<'_>) -> Result<Answer, LinkError> {
    let mut stream = connect(server).await?;
    let body = exchange.body.unwrap_or_default();
    let head = format!(
        "{} {}{} HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        exchange.method,
        server.base,
        exchange.path,
        server.authority(),
        exchange.token.expose(),
        body.len(),
    );
    let mut answer = Vec::new();
    let asking = async {
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await
    };
    // Whatever ended it, what came until then is the answer.
    let _ = tokio::time::timeout(ANSWER_WITHIN, asking).await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split_whitespace().nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Ok(Answer { status, text })
}
