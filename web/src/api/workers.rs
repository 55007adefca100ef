//! Workers: spawn, look at, stop, start, delete.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::past::{Moment, Then};
use spunto_actors::random;
use spunto_core::command::{Command, WorkerCommand};
use spunto_core::id::{NodeId, OperationId, OrgId, ProjectId, UnitId, WorkerId};
use spunto_core::outcome::Outcome;
use spunto_core::state::Worker;

use super::past::{self, Look};
use super::projects;
use super::units::{Wanted, keep, name_reasons};
use crate::app::App;
use crate::ask::{Ask, Body, Page, one, written};
use crate::problem::Problem;
use crate::view::past::AsOf;
use crate::view::reply::{PageOf, WorkerReply};
use crate::view::unit::WorkerView;

type WorkerPath = Path<(String, String, String)>;

fn parse(path: &WorkerPath) -> Result<(ProjectId, WorkerId), Problem> {
    Ok((projects::parse(&path.1)?, path.2.parse().map_err(|_| Problem::not_found())?))
}

fn find(app: &App, org: OrgId, worker: WorkerId) -> Option<WorkerView> {
    let view = app.view();
    let org = view.state.orgs.get(&org)?;
    org.workers.get(&worker).map(|known| WorkerView::new(org, worker, known, &app.board.look(known.unit.node)))
}

/// The worker of a path, or that there is none in this project.
fn check_project(app: &App, org: OrgId, project: ProjectId, worker: WorkerId) -> Result<NodeId, Problem> {
    let found = app.directory.read(|state| {
        let known = state.orgs.get(&org)?.workers.get(&worker)?;
        (known.project == project).then_some(known.unit.node)
    });
    found.ok_or_else(Problem::not_found)
}

fn page_of(app: &App, ask: &Ask, page: &Page, keep: impl Fn(&Worker) -> bool) -> Result<HttpResponse, Problem> {
    let view = app.view();
    let org = view.state.orgs.get(&ask.org()?).ok_or_else(Problem::not_found)?;
    let workers = org.workers.iter().filter(|(_, worker)| keep(worker));
    let page = page.cut(workers.map(|(id, worker)| (*id, WorkerView::new(org, *id, worker, &app.board.look(worker.unit.node)))))?;
    Ok(HttpResponse::Ok().json(page))
}

/// The organisation as it was; where only one node of it matters, just that and what was on it.
pub(super) async fn then(app: &Data<App>, ask: &Ask, node: Option<NodeId>, moment: Moment) -> Result<Then, Problem> {
    let (org, Some(node)) = (ask.org()?, node) else { return past::whole(app, ask, moment).await };
    past::one(app, moment, move |directory, point| spunto_actors::past::node(directory, org, node, point)).await
}

fn page_then(then: &Then, page: &Page, keep: impl Fn(&Worker) -> bool) -> Result<HttpResponse, Problem> {
    let org = then.org()?;
    let workers = org.workers.iter().filter(|(_, worker)| keep(worker));
    let page = page.cut(workers.map(|(id, worker)| (*id, WorkerView::then(org, *id, worker, None))))?;
    Ok(HttpResponse::Ok().json(PageOf { as_of: Some(AsOf::new(then)), ..page }))
}

/// Which workers.
#[derive(Deserialize, JsonSchema)]
pub struct Filter {
    /// Only on this node.
    node: Option<String>,
}

impl Filter {
    /// The node that was asked for.
    ///
    /// # Errors
    /// It is no id of a node.
    pub(super) fn node(&self) -> Result<Option<NodeId>, Problem> {
        self.node.as_ref().map(|text| text.parse().map_err(|_| Problem::not_found())).transpose()
    }
}

/// `GET …/orgs/{org}/workers`: of all projects, with `?node=` of one node.
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
    if let Some(moment) = look.moment(&ask)? {
        let then = then(&app, &ask, node, moment).await?;
        return page_then(&then, &page, |worker| node.is_none_or(|node| worker.unit.node == node));
    }
    page_of(&app, &ask, &page, |worker| node.is_none_or(|node| worker.unit.node == node))
}

/// `GET …/projects/{project}/workers`
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
        return page_then(&then, &page, |worker| worker.project == project);
    }
    if !app.directory.read(|state| state.orgs.get(&org).is_some_and(|org| org.projects.contains_key(&project))) {
        return Err(Problem::not_found());
    }
    page_of(&app, &ask, &page, |worker| worker.project == project)
}

/// A worker that is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct NewWorker {
    name: Option<String>,
    node: Option<NodeId>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(flatten)]
    wanted: Wanted,
}

