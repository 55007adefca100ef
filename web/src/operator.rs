//! How the operator's command line proves itself to the server on the same machine: by a key that follows from the master key. What is
//! sent is good for one request, once and within a minute, so that whoever listens in the server's place learns nothing to keep. What is
//! asked stands in the request's path and query: its proof covers no body, and none is read.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use anyhow::{Context, bail};
use parking_lot::Mutex;
use serde_json::Value;
use spunto_actors::clock::{Clock, SystemClock};
use spunto_core::secret::Secret;
use spunto_core::time::Timestamp;

use crate::boot;
use crate::config::Serve;
use crate::loopback::{self, Connection};
use crate::problem::Problem;

/// The scheme of the header `Authorization`.
const SCHEME: &str = "Spunto-Operator";
/// How far the request's time may be from the server's.
const SKEW_MS_MAX: u64 = 60_000;
/// Most proofs that are remembered as used: an operator's requests within two minutes.
const USED_MAX: usize = 10_000;

/// How long a step of an answer may take: clouds are asked meanwhile.
const STEP_WITHIN: Duration = Duration::from_secs(120);
/// Longest answer that is read whole.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Longest line of an answer's head.
const LINE_BYTES_MAX: u64 = 16 * 1024;

/// The operator's key of one log.
#[must_use]
pub fn key(master: &Secret<[u8; 32]>, incarnation: u64) -> Secret<[u8; 32]> {
    let derived = blake3::derive_key("spunto 2026-11 operator's command line", master.expose());
    Secret::new(*blake3::keyed_hash(&derived, &incarnation.to_le_bytes()).as_bytes())
}

/// The value of the header `Authorization` for one request.
#[must_use]
pub fn proof(key: &Secret<[u8; 32]>, method: &str, path: &str, now: Timestamp) -> String {
    format!("{SCHEME} {}.{}", now.ms(), of(key, method, path, now).to_hex())
}

fn of(key: &Secret<[u8; 32]>, method: &str, path: &str, at: Timestamp) -> blake3::Hash {
    blake3::keyed_hash(key.expose(), format!("{method} {path} {}", at.ms()).as_bytes())
}

/// Proofs that were used, for as long as they would be taken, with their times. In memory: a server that starts again within the minute
/// would take one once more.
#[derive(Debug, Default)]
pub struct Used(Mutex<BTreeMap<[u8; 32], u64>>);

impl Used {
    /// Whether this one was not used before; from now on it was.
    fn first(&self, proof: blake3::Hash, at: Timestamp, now: Timestamp) -> bool {
        let mut used = self.0.lock();
        used.retain(|_, at| at.saturating_add(SKEW_MS_MAX) >= now.ms());
        used.len() < USED_MAX && used.insert(*proof.as_bytes(), at.ms()).is_none()
    }
}

/// Checks a request.
///
/// # Errors
/// It is not proven; it is too old; its proof was used before.
pub fn check(key: &Secret<[u8; 32]>, used: &Used, request: &HttpRequest, now: Timestamp) -> Result<(), Problem> {
    let detail = "this is for the operator alone: use the command `spunto` on the server's machine";
    let refused = || Problem::new(StatusCode::UNAUTHORIZED, "operator_only", detail);
    let header = request.headers().get("Authorization").and_then(|value| value.to_str().ok()).ok_or_else(refused)?;
    let (ms, digest) = header.strip_prefix(SCHEME).and_then(|rest| rest.trim().split_once('.')).ok_or_else(refused)?;
    let at = Timestamp::from_ms(ms.parse().map_err(|_| refused())?);
    let presented = blake3::Hash::from_hex(digest).map_err(|_| refused())?;
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    // blake3 compares in constant time.
    if of(key, request.method().as_str(), path, at) != presented || now.ms().abs_diff(at.ms()) > SKEW_MS_MAX {
        return Err(refused());
    }
    if used.first(presented, at, now) { Ok(()) } else { Err(refused()) }
}

/// An answer whose body is still to be read.
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    body: Box<dyn Read>,
}

