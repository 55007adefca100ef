//! Nodes: create, look at, rename, label.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::journal::Committed;
use spunto_actors::past::{Moment, Then};
use spunto_actors::random;
use spunto_core::command::{Command, NodeCommand};
use spunto_core::id::{NodeId, OrgId};
use spunto_core::outcome::Outcome;
use spunto_core::secret::Secret;
use spunto_core::state::NodeStatus;
use spunto_core::token::NodeToken;

use super::past::{self, Look};
use super::provisions::{self, Cloud};
use crate::app::{App, Settings};
use crate::ask::{Ask, Body, Page, one, written};
use crate::problem::Problem;
use crate::view::node::{GaugesView, NodeView};
use crate::view::past::AsOf;
use crate::view::reply::{GaugesHistory, NodeCreated, NodeReply, PageOf};

/// For how long a repeated creation shows the token again while the node is pending, in milliseconds.
const TOKEN_SHOWN_AGAIN_MS: u64 = 15 * 60 * 1000;

/// The node of a path.
pub(super) fn parse(path: &str) -> Result<NodeId, Problem> {
    path.parse().map_err(|_| Problem::not_found())
}

/// A node as clients see it.
pub(super) fn find(app: &App, org: OrgId, node: NodeId) -> Option<NodeView> {
    let live = app.board.look(node);
    let view = app.view();
    view.state.orgs.get(&org)?.fleet.node(node).map(|known| NodeView::new(node, known, &live, &view.usual))
}

/// The command that makes a server this node. Everything in it was checked when the server started.
#[must_use]
pub(super) fn docker_run(settings: &Settings, token: &Secret<String>) -> String {
    format!(
        "docker run -d \\\n  --name spunto-agent \\\n  --restart unless-stopped \\\n  -v /var/run/docker.sock:/var/run/docker.sock \\\n  -e NODE_TOKEN={} \\\n  -e API_URL={} \\\n  {}",
        token.expose(),
        settings.public_url,
        settings.agent_image
    )
}

/// `GET …/nodes`
///
/// # Errors
/// A cursor that is none.
pub async fn list(app: Data<App>, ask: Ask, page: Query<Page>, look: Query<Look>) -> Result<HttpResponse, Problem> {
    if let Some(moment) = look.moment(&ask)? {
        return list_then(&app, past::whole(&app, &ask, moment).await?, &page);
    }
    let view = app.view();
    let org = view.state.orgs.get(&ask.org()?).ok_or_else(Problem::not_found)?;
    let page = page.cut(org.fleet.nodes().map(|(id, node)| (id, NodeView::new(id, node, &app.board.look(id), &view.usual))))?;
    Ok(HttpResponse::Ok().json(page))
}

fn list_then(app: &App, then: Then, page: &Page) -> Result<HttpResponse, Problem> {
    let view = app.view();
    let page = page.cut(then.org()?.fleet.nodes().map(|(id, node)| (id, NodeView::then(id, node, &view.usual, None))))?;
    Ok(HttpResponse::Ok().json(PageOf { as_of: Some(AsOf::new(&then)), ..page }))
}

/// A node that is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct NewNode {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// What machine a cloud is to make for it; without, a command is shown to be run on a server.
    cloud: Option<Cloud>,
}

/// `POST …/nodes`: the reply shows the token and the command, once.
///
/// # Errors
/// A bad or taken name.
pub async fn create(app: Data<App>, mut ask: Ask, body: Body<NewNode>) -> Result<HttpResponse, Problem> {
    let NewNode { name, labels, cloud } = body.split(&mut ask);
    let org = ask.org()?;
    if let Some(cloud) = cloud {
        let (node, committed) = provisions::create(&app, &ask, name, labels, cloud).await?;
        return if committed.repeated {
            created_before(&app, org, &committed).await
        } else {
            Ok(created(&app, org, node, &committed, None))
        };
    }
    let token = NodeToken::new(org, NodeId::from_u64(random::number()), random::bytes());
    let (node, token_digest, text) = (token.node, token.digest(), token.reveal());
    let put = app.secrets.put_node_token(node, 1, &text).await?;
    match app.command(&ask, Command::Node(org, node, NodeCommand::Create { name, labels, token_digest })).await {
        Ok(committed) if committed.repeated => {
            app.secrets.take_back(put).await;
            created_before(&app, org, &committed).await
        }
        Ok(committed) => Ok(created(&app, org, node, &committed, Some(&text))),
        Err(problem) => {
            app.take_back(put, &problem).await;
            Err(problem)
        }
    }
}

