//! What is done to a node: drain, maintenance, rotation, deletion.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::random;
use spunto_core::command::{Command, NodeCommand};
use spunto_core::token::NodeToken;

use super::nodes::{docker_run, find, parse};
use crate::app::App;
use crate::ask::{Ask, Body, written};
use crate::problem::Problem;
use crate::view::reply::{NodeReply, TokenCommands, TokenRotated};

/// What removes the old agent container: a restart would keep the old environment.
const REMOVE_COMMAND: &str = "docker rm -f spunto-agent";

/// A reason, for people.
#[derive(Deserialize, JsonSchema)]
pub struct Reason {
    #[serde(default)]
    reason: String,
}

type NodePath = Path<(String, String)>;

async fn carry_out(app: &App, ask: &Ask, path: &NodePath, command: NodeCommand) -> Result<HttpResponse, Problem> {
    let (org, node) = (ask.org()?, parse(&path.1)?);
    let committed = app.command(ask, Command::Node(org, node, command)).await?;
    let node = find(app, org, node);
    Ok(written(StatusCode::OK, &committed, |position| NodeReply { node, position }))
}

/// `POST …/drain`: nothing new is placed until the agent connects again, or somebody ends it.
///
/// # Errors
/// The node is not online, or draining already.
pub async fn drain(app: Data<App>, mut ask: Ask, path: NodePath, body: Body<Reason>) -> Result<HttpResponse, Problem> {
    let Reason { reason } = body.split(&mut ask);
    carry_out(&app, &ask, &path, NodeCommand::Drain { reason }).await
}

/// `POST …/undrain`
///
/// # Errors
/// The node is not draining.
pub async fn undrain(app: Data<App>, ask: Ask, path: NodePath) -> Result<HttpResponse, Problem> {
    carry_out(&app, &ask, &path, NodeCommand::Undrain).await
}

/// `POST …/maintenance`: nothing new is placed until somebody ends it, whatever happens to connections.
///
/// # Errors
/// No reason; in maintenance already.
pub async fn start_maintenance(app: Data<App>, mut ask: Ask, path: NodePath, body: Body<Reason>) -> Result<HttpResponse, Problem> {
    let Reason { reason } = body.split(&mut ask);
    carry_out(&app, &ask, &path, NodeCommand::StartMaintenance { reason }).await
}

/// `DELETE …/maintenance`
///
/// # Errors
/// Not in maintenance.
pub async fn end_maintenance(app: Data<App>, ask: Ask, path: NodePath) -> Result<HttpResponse, Problem> {
    carry_out(&app, &ask, &path, NodeCommand::EndMaintenance).await
}

/// `POST …/rotate-token`: the old token is dead from here on; the reply shows the new one and both commands, once.
///
/// # Errors
/// The node is being deleted.
pub async fn rotate_token(app: Data<App>, ask: Ask, path: NodePath) -> Result<HttpResponse, Problem> {
    let (org, node) = (ask.org()?, parse(&path.1)?);
    let _one_at_a_time = app.versioning.lock().await;
    let version = app.directory.read(|state| Some(state.orgs.get(&org)?.fleet.node(node)?.token.version));
    let token_version = version.ok_or_else(Problem::not_found)? + 1;
    let token = NodeToken::new(org, node, random::bytes());
    let (token_digest, text) = (token.digest(), token.reveal());
    let put = app.secrets.put_node_token(node, token_version, &text).await?;
    match app.command(&ask, Command::Node(org, node, NodeCommand::RotateToken { token_version, token_digest })).await {
        Ok(committed) => {
            let commands = TokenCommands { remove: REMOVE_COMMAND.to_owned(), run: docker_run(&app.settings, &text) };
            let (node, token) = (find(&app, org, node), text.expose().clone());
            Ok(written(StatusCode::OK, &committed, |position| TokenRotated { node, token, commands, position }))
        }
        Err(problem) => {
            app.take_back(put, &problem).await;
            Err(problem)
        }
    }
}

/// Whether a deletion is forced.
#[derive(Deserialize, JsonSchema)]
pub struct Force {
    /// Do it whatever needs it: workers go with their node, machines with their credential are given up.
    #[serde(default)]
    force: bool,
}

impl Force {
    /// Whether it is.
    pub(super) const fn force(&self) -> bool {
        self.force
    }
}

/// `DELETE …/nodes/{node}`: an online agent removes its containers and stops itself. With `?force=true` workers go with it; a
/// second forced call does not wait for the agent any longer.
///
/// # Errors
/// It has workers and the call is not forced; it is being deleted already.
pub async fn delete(app: Data<App>, ask: Ask, path: NodePath, force: Query<Force>) -> Result<HttpResponse, Problem> {
    let (org, node) = (ask.org()?, parse(&path.1)?);
    let connected = app.board.look(node).session.is_some();
    let command = NodeCommand::Delete { forced: force.force, connected };
    let committed = app.command(&ask, Command::Node(org, node, command)).await?;
    let node = find(&app, org, node);
    Ok(written(StatusCode::OK, &committed, |position| NodeReply { node, position }))
}
