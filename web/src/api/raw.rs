//! The organisation's events as they are stored, for tools that verify them: `spunto-replay --url`.

use std::convert::Infallible;
use std::io::{self, Write};

use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Query};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_core::access::Permission;
use tokio::sync::{Semaphore, mpsc};

use crate::app::App;
use crate::ask::Ask;
use crate::auth;
use crate::endpoint::Rule;
use crate::problem::Problem;

/// Bytes that are sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait for a slow reader; with more, reading the log waits too.
const CHUNKS_MAX: usize = 4;
/// Excerpts that are sent at a time: each reads the whole log from the disk.
const EXCERPTS_MAX: usize = 4;

static EXCERPTS: Semaphore = Semaphore::const_new(EXCERPTS_MAX);

/// From where on.
#[derive(Deserialize, JsonSchema)]
pub struct From {
    /// Sequence of the last event that is known already; 0, or nothing, for all.
    #[serde(default)]
    since: u64,
}

/// `GET …/events/raw`: a slice of the log, verifiable, up to its present end.
///
/// # Errors
/// Too many are being sent.
pub async fn of_org(app: Data<App>, ask: Ask, request: HttpRequest, from: Query<From>) -> Result<HttpResponse, Problem> {
    let org = ask.org()?;
    let busy = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", "enough excerpts are being sent; try again in a moment");
    let permit = EXCERPTS.try_acquire().map_err(|_| busy())?;
    let (mut out, receiver) = Chunks::new();
    let (feed, after) = (std::sync::Arc::clone(app.directory.feed()), from.since);
    tokio::task::spawn_blocking(move || {
        // A reader that is gone is no fault; one that is there sees an excerpt without an end, and refuses it.
        if let Err(error) = feed.excerpt(org, after, &mut out) {
            tracing::warn!(%error, "an excerpt of the log was not sent to its end");
        }
        drop(permit);
    });
    let body = stream::unfold((receiver, app, request), |(mut receiver, app, request)| async move {
        let chunk: Vec<u8> = receiver.recv().await?;
        // Whoever lost the right to look sees nothing more.
        auth::still_allowed(&app, &request, Rule::Org(Permission::EVENTS_READ))
            .then(|| (Ok::<_, Infallible>(Bytes::from(chunk)), (receiver, app, request)))
    });
    Ok(HttpResponse::Ok().content_type("application/octet-stream").insert_header(("Cache-Control", "no-store")).streaming(Box::pin(body)))
}

/// Hands what is written on, a chunk at a time.
pub(super) struct Chunks {
    sender: mpsc::Sender<Vec<u8>>,
    chunk: Vec<u8>,
}

impl Chunks {
    /// What is written, and what comes out.
    pub(super) fn new() -> (Self, mpsc::Receiver<Vec<u8>>) {
        let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
        (Self { sender, chunk: Vec::with_capacity(CHUNK_BYTES) }, receiver)
    }
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= CHUNK_BYTES {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.chunk.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.chunk, Vec::with_capacity(CHUNK_BYTES));
        self.sender.blocking_send(chunk).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
