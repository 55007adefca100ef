//! Organisations.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::random;
use spunto_core::access::Role;
use spunto_core::command::{AccountCommand, Command};
use spunto_core::id::OrgId;
use spunto_core::record::Actor;

use crate::app::App;
use crate::ask::{Ask, Body, Page, one, written};
use crate::problem::Problem;
use crate::view::account::OrgView;
use crate::view::reply::OrgReply;

/// A name.
#[derive(Deserialize, JsonSchema)]
pub struct Named {
    pub(super) name: String,
}

/// `GET /api/orgs`: where the caller belongs.
///
/// # Errors
/// A cursor that is none.
pub async fn list(app: Data<App>, ask: Ask, page: Query<Page>) -> Result<HttpResponse, Problem> {
    let view = app.view();
    let theirs = view.state.orgs.iter().filter_map(|(id, org)| {
        let role = match ask.actor {
            Actor::User(user) => *org.members.get(&user)?,
            Actor::ApiKey(key) => org.keys.contains_key(&key).then_some(Role::Member)?,
            Actor::System | Actor::Node(_) | Actor::Operator => return None,
        };
        Some((*id, OrgView::new(*id, org, role)))
    });
    Ok(HttpResponse::Ok().json(page.cut(theirs)?))
}

/// `POST /api/orgs`: makes one, owned by the caller.
///
/// # Errors
/// A bad name.
pub async fn create(app: Data<App>, mut ask: Ask, body: Body<Named>) -> Result<HttpResponse, Problem> {
    let Actor::User(owner) = ask.actor else { return Err(Problem::unauthenticated()) };
    let Named { name } = body.split(&mut ask);
    let org = OrgId::from_u64(random::number());
    let committed = app.command(&ask, Command::Account(AccountCommand::CreateOrg { org, name, owner })).await?;
    let created = app.view().state.orgs.get(&org).map(|known| OrgView::new(org, known, Role::Owner));
    Ok(written(StatusCode::CREATED, &committed, |position| OrgReply { org: created, position }))
}

/// `GET /api/orgs/{org}`
///
/// # Errors
/// Not the caller's.
pub async fn get(app: Data<App>, ask: Ask) -> Result<HttpResponse, Problem> {
    let (org, view) = (ask.org()?, app.view());
    let known = view.state.orgs.get(&org).ok_or_else(Problem::not_found)?;
    Ok(one(known.version, &OrgView::new(org, known, ask.role)))
}

/// `PATCH /api/orgs/{org}`: renames.
///
/// # Errors
/// A bad name; changed meanwhile.
pub async fn rename(app: Data<App>, mut ask: Ask, body: Body<Named>) -> Result<HttpResponse, Problem> {
    let Named { name } = body.split(&mut ask);
    let org = ask.org()?;
    let committed = app.command(&ask, Command::Account(AccountCommand::RenameOrg { org, name })).await?;
    let renamed = app.view().state.orgs.get(&org).map(|known| OrgView::new(org, known, ask.role));
    Ok(written(StatusCode::OK, &committed, |position| OrgReply { org: renamed, position }))
}