/// `POST …/workers`: placed on the least-loaded node at once, or refused with each node's reason.
///
/// # Errors
/// No node can take it; bad input.
pub async fn create(app: Data<App>, mut ask: Ask, path: Path<(String, String)>, body: Body<NewWorker>) -> Result<HttpResponse, Problem> {
    let NewWorker { name, node, labels, wanted } = body.split(&mut ask);
    let (org, project) = (ask.org()?, projects::parse(&path.1)?);
    let worker = WorkerId::from_u64(random::number());
    let (spec, env) = wanted.split()?;
    let name = name.unwrap_or_else(|| default_name(&spec.image, worker));
    let put = keep(&app, UnitId::Worker(worker), &env).await?;
    let spawn = WorkerCommand::Spawn { project, name, spec, labels, node, operation: operation() };
    match app.command(&ask, Command::Worker(org, worker, spawn)).await {
        Ok(committed) => {
            if let Some(put) = put.filter(|_| committed.repeated) {
                app.secrets.take_back(put).await;
            }
            let Outcome::Worker(worker) = committed.outcome else { return Err(Problem::not_found()) };
            let worker = find(&app, org, worker);
            Ok(written(StatusCode::CREATED, &committed, |position| WorkerReply { worker, position }))
        }
        Err(problem) => {
            if let Some(put) = put {
                app.take_back(put, &problem).await;
            }
            Err(name_reasons(&app, org, problem))
        }
    }
}

/// A new order's id.
pub(super) fn operation() -> OperationId {
    OperationId::from_u64(random::number())
}

/// Characters of the id in a default name: 49 bits. With six, two of some ten thousand workers of a project met.
const DEFAULT_NAME_ID_CHARS: usize = 10;

/// A name for a worker whose user gave none: the image's, and enough of the id to be unique.
fn default_name(image: &str, worker: WorkerId) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let base = last.split([':', '@']).next().unwrap_or(last).to_lowercase();
    let base: String = base.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let id = worker.to_string();
    format!("{}-{}", base.trim_matches('-'), &id[id.len() - DEFAULT_NAME_ID_CHARS..]).trim_start_matches('-').to_owned()
}

/// `GET …/workers/{worker}`
///
/// # Errors
/// There is none.
pub async fn get(app: Data<App>, ask: Ask, path: WorkerPath, look: Query<Look>) -> Result<HttpResponse, Problem> {
    if let Some(moment) = look.moment(&ask)? {
        return get_then(&app, ask.org()?, parse(&path)?, moment).await;
    }
    let (org, (project, worker), view) = (ask.org()?, parse(&path)?, app.view());
    let org = view.state.orgs.get(&org).ok_or_else(Problem::not_found)?;
    let known = org.workers.get(&worker).filter(|known| known.project == project).ok_or_else(Problem::not_found)?;
    Ok(one(known.version, &WorkerView::new(org, worker, known, &app.board.look(known.unit.node))))
}

async fn get_then(app: &Data<App>, org: OrgId, of: (ProjectId, WorkerId), moment: Moment) -> Result<HttpResponse, Problem> {
    let (project, worker) = of;
    let then = past::one(app, moment, move |directory, point| spunto_actors::past::worker(directory, org, project, worker, point)).await?;
    let org = then.org()?;
    let known = org.workers.get(&worker).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(WorkerView::then(org, worker, known, Some(AsOf::new(&then)))))
}

async fn carry_out(app: &App, ask: &Ask, path: &WorkerPath, command: WorkerCommand) -> Result<HttpResponse, Problem> {
    let (org, (project, worker)) = (ask.org()?, parse(path)?);
    check_project(app, org, project, worker)?;
    let committed = app.command(ask, Command::Worker(org, worker, command)).await?;
    let worker = find(app, org, worker);
    Ok(written(StatusCode::OK, &committed, |position| WorkerReply { worker, position }))
}

/// `POST …/stop`
///
/// # Errors
/// It does not run.
pub async fn stop(app: Data<App>, ask: Ask, path: WorkerPath) -> Result<HttpResponse, Problem> {
    carry_out(&app, &ask, &path, WorkerCommand::Stop { operation: operation() }).await
}

/// `POST …/start`
///
/// # Errors
/// It is stopping or being deleted.
pub async fn start(app: Data<App>, ask: Ask, path: WorkerPath) -> Result<HttpResponse, Problem> {
    carry_out(&app, &ask, &path, WorkerCommand::Start { operation: operation() }).await
}

/// Whether to wait for the node.
#[derive(Deserialize, JsonSchema)]
pub struct Force {
    /// Do not wait for a node that is away.
    #[serde(default)]
    pub(super) force: bool,
}

/// `DELETE …/workers/{worker}`: with `?force=true` and its node away, it is gone at once; what is left there is removed when
/// the node is back.
///
/// # Errors
/// There is none.
pub async fn delete(app: Data<App>, ask: Ask, path: WorkerPath, force: Query<Force>) -> Result<HttpResponse, Problem> {
    let (org, (project, worker)) = (ask.org()?, parse(&path)?);
    let node = check_project(&app, org, project, worker)?;
    let unheard = force.force && app.board.look(node).session.is_none();
    carry_out(&app, &ask, &path, WorkerCommand::Delete { operation: operation(), unheard }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_names_are_names() {
        for image in ["debian:12", "ghcr.io/a/B_c.d@sha256:0", "x", "registry:5000/web", "___", &"é".repeat(200)] {
            let name = default_name(image, WorkerId::from_u64(7));
            assert_eq!(spunto_core::name::check_name("name", &name), Ok(()), "{image} gave {name}");
        }
    }
}