fn created(app: &App, org: OrgId, node: NodeId, committed: &Committed, token: Option<&Secret<String>>) -> HttpResponse {
    let command = token.map(|token| docker_run(&app.settings, token));
    let (node, token) = (find(app, org, node), token.map(|token| token.expose().clone()));
    written(StatusCode::CREATED, committed, |position| NodeCreated { node, token, command, position })
}

/// A repeated creation answers as the first did; the token only while nothing has connected and the reply may have been lost.
async fn created_before(app: &App, org: OrgId, committed: &Committed) -> Result<HttpResponse, Problem> {
    let Outcome::Node(node) = committed.outcome else { return Err(Problem::not_found()) };
    let now = app.now();
    let version = app.directory.read(|state| {
        let known = state.orgs.get(&org)?.fleet.node(node)?;
        let fresh = now.ms_since(known.token.issued_at) <= TOKEN_SHOWN_AGAIN_MS;
        (known.status == NodeStatus::Pending && fresh).then_some(known.token.version)
    });
    let token = match version {
        Some(version) => Some(app.secrets.node_token(node, version).await?),
        None => None,
    };
    Ok(created(app, org, node, committed, token.as_ref()))
}

/// `GET …/nodes/{node}`
///
/// # Errors
/// There is none.
pub async fn get(app: Data<App>, ask: Ask, path: Path<(String, String)>, look: Query<Look>) -> Result<HttpResponse, Problem> {
    let (org, node) = (ask.org()?, parse(&path.1)?);
    if let Some(moment) = look.moment(&ask)? {
        return get_then(&app, org, node, moment).await;
    }
    let live = app.board.look(node);
    let view = app.view();
    let known = view.state.orgs.get(&org).and_then(|org| org.fleet.node(node)).ok_or_else(Problem::not_found)?;
    Ok(one(known.version, &NodeView::new(node, known, &live, &view.usual)))
}

async fn get_then(app: &Data<App>, org: OrgId, node: NodeId, moment: Moment) -> Result<HttpResponse, Problem> {
    let then = past::one(app, moment, move |directory, point| spunto_actors::past::node(directory, org, node, point)).await?;
    let known = then.org()?.fleet.node(node).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(NodeView::then(node, known, &app.view().usual, Some(AsOf::new(&then)))))
}

/// Changes to a node; what is left out stays.
#[derive(Deserialize, JsonSchema)]
pub struct Changes {
    name: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

/// `PATCH …/nodes/{node}`
///
/// # Errors
/// A bad or taken name; changed meanwhile.
pub async fn update(app: Data<App>, mut ask: Ask, path: Path<(String, String)>, body: Body<Changes>) -> Result<HttpResponse, Problem> {
    let Changes { name, labels } = body.split(&mut ask);
    let (org, node) = (ask.org()?, parse(&path.1)?);
    let committed = app.command(&ask, Command::Node(org, node, NodeCommand::Update { name, labels })).await?;
    let node = find(&app, org, node);
    Ok(written(StatusCode::OK, &committed, |position| NodeReply { node, position }))
}

/// `GET …/nodes/{node}/gauges`: the last ten minutes, oldest first.
///
/// # Errors
/// There is no such node.
pub async fn gauges(app: Data<App>, ask: Ask, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (org, node) = (ask.org()?, parse(&path.1)?);
    let known = app.directory.read(|state| state.orgs.get(&org).is_some_and(|org| org.fleet.node(node).is_some()));
    if !known {
        return Err(Problem::not_found());
    }
    let live = app.board.look(node);
    let items = live.gauges.iter().map(|(at, gauges)| GaugesView::new(at, gauges)).collect();
    Ok(HttpResponse::Ok().json(GaugesHistory { items, suspect: live.suspect, connected: live.session.is_some() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_has_exactly_the_promised_shape() {
        let settings = Settings {
            public_url: "https://spunto.example".into(),
            agent_image: "ghcr.io/coderhammer/spunto-agent:0.1.0".into(),
            trusted_proxies: Vec::new(),
            secure_cookies: true,
        };
        let expected = "docker run -d \\
  --name spunto-agent \\
  --restart unless-stopped \\
  -v /var/run/docker.sock:/var/run/docker.sock \\
  -e NODE_TOKEN=spn_x \\
  -e API_URL=https://spunto.example \\
  ghcr.io/coderhammer/spunto-agent:0.1.0";
        assert_eq!(docker_run(&settings, &Secret::new("spn_x".into())), expected);
    }
}
