//! Projects.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use spunto_actors::random;
use spunto_core::command::{AccountCommand, Command};
use spunto_core::id::{OrgId, ProjectId};
use spunto_core::outcome::Outcome;

use super::orgs::Named;
use crate::app::App;
use crate::ask::{Ask, Body, Page, one, written};
use crate::problem::Problem;
use crate::view::account::ProjectView;
use crate::view::reply::{Done, ProjectReply};

fn find(app: &App, org: OrgId, project: ProjectId) -> Option<ProjectView> {
    app.view().state.orgs.get(&org)?.projects.get(&project).map(|known| ProjectView::new(project, known))
}

/// The project of a path.
pub(super) fn parse(path: &str) -> Result<ProjectId, Problem> {
    path.parse().map_err(|_| Problem::not_found())
}

/// `GET …/projects`
///
/// # Errors
/// A cursor that is none.
pub async fn list(app: Data<App>, ask: Ask, page: Query<Page>) -> Result<HttpResponse, Problem> {
    let view = app.view();
    let org = view.state.orgs.get(&ask.org()?).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(page.cut(org.projects.iter().map(|(id, project)| (*id, ProjectView::new(*id, project))))?))
}

/// `POST …/projects`
///
/// # Errors
/// A bad or taken name.
pub async fn create(app: Data<App>, mut ask: Ask, body: Body<Named>) -> Result<HttpResponse, Problem> {
    let Named { name } = body.split(&mut ask);
    let (org, project) = (ask.org()?, ProjectId::from_u64(random::number()));
    let committed = app.command(&ask, Command::Account(AccountCommand::CreateProject { org, project, name })).await?;
    let Outcome::Project(project) = committed.outcome else { return Err(Problem::not_found()) };
    let project = find(&app, org, project);
    Ok(written(StatusCode::CREATED, &committed, |position| ProjectReply { project, position }))
}

/// `GET …/projects/{project}`
///
/// # Errors
/// There is none.
pub async fn get(app: Data<App>, ask: Ask, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (org, project, view) = (ask.org()?, parse(&path.1)?, app.view());
    let known = view.state.orgs.get(&org).and_then(|org| org.projects.get(&project)).ok_or_else(Problem::not_found)?;
    Ok(one(known.version, &ProjectView::new(project, known)))
}

/// `PATCH …/projects/{project}`: renames.
///
/// # Errors
/// A bad or taken name; changed meanwhile.
pub async fn rename(app: Data<App>, mut ask: Ask, path: Path<(String, String)>, body: Body<Named>) -> Result<HttpResponse, Problem> {
    let Named { name } = body.split(&mut ask);
    let (org, project) = (ask.org()?, parse(&path.1)?);
    let committed = app.command(&ask, Command::Account(AccountCommand::RenameProject { org, project, name })).await?;
    let project = find(&app, org, project);
    Ok(written(StatusCode::OK, &committed, |position| ProjectReply { project, position }))
}

/// `DELETE …/projects/{project}`
///
/// # Errors
/// It still has workers or deployments.
pub async fn delete(app: Data<App>, ask: Ask, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (org, project) = (ask.org()?, parse(&path.1)?);
    let committed = app.command(&ask, Command::Account(AccountCommand::DeleteProject { org, project })).await?;
    Ok(written(StatusCode::OK, &committed, |position| Done { position }))
}
