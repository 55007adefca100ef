//! The first owner: by a link that only the operator sees, once.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::random;
use spunto_actors::secrets::Profile;
use spunto_core::command::{AccountCommand, Command};
use spunto_core::id::UserId;
use spunto_core::name::{check_email, check_password, check_text};
use spunto_core::record::Actor;
use spunto_core::refusal::Refusal;
use spunto_core::secret::Secret;
use subtle::ConstantTimeEq;

use super::session::start_session;
use crate::app::App;
use crate::ask::{Ask, Body};
use crate::auth::password;
use crate::problem::Problem;
use crate::view::reply::SetupNeeded;

/// What the first owner says.
#[derive(Deserialize, JsonSchema)]
pub struct FirstOwner {
    token: String,
    email: String,
    name: String,
    password: String,
}

/// `GET /api/setup`: whether there is no owner yet.
pub async fn needed(app: Data<App>) -> HttpResponse {
    let needed = app.directory.read(|state| state.system.users.is_empty());
    HttpResponse::Ok().json(SetupNeeded { needed })
}

/// `POST /api/setup`: makes the first owner and signs them in.
///
/// # Errors
/// There is an owner already; the link is not the one that the server printed; bad input.
pub async fn first_owner(app: Data<App>, mut ask: Ask, body: Body<FirstOwner>) -> Result<HttpResponse, Problem> {
    let FirstOwner { token, email, name, password } = body.split(&mut ask);
    if app.directory.read(|state| !state.system.users.is_empty()) {
        return Err(Refusal::AlreadySetUp.into());
    }
    let account = app.email_digest("the setup link");
    app.attempt(&ask.address, account)?;
    if !bool::from(token.as_bytes().ct_eq(app.keys.setup.expose().as_bytes())) {
        let detail = "this setup link is not the one that the server printed; run `spunto admin setup-link` to see it again";
        return Err(Problem::new(StatusCode::FORBIDDEN, "setup_link_invalid", detail));
    }
    app.attempts.succeeded(&ask.address, account);
    check_email(&email).and_then(|()| check_text("name", &name)).and_then(|()| check_password(&password)).map_err(Refusal::from)?;
    let user = UserId::from_u64(random::number());
    let hash = password::hash(&app.hashing, Secret::new(password)).await?;
    let put_profile = app.secrets.put_profile(user, 1, &Profile { email: email.clone(), name }).await?;
    let put_password = app.secrets.put_password(user, 1, &hash).await?;
    let email_digest = app.email_digest(&email);
    let set_up = AccountCommand::SetUpFirstOwner { user, email_digest, profile_version: 1, password_version: 1 };
    if let Err(problem) = app.command_as(Actor::User(user), Command::Account(set_up)).await {
        app.take_back(put_profile, &problem).await;
        app.take_back(put_password, &problem).await;
        return Err(problem);
    }
    start_session(&app, user, &ask.address, StatusCode::CREATED).await
}
