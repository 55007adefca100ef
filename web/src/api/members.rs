//! Members and invitations.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use schemars::JsonSchema;
use serde::Deserialize;
use spunto_actors::random;
use spunto_actors::secrets::Profile;
use spunto_core::access::Role;
use spunto_core::command::{AccountCommand, Command};
use spunto_core::id::{InvitationId, OrgId, UserId};
use spunto_core::name::{check_email, check_password, check_text};
use spunto_core::outcome::Outcome;
use spunto_core::record::Actor;
use spunto_core::refusal::Refusal;
use spunto_core::secret::Secret;
use spunto_core::token::InvitationToken;

use super::session::start_session;
use crate::app::App;
use crate::ask::{Ask, Body, Page, written};
use crate::auth::password;
use crate::problem::Problem;
use crate::view::account::MemberView;
use crate::view::reply::{Done, InvitationLink, Invited, PageOf, RoleChanged};

/// How long an invitation can be accepted, in milliseconds: a week.
const INVITATION_MS: u64 = 7 * 24 * 60 * 60 * 1000;

/// `GET …/members`: names and addresses come from the vault.
///
/// # Errors
/// A cursor that is none.
pub async fn list(app: Data<App>, ask: Ask, page: Query<Page>) -> Result<HttpResponse, Problem> {
    let org = ask.org()?;
    let (after, limit) = (page.cursor::<UserId>()?, page.limit());
    let (rows, more): (Vec<(UserId, Role, bool, u32)>, bool) = {
        let view = app.view();
        let known = view.state.orgs.get(&org).ok_or_else(Problem::not_found)?;
        let invited = known.invitations.values().map(|invitation| (invitation.user, invitation.role, true));
        let mut all: Vec<_> = known.members.iter().map(|(user, role)| (*user, *role, false)).chain(invited).collect();
        all.sort_unstable_by_key(|(user, ..)| *user);
        let users = &view.state.system.users;
        let rows = all.into_iter().filter(|(user, ..)| after.is_none_or(|after| *user > after));
        let mut rows: Vec<_> =
            rows.filter_map(|(user, role, new)| Some((user, role, new, users.get(&user)?.profile_version))).take(limit + 1).collect();
        let more = rows.len() > limit;
        rows.truncate(limit);
        (rows, more)
    };
    let next = rows.last().filter(|_| more).map(|(user, ..)| user.to_string());
    let mut items = Vec::with_capacity(rows.len());
    for (user, role, invited, version) in rows {
        let Profile { email, name } = app.secrets.profile(user, version).await?;
        items.push(MemberView { user, role, name, email, invited });
    }
    Ok(HttpResponse::Ok().json(PageOf { items, next, as_of: None }))
}

/// Who is invited, and as what.
#[derive(Deserialize, JsonSchema)]
pub struct Invite {
    email: String,
    role: Role,
}

/// `POST …/members`: brings somebody in. Who has no password yet gets a link, shown once, to be handed over by the caller.
///
/// # Errors
/// A member already; only owners name owners.
pub async fn invite(app: Data<App>, mut ask: Ask, body: Body<Invite>) -> Result<HttpResponse, Problem> {
    let Invite { email, role } = body.split(&mut ask);
    ask.idempotency = None;
    check_email(&email).map_err(Refusal::from)?;
    let (org, email_digest) = (ask.org()?, app.email_digest(&email));
    let known = app.directory.read(|state| state.system.emails.get(&email_digest).copied());
    let user = known.unwrap_or_else(|| UserId::from_u64(random::number()));
    let put = match known {
        Some(_) => None,
        None => Some(app.secrets.put_profile(user, 1, &Profile { email, name: String::new() }).await?),
    };
    let token = InvitationToken::new(org, InvitationId::from_u64(random::number()), random::bytes());
    let command = AccountCommand::InviteMember {
        org,
        user,
        email_digest,
        profile_version: 1,
        role,
        invitation: token.invitation,
        digest: token.digest(),
        expires_at: app.now().plus_ms(INVITATION_MS),
    };
    match app.command(&ask, Command::Account(command)).await {
        Ok(committed) => {
            let link = format!("{}/invitation#{}", app.settings.public_url, token.reveal().expose());
            let (user, invitation) = match committed.outcome {
                Outcome::Invitation(_, user) => (user, Some(InvitationLink { link })),
                _ => (user, None),
            };
            Ok(written(StatusCode::CREATED, &committed, |position| Invited { user, invitation, position }))
        }
        Err(problem) => {
            if let Some(put) = put {
                app.take_back(put, &problem).await;
            }
            Err(problem)
        }
    }
}

