//! API keys: shown once, then known by digest only.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::random;
use spunto_core::access::{KeyOwner, Scope};
use spunto_core::command::{AccountCommand, Command};
use spunto_core::id::ApiKeyId;
use spunto_core::record::Actor;
use spunto_core::token::ApiKey;

use crate::app::App;
use crate::ask::{Ask, Body, Page, written};
use crate::problem::Problem;
use crate::view::account::KeyView;
use crate::view::reply::{Done, KeyCreated};

/// For whom a key acts.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OwnerKind {
    #[default]
    User,
    Org,
}

/// A key that is wanted.
#[derive(Deserialize, JsonSchema)]
pub struct NewKey {
    name: String,
    scopes: Vec<String>,
    #[serde(default)]
    owner: OwnerKind,
}

/// `GET …/keys`
///
/// # Errors
/// A cursor that is none.
pub async fn list(app: Data<App>, ask: Ask, page: Query<Page>) -> Result<HttpResponse, Problem> {
    let view = app.view();
    let org = view.state.orgs.get(&ask.org()?).ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(page.cut(org.keys.iter().map(|(id, key)| (*id, KeyView::new(*id, key))))?))
}

/// `POST …/keys`: the reply shows the secret, once. No `Idempotency-Key`: what is not kept can't be shown again.
///
/// # Errors
/// Unknown scopes; more than the maker may do.
pub async fn create(app: Data<App>, mut ask: Ask, body: Body<NewKey>) -> Result<HttpResponse, Problem> {
    let NewKey { name, scopes, owner } = body.split(&mut ask);
    ask.idempotency = None;
    let org = ask.org()?;
    let parsed = scopes.iter().map(|scope| scope.parse()).collect::<Result<Vec<Scope>, _>>();
    let scopes = parsed.map_err(|error| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_input", error.to_string()))?;
    // A key must not make a key that can do more than itself.
    if let Some(own) = &ask.scopes
        && !own.contains(&Scope::All)
        && scopes.iter().any(|scope| !own.contains(scope))
    {
        return Err(Problem::new(StatusCode::FORBIDDEN, "key_beyond_role", "a key can't make a key with scopes that it has not itself"));
    }
    let owner = match (owner, ask.actor) {
        (OwnerKind::User, Actor::User(user)) => KeyOwner::User(user),
        (OwnerKind::User, Actor::ApiKey(_)) => {
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_input",
                "a key can only make keys with \"owner\": \"org\"",
            ));
        }
        _ => KeyOwner::Org,
    };
    let credential = ApiKey::new(org, ApiKeyId::from_u64(random::number()), random::bytes());
    let (key, digest) = (credential.key, credential.digest());
    let committed = app.command(&ask, Command::Account(AccountCommand::CreateApiKey { org, key, name, scopes, owner, digest })).await?;
    let created = app.view().state.orgs.get(&org).and_then(|org| org.keys.get(&key)).map(|known| KeyView::new(credential.key, known));
    let secret = credential.reveal().expose().clone();
    Ok(written(StatusCode::CREATED, &committed, |position| KeyCreated { key: created, secret, position }))
}

/// `DELETE …/keys/{key}`: from that moment it opens nothing.
///
/// # Errors
/// There is none.
pub async fn revoke(app: Data<App>, ask: Ask, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (org, key) = (ask.org()?, path.1.parse().map_err(|_| Problem::not_found())?);
    let committed = app.command(&ask, Command::Account(AccountCommand::RevokeApiKey { org, key })).await?;
    Ok(written(StatusCode::OK, &committed, |position| Done { position }))
}
