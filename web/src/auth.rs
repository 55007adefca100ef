//! Who asks: from a cookie or a key to an actor with a role. Answers from the directory; never from the vault.

use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};
use spunto_actors::random;
use spunto_core::access::{KeyOwner, Permission, Role, Scope};
use spunto_core::id::{OrgId, SessionId};
use spunto_core::record::Actor;
use spunto_core::state::State;
use spunto_core::token::{ApiKey, SessionCookie};

use crate::app::App;
use crate::ask::{Ask, if_match};
use crate::endpoint::Rule;
use crate::operator;
use crate::problem::Problem;

pub mod attempts;
pub mod password;

/// The browser's cookie.
pub const COOKIE: &str = "spunto_session";
/// A header that another site's page can't send along: required of browsers on everything that changes something.
pub const CSRF_HEADER: &str = "X-Spunto-Csrf";

/// Somebody who has proven who they are.
#[derive(Clone, Debug)]
struct Proven {
    actor: Actor,
    session: Option<SessionId>,
    scopes: Option<Vec<Scope>>,
    /// The one organisation of a key.
    only: Option<OrgId>,
}

/// Decides whether a request passes a rule, and as whom.
///
/// # Errors
/// Not signed in, not allowed, or an organisation that is not theirs to see.
pub fn ask(app: &App, request: &HttpRequest, rule: Rule) -> Result<Ask, Problem> {
    let anybody = Ask {
        actor: Actor::System,
        org: None,
        role: Role::Member,
        scopes: None,
        session: None,
        correlation: random::number(),
        address: app.settings.address_of(request),
        if_match: if_match(request)?,
        idempotency: None,
    };
    if matches!(rule, Rule::Public | Rule::Agent) {
        return Ok(anybody);
    }
    if rule == Rule::Operator {
        operator::check(&app.keys.operator, &app.operator_proofs, request, app.now())?;
        return Ok(Ask { actor: Actor::Operator, ..anybody });
    }
    let view = app.view();
    let proven = prove(app, &view.state, request)?;
    let mut asked = Ask { actor: proven.actor, scopes: proven.scopes.clone(), session: proven.session, ..anybody };
    match rule {
        Rule::Public | Rule::Agent | Rule::Operator | Rule::SignedIn => {}
        Rule::Person if proven.session.is_some() => {}
        Rule::Person => return Err(forbidden("only a person can do this; sign in with a browser")),
        Rule::Org(permission) => {
            let org = request.match_info().get("org").and_then(|text| text.parse().ok()).ok_or_else(Problem::not_found)?;
            let role = role_in(&view.state, &proven, org).ok_or_else(Problem::not_found)?;
            (asked.org, asked.role) = (Some(org), role);
            permit(&asked, permission)?;
        }
    }
    drop(view);
    if proven.session.is_some() && !is_safe(request.method()) && !request.headers().contains_key(CSRF_HEADER) {
        return Err(forbidden("send the header X-Spunto-Csrf: 1 along with the session cookie"));
    }
    Ok(asked)
}

/// Checks that who asks may do more than their route takes.
///
/// # Errors
/// They may not.
pub fn permit(ask: &Ask, permission: Permission) -> Result<(), Problem> {
    if permission.allows(ask.role, ask.scopes.as_deref()) {
        return Ok(());
    }
    let Permission { role, scope, .. } = permission;
    Err(forbidden(&format!("this takes the role {role} or higher and, of a key, the scope {scope}")))
}

/// Whether somebody may still see an organisation as they did: for streams that stay open.
#[must_use]
pub fn still_allowed(app: &App, request: &HttpRequest, rule: Rule) -> bool {
    ask(app, request, rule).is_ok()
}

fn forbidden(detail: &str) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
}

const fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The bearer credential of a request, where there is one.
#[must_use]
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get("Authorization")?.to_str().ok()?;
    let (scheme, credential) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(credential.trim())
}

fn prove(app: &App, state: &State, request: &HttpRequest) -> Result<Proven, Problem> {
    if let Some(text) = bearer(request) {
        let presented = ApiKey::parse(text).map_err(|error| unauthenticated(&error.to_string()))?;
        let known = state.orgs.get(&presented.org).and_then(|org| org.keys.get(&presented.key));
        let key = known
            .filter(|key| key.digest.matches(&presented.digest()))
            .ok_or_else(|| unauthenticated("this API key is not known; it may be revoked"))?;
        if state.is_observing() {
            let detail = "this server was restored from a backup and is not confirmed yet; until then API keys open nothing, as this one may have been revoked since the backup";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "observing", detail));
        }
        let (actor, scopes) = (Actor::ApiKey(presented.key), Some(key.scopes.clone()));
        return Ok(Proven { actor, session: None, scopes, only: Some(presented.org) });
    }
    let cookie = request.cookie(COOKIE).ok_or_else(Problem::unauthenticated)?;
    let presented = SessionCookie::parse(cookie.value()).map_err(|_| Problem::unauthenticated())?;
    let known = state.system.sessions.get(&presented.session).filter(|session| session.digest.matches(&presented.digest()));
    let session =
        known.filter(|session| session.expires_at > app.now()).ok_or_else(|| unauthenticated("this session is over; sign in again"))?;
    Ok(Proven { actor: Actor::User(session.user), session: Some(presented.session), scopes: None, only: None })
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
}

fn role_in(state: &State, proven: &Proven, org: OrgId) -> Option<Role> {
    if proven.only.is_some_and(|only| only != org) {
        return None;
    }
    let known = state.orgs.get(&org)?;
    match proven.actor {
        Actor::User(user) => known.members.get(&user).copied(),
        Actor::ApiKey(key) => match known.keys.get(&key)?.owner {
            KeyOwner::User(user) => known.members.get(&user).copied(),
            // A key of the organisation itself does what an admin may.
            KeyOwner::Org => Some(Role::Admin),
        },
        Actor::System | Actor::Node(_) | Actor::Operator => None,
    }
}
