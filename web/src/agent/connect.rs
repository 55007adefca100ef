//! An agent's handshake: whose token it is, and whether it is good. Refusing a known node's agent is the supervisor's business,
//! because it is an event.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_actors::ws;
use futures_util::stream;
use spunto_actors::link::{Cut, Link};
use spunto_actors::random;
use spunto_core::event::ConnectionRefusal;
use spunto_core::id::NodeId;
use spunto_core::protocol::FRAME_TO_SERVER_BYTES_MAX;
use spunto_core::token::NodeToken;

use super::cut::{Socket, Uncuttable};
use super::incoming::Incoming;
use super::socket::AgentSocket;
use crate::app::App;
use crate::ask::Ask;
use crate::auth::bearer;
use crate::problem::Problem;

/// A node, and the version of its token that was presented or why that is not good enough.
pub(super) type Credential = (NodeId, Result<u32, ConnectionRefusal>);

/// Reads an agent's token.
///
/// # Errors
/// It names no node.
pub(super) fn credential(app: &App, request: &HttpRequest) -> Result<Credential, Problem> {
    let refused = |detail: &str| {
        app.metrics.unknown_token();
        Problem::new(StatusCode::UNAUTHORIZED, "unknown_token", detail)
    };
    let text = bearer(request).ok_or_else(|| refused("send the node's token: Authorization: Bearer spn_…"))?;
    let token = NodeToken::parse(text).map_err(|error| refused(&error.to_string()))?;
    let digest = token.digest();
    let checked = app.directory.read(|state| {
        let known = state.orgs.get(&token.org)?.fleet.node(token.node)?;
        let previous = known.token.previous.is_some_and(|previous| previous.matches(&digest));
        let version = known.token.version;
        Some(match known.token.digest.matches(&digest) {
            true => Ok(version),
            false if previous => Err(ConnectionRefusal::TokenRotated),
            false => Err(ConnectionRefusal::WrongToken),
        })
    });
    let gone = "this token's node does not exist, or was deleted; create a node and run the command that it shows";
    checked.map(|checked| (token.node, checked)).ok_or_else(|| refused(gone))
}

/// `GET /api/agent/connect`: an agent's session.
///
/// # Errors
/// The token names no node; the request is no WebSocket handshake.
pub async fn connect(app: Data<App>, ask: Ask, request: HttpRequest, payload: Payload) -> Result<HttpResponse, Problem> {
    let (node, credential) = credential(&app, &request)?;
    let cut: Arc<dyn Cut> =
        request.conn_data::<Socket>().map_or_else(|| Arc::new(Uncuttable) as Arc<dyn Cut>, |socket| Arc::new(socket.clone()));
    let (link, outgoing) = Link::new(random::number(), cut);
    let incoming = Incoming::new(payload, FRAME_TO_SERVER_BYTES_MAX);
    let socket = AgentSocket::new(app.clone(), node, credential, ask.address, link, outgoing, incoming);
    // The socket reads for itself, see `incoming`; the stream that comes with the response has nothing to say.
    ws::WsResponseBuilder::new(socket, &request, stream::pending()).start().map_err(handshake)
}

/// `GET /api/agent/check`: whether this token would be let in.
///
/// # Errors
/// It would not, with what to do.
pub async fn check(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    match credential(&app, &request)?.1 {
        Ok(_) => Ok(HttpResponse::NoContent().finish()),
        Err(ConnectionRefusal::TokenRotated) => {
            let detail = "this token was rotated; run the commands that the rotation showed, with the new NODE_TOKEN";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "token_rotated", detail))
        }
        Err(_) => {
            let detail = "this token is not this node's; copy the NODE_TOKEN again, whole, or rotate the node's token";
            Err(Problem::new(StatusCode::UNAUTHORIZED, "wrong_token", detail))
        }
    }
}

pub(super) fn handshake(error: actix_web::Error) -> Problem {
    Problem::bad_request(format!("this is no WebSocket handshake: {error}"))
}
