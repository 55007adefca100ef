//! The actor of an agent's WebSocket: frames in to the supervisor, frames out from its link. Knows no rule.
//!
//! It waits for the supervisor's answer to each frame before it reads the next: that bounds what an agent can queue. The
//! supervisor never waits for it.

use actix::prelude::*;
use actix_web::web::{Data, Payload};
use actix_web_actors::ws::{self, CloseCode, CloseReason, WebsocketContext};
use spunto_actors::link::{Link, Outgoing};
use spunto_actors::supervisor::{Arrived, Closed, Connect, NodeSupervisor};
use spunto_core::event::{ConnectionRefusal, OfflineReason};
use spunto_core::id::NodeId;
use spunto_core::protocol::{FrameError, FromAgent, FromServer, HELLO_WITHIN_MS, Hello, close, write};
use tokio::sync::mpsc;
use tracing::debug;

use crate::agent::incoming::Incoming;
use crate::app::App;

/// Frames of unknown type that a session may send; a peer that only speaks those is not one of ours.
const UNKNOWN_FRAMES_MAX: u32 = 100;

/// See the module.
pub struct AgentSocket {
    app: Data<App>,
    node: NodeId,
    credential: Result<u32, ConnectionRefusal>,
    address: String,
    link: Option<Link>,
    link_id: u64,
    outgoing: Option<mpsc::Receiver<Outgoing>>,
    incoming: Option<Incoming<Payload>>,
    supervisor: Option<Addr<NodeSupervisor>>,
    unknown_frames: u32,
    reason: OfflineReason,
}

impl AgentSocket {
    pub(super) fn new(
        app: Data<App>,
        node: NodeId,
        credential: Result<u32, ConnectionRefusal>,
        address: String,
        link: Link,
        outgoing: mpsc::Receiver<Outgoing>,
        incoming: Incoming<Payload>,
    ) -> Self {
        let link_id = link.id();
        Self {
            app,
            node,
            credential,
            address,
            link: Some(link),
            link_id,
            outgoing: Some(outgoing),
            incoming: Some(incoming),
            supervisor: None,
            unknown_frames: 0,
            reason: OfflineReason::ConnectionClosed,
        }
    }

    fn end(&mut self, code: CloseCode, words: &str, ctx: &mut WebsocketContext<Self>) {
        debug!(node = %self.node, words, "an agent's connection ends");
        self.reason = OfflineReason::ProtocolError;
        ctx.close(Some(CloseReason { code, description: Some(words.to_owned()) }));
        ctx.stop();
    }

    fn text(&mut self, text: &str, ctx: &mut WebsocketContext<Self>) {
        match FromAgent::parse(text) {
            Ok(FromAgent::Hello(hello)) if self.supervisor.is_none() => self.hello(hello, ctx),
            Ok(_) if self.supervisor.is_none() => self.end(CloseCode::Protocol, "the first frame is a hello", ctx),
            Ok(frame) => self.pass_on(frame, ctx),
            Err(error @ FrameError::UnknownType(_)) if self.unknown_frames < UNKNOWN_FRAMES_MAX => {
                self.unknown_frames += 1;
                ctx.text(write(&FromServer::Error { message: error.to_string() }));
            }
            Err(error @ FrameError::TooLong { .. }) => self.end(CloseCode::Size, &error.to_string(), ctx),
            Err(error) => self.end(CloseCode::Protocol, &error.to_string(), ctx),
        }
    }

    fn hello(&mut self, hello: Hello, ctx: &mut WebsocketContext<Self>) {
        let (supervisors, node) = (self.app.supervisors.clone(), self.node);
        let find = async move { supervisors.wait_for(node).await };
        let waits = find.into_actor(self).map(|found, this, ctx| match (found, this.link.take()) {
            (Some(supervisor), Some(link)) => this.connect(supervisor, hello, link, ctx),
            // The node was deleted meanwhile: the agent dials again and learns so.
            _ => this.end(CloseCode::Other(close::SERVER_STOPPING), "try again", ctx),
        });
        ctx.wait(waits);
    }