/// Sends a request to the server of these settings on this machine, as its operator.
///
/// # Errors
/// No server answers; the data directory or its key can't be read.
pub fn ask(serve: &Serve, method: &str, path: &str) -> anyhow::Result<Answer> {
    let (mut stream, _) = loopback::connect(serve, STEP_WITHIN)?;
    let key = boot::operator_key(&serve.data).context("the operator is known by the data directory and its master key")?;
    let proof = proof(&key, method, path, SystemClock.now());
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {proof}\r\n");
    write!(stream, "{head}Content-Length: 0\r\n\r\n")?;
    stream.flush()?;
    let mut reader = BufReader::new(stream);
    let first = line(&mut reader)?;
    let status = first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    let status = status.context("what answers is no HTTP server")?;
    let (mut chunked, mut length) = (false, None);
    loop {
        let header = line(&mut reader)?.to_lowercase();
        if header.is_empty() {
            break;
        }
        chunked |= header.starts_with("transfer-encoding:") && header.contains("chunked");
        length = length.or_else(|| header.strip_prefix("content-length:")?.trim().parse().ok());
    }
    let body: Box<dyn Read> =
        if chunked { Box::new(Chunked { reader, left: 0, ended: false }) } else { Box::new(reader.take(length.unwrap_or(0))) };
    Ok(Answer { status, body })
}

fn line(reader: &mut BufReader<Box<dyn Connection>>) -> std::io::Result<String> {
    let mut line = String::new();
    reader.take(LINE_BYTES_MAX).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

impl Answer {
    /// The body, to be read on.
    #[must_use]
    pub fn into_body(self) -> Box<dyn Read> {
        self.body
    }

    /// The body as JSON; null where it is none.
    ///
    /// # Errors
    /// It does not come.
    pub fn json(self) -> anyhow::Result<Value> {
        let mut bytes = Vec::new();
        self.body.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).context("reading the server's answer")?;
        Ok(serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The body as JSON of an answer that says yes.
    ///
    /// # Errors
    /// It says no, with its words.
    pub fn ok(self) -> anyhow::Result<Value> {
        let status = self.status;
        let body = self.json()?;
        if !(200..300).contains(&status) {
            bail!("{}", body["detail"].as_str().map_or_else(|| format!("the server answers {status}"), str::to_owned));
        }
        Ok(body)
    }
}

/// A body in chunks; one that ends before its last chunk is an error.
struct Chunked {
    reader: BufReader<Box<dyn Connection>>,
    left: u64,
    ended: bool,
}

impl Read for Chunked {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let cut = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the connection ended before the answer did");
        while self.left == 0 && !self.ended {
            let mut size = line(&mut self.reader)?;
            if size.is_empty() {
                // The end of the chunk before; nothing at all is the end of the connection.
                if self.reader.fill_buf()?.is_empty() {
                    return Err(cut());
                }
                size = line(&mut self.reader)?;
            }
            self.left = u64::from_str_radix(&size, 16).map_err(std::io::Error::other)?;
            self.ended = self.left == 0;
        }
        if self.ended {
            return Ok(0);
        }
        let want = usize::try_from(self.left).unwrap_or(usize::MAX).min(out.len());
        let got = self.reader.read(&mut out[..want])?;
        if got == 0 && want > 0 {
            return Err(cut());
        }
        self.left -= got as u64;
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn sent(method: &str, path: &str, proof: &str) -> HttpRequest {
        let request = if method == "POST" { TestRequest::post() } else { TestRequest::get() };
        request.uri(path).insert_header(("Authorization", proof)).to_http_request()
    }

    #[test]
    fn a_proof_is_good_for_one_request_once_within_a_minute() {
        let (key, used, now) = (Secret::new([7; 32]), Used::default(), Timestamp::from_ms(1_000_000));
        let path = "/api/installation/confirm?digest=aa";
        let proven = proof(&key, "POST", path, now);
        let taken = |request: &HttpRequest, at: u64| check(&key, &used, request, Timestamp::from_ms(at)).is_ok();
        assert!(!taken(&sent("GET", path, &proven), now.ms()), "another method");
        assert!(!taken(&sent("POST", "/api/installation/confirm?digest=ab", &proven), now.ms()), "another question");
        assert!(!taken(&sent("POST", path, &proof(&Secret::new([8; 32]), "POST", path, now)), now.ms()), "another key");
        assert!(!taken(&sent("POST", path, &proven), now.ms() + SKEW_MS_MAX + 1), "too late");
        assert!(taken(&sent("POST", path, &proven), now.ms() + SKEW_MS_MAX));
        assert!(!taken(&sent("POST", path, &proven), now.ms()), "twice");
        // Whoever's clock is ahead may not have theirs used again either.
        let ahead = proof(&key, "GET", path, Timestamp::from_ms(now.ms() + SKEW_MS_MAX));
        assert!(taken(&sent("GET", path, &ahead), now.ms()));
        assert!(!taken(&sent("GET", path, &ahead), now.ms() + 2 * SKEW_MS_MAX));
        assert_eq!(used.0.lock().len(), 1, "what would not be taken any more is forgotten");
    }
}
