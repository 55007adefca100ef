//! Deployments: services on one node, on one network, that find each other by name.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::past::{Moment, Then};
use spunto_actors::random;
use spunto_core::command::{Command, DeploymentCommand, NewService};
use spunto_core::id::{DeploymentId, NodeId, OrgId, ProjectId, ServiceId, UnitId};
use spunto_core::outcome::Outcome;
use spunto_core::state::Deployment;

use super::past::{self, Look};
use super::projects;
use super::units::{Wanted, keep, name_reasons};
use super::workers::{self, Filter, Force, operation};
use crate::app::App;
use crate::ask::{Ask, Body, Page, one, written};
use crate::problem::Problem;
use crate::view::past::AsOf;
use crate::view::reply::{DeploymentReply, PageOf};
use crate::view::unit::DeploymentView;

type DeploymentPath = Path<(String, String, String)>;

fn parse(path: &DeploymentPath) -> Result<(ProjectId, DeploymentId), Problem> {
    Ok((projects::parse(&path.1)?, path.2.parse().map_err(|_| Problem::not_found())?))
}

fn find(app: &App, org: OrgId, deployment: DeploymentId) -> Option<DeploymentView> {
    let view = app.view();
    let org = view.state.orgs.get(&org)?;
    org.deployments.get(&deployment).map(|known| DeploymentView::new(org, deployment, known, &app.board.look(known.node)))
}

/// `GET …/orgs/{org}/deployments`: of all projects, with `?node=` of one node.
///
/// # Errors
/// A cursor that is none.
pub async fn list_all(
    app: Data<App>,
    ask: Ask,
    page: Query<Page>,
    filter: Query<Filter>,
    look: Query<Look>,
) -> Result<HttpResponse, Problem> {
    let node = filter.node()?;
    let keep = |known: &Deployment| node.is_none_or(|node| known.node == node);
    if let Some(moment) = look.moment(&ask)? {
        return page_then(&workers::then(&app, &ask, node, moment).await?, &page, keep);
    }
    page_of(&app, &ask, &page, keep)
}

fn page_of(app: &App, ask: &Ask, page: &Page, keep: impl Fn(&Deployment) -> bool) -> Result<HttpResponse, Problem> {
    let view = app.view();
    let org = view.state.orgs.get(&ask.org()?).ok_or_else(Problem::not_found)?;
    let kept = org.deployments.iter().filter(|(_, deployment)| keep(deployment));
    let page = page.cut(kept.map(|(id, known)| (*id, DeploymentView::new(org, *id, known, &app.board.look(known.node)))))?;
    Ok(HttpResponse::Ok().json(page))
}

fn page_then(then: &Then, page: &Page, keep: impl Fn(&Deployment) -> bool) -> Result<HttpResponse, Problem> {
    let org = then.org()?;
    let kept = org.deployments.iter().filter(|(_, deployment)| keep(deployment));
    let page = page.cut(kept.map(|(id, known)| (*id, DeploymentView::then(org, *id, known, None))))?;
    Ok(HttpResponse::Ok().json(PageOf { as_of: Some(AsOf::new(then)), ..page }))
}

/// `GET …/deployments`
///
/// # Errors
/// There is no such project.
pub async fn list(
    app: Data<App>,
    ask: Ask,
    path: Path<(String, String)>,
    page: Query<Page>,
    look: Query<Look>,
) -> Result<HttpResponse, Problem> {
    let (org, project) = (ask.org()?, projects::parse(&path.1)?);
    if let Some(moment) = look.moment(&ask)? {
        let then = past::project(&app, &ask, project, moment).await?;
        return page_then(&then, &page, |deployment| deployment.project == project);
    }
    if !app.directory.read(|state| state.orgs.get(&org).is_some_and(|org| org.projects.contains_key(&project))) {
        return Err(Problem::not_found());
    }
    page_of(&app, &ask, &page, |deployment| deployment.project == project)
}

/// One service that is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct WantedService {
    name: String,
    #[serde(flatten)]
    wanted: Wanted,
}

/// A deployment that is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct NewDeployment {
    name: String,
    services: Vec<WantedService>,
    node: Option<NodeId>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// `POST …/deployments`: placed whole, or refused with each node's reason.
