//! Streams of output: a request expects one, the agent dials in with it, its bytes go to whoever asked.
//!
//! A bounded queue lies between; while it is full the socket is not read, so that a slow client slows the agent, not the server.

use std::collections::HashMap;
use std::sync::Arc;

use actix::prelude::*;
use actix_web::http::StatusCode;
use actix_web::web::{Bytes, Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_actors::ws::{self, WebsocketContext};
use data_encoding::BASE32_NOPAD;
use parking_lot::Mutex;
use spunto_actors::random;
use spunto_core::id::NodeId;
use spunto_core::protocol::{FRAME_TO_SERVER_BYTES_MAX, LogsEnd};
use tokio::sync::mpsc;
use tracing::debug;

use super::connect::{credential, handshake};
use crate::app::App;
use crate::problem::Problem;

/// Streams open at a time, over all nodes.
const STREAMS_MAX: usize = 1000;
/// Chunks between an agent and a client.
const CHUNKS_MAX: usize = 16;

/// What comes of a stream.
#[derive(Debug)]
pub enum Chunk {
    /// The agent has dialled in.
    Open,
    /// Output.
    Output(Bytes),
    /// It ends for a reason.
    Failed(String),
}

struct Expected {
    node: NodeId,
    /// Taken by the agent that dials in.
    chunks: Option<mpsc::Sender<Chunk>>,
}

/// Streams that are expected or open. Clones share them.
#[derive(Clone, Default)]
pub struct Streams {
    open: Arc<Mutex<HashMap<String, Expected>>>,
}

/// A place for one stream; given back when dropped.
pub struct Place {
    id: String,
    streams: Streams,
}

impl Place {
    /// Names the stream.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.open.lock().remove(&self.id);
    }
}

impl Streams {
    /// Expects a stream of this node.
    ///
    /// # Errors
    /// Too many are open.
    pub fn expect(&self, node: NodeId) -> Result<(Place, mpsc::Receiver<Chunk>), Problem> {
        let id = BASE32_NOPAD.encode(&random::bytes::<16>()).to_lowercase();
        let (chunks, queue) = mpsc::channel(CHUNKS_MAX);
        let mut open = self.open.lock();
        if open.len() >= STREAMS_MAX {
            let detail = "too many outputs are being read; close some and try again";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_streams", detail));
        }
        open.insert(id.clone(), Expected { node, chunks: Some(chunks) });
        drop(open);
        Ok((Place { id, streams: self.clone() }, queue))
    }

    fn take(&self, id: &str, node: NodeId) -> Option<mpsc::Sender<Chunk>> {
        self.open.lock().get_mut(id).filter(|expected| expected.node == node)?.chunks.take()
    }
}

/// `GET /api/agent/streams/{stream}`: an agent's stream of output.
///
/// # Errors
/// The token is not good, or nobody expects this stream.
pub async fn dial(app: Data<App>, path: Path<String>, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let (node, checked) = credential(&app, &request)?;
    checked.map_err(|_| Problem::new(StatusCode::UNAUTHORIZED, "wrong_token", "this token is not in force"))?;
    let chunks = app.streams.take(&path, node).ok_or_else(Problem::not_found)?;
    ws::WsResponseBuilder::new(OutputSocket { chunks, ended: false }, &request, payload)
        .frame_size(FRAME_TO_SERVER_BYTES_MAX)
        .start()
        .map_err(handshake)
}

struct OutputSocket {
    chunks: mpsc::Sender<Chunk>,
    ended: bool,
}

impl OutputSocket {
    fn pass_on(&self, chunk: Chunk, ctx: &mut WebsocketContext<Self>) {
        let chunks = self.chunks.clone();
        let waits = async move { chunks.send(chunk).await }.into_actor(self).map(|sent, _, ctx| {
            if sent.is_err() {
                // Whoever asked has gone.
                ctx.close(None);
                ctx.stop();
            }
        });
        ctx.wait(waits);
    }

    fn end(&mut self, error: Option<String>, ctx: &mut WebsocketContext<Self>) {
        self.ended = true;
        if let Some(message) = error {
            // At the end there is room, or the client is slow and loses only the reason.
            let _ = self.chunks.try_send(Chunk::Failed(message));
        }
        ctx.close(None);
        ctx.stop();
    }
}

impl Actor for OutputSocket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.pass_on(Chunk::Open, ctx);
        // A client that goes away while the unit is quiet must end the stream too.
        let chunks = self.chunks.clone();
        let gone = async move { chunks.closed().await }.into_actor(self).map(|(), _, ctx: &mut Self::Context| {
            ctx.close(None);
            ctx.stop();
        });
        ctx.spawn(gone);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if !self.ended {
            let _ = self.chunks.try_send(Chunk::Failed("the connection to the node was lost".into()));
        }
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for OutputSocket {
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
        match message {
            // The first byte says which output it is; the client gets both as they come.
            // No bytes at all say that the output is there.
            Ok(ws::Message::Binary(bytes)) if !bytes.is_empty() => self.pass_on(Chunk::Output(bytes.slice(1..)), ctx),
            Ok(ws::Message::Text(text)) => {
                let end = serde_json::from_str::<LogsEnd>(&text);
                self.end(end.map_or_else(|_| Some("the agent ended the output in an unknown way".into()), |end| end.error), ctx);
            }
            Ok(ws::Message::Ping(bytes)) => ctx.pong(&bytes),
            Ok(ws::Message::Binary(_) | ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Close(_)) => self.end(None, ctx),
            // The connection is gone, and this is told before what came last on it: that follows, then the end.
            Err(ws::ProtocolError::Io(error)) => debug!(%error, "a connection with output broke"),
            Ok(ws::Message::Continuation(_)) | Err(_) => self.end(Some("the agent broke the protocol".into()), ctx),
        }
    }
}
