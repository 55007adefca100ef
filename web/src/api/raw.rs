//! The log's events as they are stored, for tools that verify them (`spunto-replay`): of an organisation, and of one node's life.

use std::convert::Infallible;
use std::io::{self, Write};

use actix_web::http::StatusCode;
use actix_web::http::header::ContentDisposition;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::excerpt::ExcerptError;
use spunto_actors::feed::Feed;
use spunto_core::access::Permission;
use spunto_core::record::StreamId;
use tokio::sync::{Semaphore, mpsc};

use super::{nodes, past};
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
    let (org, after) = (ask.org()?, from.since);
    let body = excerpt(&app, request, move |feed, out| feed.excerpt(org, after, out))?;
    Ok(reply().streaming(body))
}

/// `GET …/nodes/{node}/slice`: a node's life for a bug report, verifiable.
///
/// # Errors
/// There never was such a node; too many are being sent.
pub async fn of_node(app: Data<App>, ask: Ask, request: HttpRequest, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (org, node) = (ask.org()?, nodes::parse(&path.1)?);
    past::check_node(&app, org, node).await?;
    let first = app.view().timeline(StreamId::Org(org)).first().copied().ok_or_else(Problem::not_found)?;
    let body = excerpt(&app, request, move |feed, out| feed.excerpt_of_node(org, node, first, out))?;
    Ok(reply().insert_header(ContentDisposition::attachment(format!("{node}.slice"))).streaming(body))
}

fn reply() -> HttpResponseBuilder {
    let mut reply = HttpResponse::Ok();
    reply.content_type("application/octet-stream").insert_header(("Cache-Control", "no-store"));
    reply
}

/// What `write` writes, on a thread that may block, as it comes.
fn excerpt(
    app: &Data<App>,
    request: HttpRequest,
    write: impl FnOnce(&Feed, &mut Chunks) -> Result<(), ExcerptError> + Send + 'static,
) -> Result<LocalBoxStream<'static, Result<Bytes, Infallible>>, Problem> {
    let busy = || Problem::new(StatusCode::TOO_MANY_REQUESTS, "busy", "enough excerpts are being sent; try again in a moment");
    let permit = EXCERPTS.try_acquire().map_err(|_| busy())?;
    let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
    let feed = std::sync::Arc::clone(app.directory.feed());
    tokio::task::spawn_blocking(move || {
        let mut out = Chunks { sender, chunk: Vec::with_capacity(CHUNK_BYTES) };
        // A reader that is gone is no fault; one that is there sees an excerpt without an end, and refuses it.
        if let Err(error) = write(&feed, &mut out) {
            tracing::warn!(%error, "an excerpt of the log was not sent to its end");
        }
        drop(permit);
    });
    let body = stream::unfold((receiver, app.clone(), request), |(mut receiver, app, request)| async move {
        let chunk: Vec<u8> = receiver.recv().await?;
        // Whoever lost the right to look sees nothing more.
        auth::still_allowed(&app, &request, Rule::Org(Permission::EVENTS_READ))
            .then(|| (Ok::<_, Infallible>(Bytes::from(chunk)), (receiver, app, request)))
    });
    Ok(body.boxed_local())
}

/// Hands what is written on, a chunk at a time.
struct Chunks {
    sender: mpsc::Sender<Vec<u8>>,
    chunk: Vec<u8>,
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