///
/// # Errors
/// No node can take it; bad input.
pub async fn create(
    app: Data<App>,
    mut ask: Ask,
    path: Path<(String, String)>,
    body: Body<NewDeployment>,
) -> Result<HttpResponse, Problem> {
    let NewDeployment { name, services: wanted, node, labels } = body.split(&mut ask);
    let (org, project) = (ask.org()?, projects::parse(&path.1)?);
    if wanted.len() > spunto_core::decide::SERVICES_MAX {
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "out_of_range", "a deployment has at most 16 services"));
    }
    let (mut services, mut puts) = (Vec::with_capacity(wanted.len()), Vec::new());
    for WantedService { name, wanted } in wanted {
        let service = ServiceId::from_u64(random::number());
        let (spec, env) = wanted.split()?;
        puts.extend(keep(&app, UnitId::Service(service), &env).await?);
        services.push(NewService { service, name, spec, operation: operation() });
    }
    let deployment = DeploymentId::from_u64(random::number());
    let create = DeploymentCommand::Create { project, name, services, labels, node };
    match app.command(&ask, Command::Deployment(org, deployment, create)).await {
        Ok(committed) => {
            for put in puts.into_iter().filter(|_| committed.repeated) {
                app.secrets.take_back(put).await;
            }
            let Outcome::Deployment(deployment) = committed.outcome else { return Err(Problem::not_found()) };
            let deployment = find(&app, org, deployment);
            Ok(written(StatusCode::CREATED, &committed, |position| DeploymentReply { deployment, position }))
        }
        Err(problem) => {
            for put in puts {
                app.take_back(put, &problem).await;
            }
            Err(name_reasons(&app, org, problem))
        }
    }
}

/// `GET …/deployments/{deployment}`
///
/// # Errors
/// There is none.
pub async fn get(app: Data<App>, ask: Ask, path: DeploymentPath, look: Query<Look>) -> Result<HttpResponse, Problem> {
    if let Some(moment) = look.moment(&ask)? {
        return get_then(&app, ask.org()?, parse(&path)?, moment).await;
    }
    let (org, (project, deployment), view) = (ask.org()?, parse(&path)?, app.view());
    let org = view.state.orgs.get(&org).ok_or_else(Problem::not_found)?;
    let known = org.deployments.get(&deployment).filter(|known| known.project == project).ok_or_else(Problem::not_found)?;
    Ok(one(known.version, &DeploymentView::new(org, deployment, known, &app.board.look(known.node))))
}

async fn get_then(app: &Data<App>, org: OrgId, of: (ProjectId, DeploymentId), moment: Moment) -> Result<HttpResponse, Problem> {
    let (project, id) = of;
    let then = past::one(app, moment, move |directory, point| spunto_actors::past::deployment(directory, org, project, id, point)).await?;
    let org = then.org()?;
    let known = org.deployments.get(&id).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(DeploymentView::then(org, id, known, Some(AsOf::new(&then)))))
}

async fn carry_out(app: &App, ask: &Ask, path: &DeploymentPath, command: DeploymentCommand) -> Result<HttpResponse, Problem> {
    let (org, (project, deployment)) = (ask.org()?, parse(path)?);
    let there = app.directory.read(|state| {
        let known = state.orgs.get(&org)?.deployments.get(&deployment)?;
        (known.project == project).then_some(())
    });
    there.ok_or_else(Problem::not_found)?;
    let committed = app.command(ask, Command::Deployment(org, deployment, command)).await?;
    let deployment = find(app, org, deployment);
    Ok(written(StatusCode::OK, &committed, |position| DeploymentReply { deployment, position }))
}

/// `POST …/stop`
///
/// # Errors
/// It is being deleted.
pub async fn stop(app: Data<App>, ask: Ask, path: DeploymentPath) -> Result<HttpResponse, Problem> {
    carry_out(&app, &ask, &path, DeploymentCommand::Stop { operation: operation() }).await
}

/// `POST …/start`
///
/// # Errors
/// It is being deleted.
pub async fn start(app: Data<App>, ask: Ask, path: DeploymentPath) -> Result<HttpResponse, Problem> {
    carry_out(&app, &ask, &path, DeploymentCommand::Start { operation: operation() }).await
}

/// `DELETE …/deployments/{deployment}`: with `?force=true` and its node away, it is gone at once.
///
/// # Errors
/// There is none.
pub async fn delete(app: Data<App>, ask: Ask, path: DeploymentPath, force: Query<Force>) -> Result<HttpResponse, Problem> {
    let (org, (_, deployment)) = (ask.org()?, parse(&path)?);
    let node = app.directory.read(|state| Some(state.orgs.get(&org)?.deployments.get(&deployment)?.node));
    let unheard = force.force && node.is_some_and(|node| app.board.look(node).session.is_none());
    carry_out(&app, &ask, &path, DeploymentCommand::Delete { operation: operation(), unheard }).await
}
