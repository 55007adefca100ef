//! What a new machine says before its agent has a session: how far its start has got, and that its agent wants the node's token.
//! Proven by the enrolment token in the header; refusing a known node's machine is an event.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use spunto_core::command::{Command, NodeCommand, ProvisionCommand};
use spunto_core::event::ConnectionRefusal;
use spunto_core::id::NodeId;
use spunto_core::protocol::Instance;
use spunto_core::record::Actor;
use spunto_core::secret::Secret;
use spunto_core::token::EnrolmentToken;

use crate::app::App;
use crate::ask::{Ask, Body};
use crate::auth::bearer;
use crate::problem::Problem;

/// Times that the token is looked for: it may be rotated while it is.
const LOOKS_MAX: usize = 3;

/// A known machine, and the attempt's correlation.
struct Known {
    token: EnrolmentToken,
    correlation: u64,
}

fn known(app: &App, request: &HttpRequest) -> Result<Known, Problem> {
    let refused = |detail: &str| {
        app.metrics.unknown_token();
        Problem::new(StatusCode::UNAUTHORIZED, "unknown_token", detail)
    };
    let text = bearer(request).ok_or_else(|| refused("send the enrolment token: Authorization: Bearer spe_…"))?;
    let token = EnrolmentToken::parse(text).map_err(|error| refused(&error.to_string()))?;
    let found = app.directory.read(|state| {
        let known = state.orgs.get(&token.org)?.fleet.node(token.node)?;
        Some(known.provision.as_ref().map(|provision| provision.correlation))
    });
    match found {
        Some(Some(correlation)) => Ok(Known { token, correlation }),
        Some(None) => Err(refused("this token's node is not made by a cloud; run the docker command that it shows")),
        None => Err(refused("this token's node does not exist, or was deleted; delete this machine, and create a node")),
    }
}

/// What an agent says of itself.
#[derive(Deserialize)]
pub struct Enrol {
    /// Its installation: a number that it made at its first start, and keeps.
    instance: Instance,
}

#[derive(Serialize)]
struct Enrolled {
    node: NodeId,
    token: String,
}

/// `POST /api/agent/enrol`: trades the enrolment token for the node's; the same installation may ask again until its first session.
///
/// # Errors
/// The token is unknown, used or too old; with what to do.
pub async fn enrol(app: Data<App>, mut ask: Ask, request: HttpRequest, body: Body<Enrol>) -> Result<HttpResponse, Problem> {
    let Enrol { instance } = body.split(&mut ask);
    let Known { token, correlation } = known(&app, &request)?;
    let (org, node) = (token.org, token.node);
    let command = ProvisionCommand::Enrol { digest: token.digest(), instance: instance.0, address: ask.address.clone() };
    let traded = app.command_of(Actor::Node(node), correlation, Command::Provision(org, node, command)).await;
    if let Err(problem) = traded {
        let reason = match problem.code() {
            "enrolment_unknown" => ConnectionRefusal::WrongEnrolment,
            "enrolment_used" => ConnectionRefusal::EnrolmentUsed,
            "enrolment_expired" => ConnectionRefusal::EnrolmentExpired,
            _ => return Err(problem),
        };
        let refuse = NodeCommand::RefuseConnection { reason, address: ask.address, count: 1 };
        // Told once an hour for each reason and address; whether that works out changes nothing of the answer.
        let _ = app.command_of(Actor::Node(node), correlation, Command::Node(org, node, refuse)).await;
        return Err(problem);
    }
    let token = node_token(&app, &token).await?;
    Ok(HttpResponse::Ok().json(Enrolled { node, token: token.into_exposed() }))
}

async fn node_token(app: &App, of: &EnrolmentToken) -> Result<Secret<String>, Problem> {
    for _ in 1..LOOKS_MAX {
        let version = app.directory.read(|state| Some(state.orgs.get(&of.org)?.fleet.node(of.node)?.token.version));
        if let Ok(token) = app.secrets.node_token(of.node, version.ok_or_else(Problem::not_found)?).await {
            return Ok(token);
        }
    }
    let version = app.directory.read(|state| Some(state.orgs.get(&of.org)?.fleet.node(of.node)?.token.version));
    Ok(app.secrets.node_token(of.node, version.ok_or_else(Problem::not_found)?).await?)
}

/// How far a machine's start has got.
#[derive(Deserialize)]
pub struct Progress {
    /// What it does.
    stage: String,
    /// More, in its words.
    #[serde(default)]
    message: String,
}

/// `POST /api/agent/progress`: does not use the token up.
///
/// # Errors
/// The token is unknown; a stage that is none.
pub async fn progress(app: Data<App>, mut ask: Ask, request: HttpRequest, body: Body<Progress>) -> Result<HttpResponse, Problem> {
    let Progress { stage, message } = body.split(&mut ask);
    let Known { token, correlation } = known(&app, &request)?;
    let command = ProvisionCommand::ReportProgress { digest: token.digest(), stage, detail: message };
    app.command_of(Actor::Node(token.node), correlation, Command::Provision(token.org, token.node, command)).await?;
    Ok(HttpResponse::NoContent().finish())
}
