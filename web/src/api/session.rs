//! Signing in and out.

use actix_web::HttpResponse;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::web::Data;
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::random;
use spunto_core::command::{AccountCommand, Command};
use spunto_core::event::PasswordCause;
use spunto_core::id::{SessionId, UserId};
use spunto_core::name::check_password;
use spunto_core::record::Actor;
use spunto_core::refusal::Refusal;
use spunto_core::secret::Secret;
use spunto_core::token::SessionCookie;

use crate::app::App;
use crate::ask::{Ask, Body, POSITION_HEADER, written};
use crate::auth::{COOKIE, password};
use crate::problem::Problem;
use crate::view::account::OrgView;
use crate::view::reply::{Caller, Done, KeyCaller, SignedIn, UserView};

/// How long a browser stays signed in, in milliseconds: 30 days.
pub const SESSION_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Who signs in.
#[derive(Deserialize, JsonSchema)]
pub struct SignIn {
    email: String,
    password: String,
}

/// `POST /api/session`: signs in, answers with a cookie.
///
/// # Errors
/// E-mail address or password is wrong; which one is not said.
pub async fn sign_in(app: Data<App>, mut ask: Ask, body: Body<SignIn>) -> Result<HttpResponse, Problem> {
    let SignIn { email, password } = body.split(&mut ask);
    let digest = app.email_digest(&email);
    app.attempt(&ask.address, digest)?;
    let found = app.directory.read(|state| {
        let user = *state.system.emails.get(&digest)?;
        Some((user, state.system.users.get(&user)?.password_version?))
    });
    let hash = match found {
        Some((user, version)) => Some(app.secrets.password(user, version).await?),
        None => None,
    };
    let right = password::verify(&app.hashing, Secret::new(password), hash).await?;
    let Some((user, _)) = found.filter(|_| right) else {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "sign_in_failed", "e-mail address or password is wrong"));
    };
    app.attempts.succeeded(&ask.address, digest);
    start_session(&app, user, &ask.address, StatusCode::OK).await
}

/// Starts a session of somebody who has proven who they are.
pub(super) async fn start_session(app: &App, user: UserId, address: &str, status: StatusCode) -> Result<HttpResponse, Problem> {
    let session = SessionId::from_u64(random::number());
    let credential = SessionCookie::new(session, random::bytes());
    let start = AccountCommand::StartSession {
        session,
        user,
        digest: credential.digest(),
        expires_at: app.now().plus_ms(SESSION_MS),
        address: address.to_owned(),
    };
    let committed = app.command_as(Actor::User(user), Command::Account(start)).await?;
    let cookie = Cookie::build(COOKIE, credential.reveal().expose().clone())
        .path("/")
        .http_only(true)
        .secure(app.settings.secure_cookies)
        .same_site(SameSite::Strict)
        .max_age(Duration::milliseconds(i64::try_from(SESSION_MS).unwrap_or(i64::MAX)))
        .finish();
    let mut answer = described(app, user, status).await?;
    answer.add_cookie(&cookie).map_err(|error| Problem::fault(&error))?;
    if let Ok(position) = committed.position.to_string().parse() {
        answer.headers_mut().insert(actix_web::http::header::HeaderName::from_static("x-spunto-position"), position);
    }
    debug_assert!(POSITION_HEADER.eq_ignore_ascii_case("x-spunto-position"));
    Ok(answer)
}

async fn described(app: &App, user: UserId, status: StatusCode) -> Result<HttpResponse, Problem> {
    let (version, orgs) = {
        let view = app.view();
        let version = view.state.system.users.get(&user).map(|user| user.profile_version);
        let theirs = view.state.orgs.iter().filter_map(|(id, org)| Some(OrgView::new(*id, org, *org.members.get(&user)?)));
        let orgs = theirs.collect::<Vec<OrgView>>();
        (version.ok_or_else(Problem::not_found)?, orgs)
    };
    let profile = app.secrets.profile(user, version).await?;
    let user = UserView { id: user, email: profile.email, name: profile.name };
    Ok(HttpResponse::build(status).json(Caller::Person(SignedIn { user, orgs })))
}

/// `GET /api/session`: who is signed in, and where they belong.
///
/// # Errors
/// Nobody is.
pub async fn who(app: Data<App>, ask: Ask) -> Result<HttpResponse, Problem> {
    match ask.actor {
        Actor::User(user) => described(&app, user, StatusCode::OK).await,
        Actor::ApiKey(key) => Ok(HttpResponse::Ok().json(Caller::Key(KeyCaller { key, scopes: ask.scopes.unwrap_or_default() }))),
        Actor::System | Actor::Node(_) | Actor::Operator => Err(Problem::unauthenticated()),
    }
}

/// `DELETE /api/session`: signs out.
///
/// # Errors
/// Nobody is signed in.
pub async fn sign_out(app: Data<App>, ask: Ask) -> Result<HttpResponse, Problem> {
    let session = ask.session.ok_or_else(Problem::unauthenticated)?;
    app.command(&ask, Command::Account(AccountCommand::EndSession { session })).await?;
    let mut gone = Cookie::build(COOKIE, "").path("/").http_only(true).same_site(SameSite::Strict).finish();
    gone.make_removal();
    Ok(HttpResponse::NoContent().cookie(gone).finish())
}

/// A change of password.
#[derive(Deserialize, JsonSchema)]
pub struct ChangePassword {
    current: String,
    new: String,
}

/// `POST /api/session/password`: changes the password; every session of the user ends.
///
/// # Errors
/// The current password is wrong; the new one is too short.
pub async fn change_password(app: Data<App>, mut ask: Ask, body: Body<ChangePassword>) -> Result<HttpResponse, Problem> {
    let ChangePassword { current, new } = body.split(&mut ask);
    let Actor::User(user) = ask.actor else { return Err(Problem::unauthenticated()) };
    check_password(&new).map_err(Refusal::from)?;
    let account = app.email_digest(&user.to_string());
    app.attempt(&ask.address, account)?;
    let _one_at_a_time = app.versioning.lock().await;
    let version = app.directory.read(|state| state.system.users.get(&user).and_then(|user| user.password_version));
    let version = version.ok_or_else(Problem::not_found)?;
    let hash = app.secrets.password(user, version).await?;
    if !password::verify(&app.hashing, Secret::new(current), Some(hash)).await? {
        return Err(Problem::new(StatusCode::FORBIDDEN, "sign_in_failed", "the current password is wrong"));
    }
    app.attempts.succeeded(&ask.address, account);
    let hash = password::hash(&app.hashing, Secret::new(new)).await?;
    let put = app.secrets.put_password(user, version + 1, &hash).await?;
    let set = AccountCommand::SetPassword { user, password_version: version + 1, cause: PasswordCause::Change };
    match app.command(&ask, Command::Account(set)).await {
        Ok(committed) => Ok(written(StatusCode::OK, &committed, |position| Done { position })),
        Err(problem) => {
            app.take_back(put, &problem).await;
            Err(problem)
        }
    }
}