/// What an invited person says.
#[derive(Deserialize, JsonSchema)]
pub struct Accept {
    token: String,
    name: String,
    password: String,
}

/// `POST /api/invitations/accept`: sets a password and signs in.
///
/// # Errors
/// The link is used, expired or wrong.
pub async fn accept(app: Data<App>, mut ask: Ask, body: Body<Accept>) -> Result<HttpResponse, Problem> {
    let Accept { token, name, password } = body.split(&mut ask);
    let token = InvitationToken::parse(&token).map_err(|_| Refusal::InvitationInvalid)?;
    check_text("name", &name).and_then(|()| check_password(&password)).map_err(Refusal::from)?;
    let _one_at_a_time = app.versioning.lock().await;
    let (org, invitation): (OrgId, InvitationId) = (token.org, token.invitation);
    let account = app.email_digest(&invitation.to_string());
    app.attempt(&ask.address, account)?;
    let found = app.directory.read(|state| {
        let invited = state.orgs.get(&org)?.invitations.get(&invitation)?;
        let proven = invited.digest.matches(&token.digest()) && invited.expires_at > app.now();
        let version = state.system.users.get(&invited.user)?.profile_version;
        proven.then_some((invited.user, version))
    });
    let (user, version) = found.ok_or(Refusal::InvitationInvalid)?;
    app.attempts.succeeded(&ask.address, account);
    let Profile { email, .. } = app.secrets.profile(user, version).await?;
    let hash = password::hash(&app.hashing, Secret::new(password)).await?;
    let put_profile = app.secrets.put_profile(user, version + 1, &Profile { email, name }).await?;
    let put_password = app.secrets.put_password(user, 1, &hash).await?;
    let digest = token.digest();
    let accept = AccountCommand::AcceptInvitation { org, invitation, digest, profile_version: version + 1, password_version: 1 };
    if let Err(problem) = app.command_as(Actor::User(user), Command::Account(accept)).await {
        app.take_back(put_profile, &problem).await;
        app.take_back(put_password, &problem).await;
        return Err(problem);
    }
    start_session(&app, user, &ask.address, StatusCode::CREATED).await
}

/// A role.
#[derive(Deserialize, JsonSchema)]
pub struct NewRole {
    role: Role,
}

/// `PATCH …/members/{user}`
///
/// # Errors
/// The last owner; only owners change owners.
pub async fn change_role(app: Data<App>, mut ask: Ask, path: Path<(String, String)>, body: Body<NewRole>) -> Result<HttpResponse, Problem> {
    let NewRole { role } = body.split(&mut ask);
    let (org, user) = (ask.org()?, path.1.parse().map_err(|_| Problem::not_found())?);
    let committed = app.command(&ask, Command::Account(AccountCommand::ChangeRole { org, user, role })).await?;
    Ok(written(StatusCode::OK, &committed, |position| RoleChanged { user, role, position }))
}

/// `DELETE …/members/{user}`: their keys of this organisation die with it.
///
/// # Errors
/// The last owner; only owners remove owners.
pub async fn remove(app: Data<App>, ask: Ask, path: Path<(String, String)>) -> Result<HttpResponse, Problem> {
    let (org, user) = (ask.org()?, path.1.parse().map_err(|_| Problem::not_found())?);
    let committed = app.command(&ask, Command::Account(AccountCommand::RemoveMember { org, user })).await?;
    Ok(written(StatusCode::OK, &committed, |position| Done { position }))
}