    fn connect(&mut self, supervisor: Addr<NodeSupervisor>, hello: Hello, link: Link, ctx: &mut WebsocketContext<Self>) {
        self.supervisor = Some(supervisor.clone());
        let connect = Connect { credential: self.credential, hello, address: self.address.clone(), link };
        let waits = supervisor.send(connect).into_actor(self).map(|answer, this, ctx| {
            if answer.is_err() {
                this.end(CloseCode::Other(close::SERVER_STOPPING), "try again", ctx);
            }
        });
        ctx.wait(waits);
    }

    fn pass_on(&mut self, frame: FromAgent, ctx: &mut WebsocketContext<Self>) {
        let Some(supervisor) = &self.supervisor else { return };
        let waits = supervisor.send(Arrived { link: self.link_id, frame }).into_actor(self).map(|answer, this, ctx| {
            if answer.is_err() {
                this.end(CloseCode::Other(close::SERVER_STOPPING), "try again", ctx);
            }
        });
        ctx.wait(waits);
    }
}

impl Actor for AgentSocket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.app.metrics.connection(true);
        if let Some(mut outgoing) = self.outgoing.take() {
            ctx.add_stream(futures_util::stream::poll_fn(move |cx| outgoing.poll_recv(cx)));
        }
        if let Some(incoming) = self.incoming.take() {
            ctx.add_stream(incoming);
        }
        ctx.run_later(std::time::Duration::from_millis(HELLO_WITHIN_MS), |this, ctx| {
            if this.supervisor.is_none() {
                this.end(CloseCode::Protocol, "no hello in time", ctx);
            }
        });
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        self.app.metrics.connection(false);
        if let Some(supervisor) = &self.supervisor {
            // One message in a connection's life; the supervisor's deadline would find the silence otherwise, only later.
            supervisor.do_send(Closed { link: self.link_id, reason: self.reason });
        }
    }
}

impl StreamHandler<Outgoing> for AgentSocket {
    fn handle(&mut self, outgoing: Outgoing, ctx: &mut Self::Context) {
        match outgoing {
            Outgoing::Text(text) => ctx.text(text),
            Outgoing::Close(code, words) => {
                ctx.close(Some(CloseReason { code: CloseCode::Other(code), description: Some(words.to_owned()) }));
                ctx.stop();
            }
        }
    }

    /// The supervisor has let go of the link.
    fn finished(&mut self, ctx: &mut Self::Context) {
        ctx.close(Some(CloseReason { code: CloseCode::Other(close::SERVER_STOPPING), description: None }));
        ctx.stop();
    }
}

impl StreamHandler<Result<ws::Message, ws::ProtocolError>> for AgentSocket {
    fn handle(&mut self, message: Result<ws::Message, ws::ProtocolError>, ctx: &mut Self::Context) {
        match message {
            Ok(ws::Message::Text(text)) => self.text(&text, ctx),
            Ok(ws::Message::Ping(bytes)) => ctx.pong(&bytes),
            Ok(ws::Message::Pong(_) | ws::Message::Nop) => {}
            Ok(ws::Message::Close(_)) => {
                ctx.close(None);
                ctx.stop();
            }
            Ok(ws::Message::Binary(_)) => self.end(CloseCode::Unsupported, "frames are text", ctx),
            Ok(ws::Message::Continuation(_)) => self.end(CloseCode::Protocol, "frames are not fragmented", ctx),
            Err(ws::ProtocolError::Overflow) => self.end(CloseCode::Size, "a frame to the server is at most 8192 bytes", ctx),
            // The connection broke; nobody did wrong.
            Err(ws::ProtocolError::Io(error)) => {
                debug!(node = %self.node, %error, "an agent's connection broke");
                ctx.stop();
            }
            Err(error) => self.end(CloseCode::Protocol, &error.to_string(), ctx),
        }
    }
}
