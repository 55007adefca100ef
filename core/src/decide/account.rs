//! Rules of users, sessions, organisations, projects and keys.

use super::{Decision, check_version, find_org, installation, member};
use crate::access::{KeyOwner, Role, Scope};
use crate::command::{AccountCommand, Request};
use crate::event::{
    ApiKeyCreated, ApiKeyRevoked, MemberAdded, OrgCreated, OrgRenamed, PasswordCause, ProjectCreated, ProjectDeleted, ProjectRenamed,
    SessionEnd, SessionEnded, SessionStarted, UserCreated, UserPasswordSet,
};
use crate::id::{ApiKeyId, OrgId, ProjectId};
use crate::name::{check_name, check_text};
use crate::outcome::Outcome;
use crate::record::{Actor, StreamId};
use crate::refusal::Refusal;
use crate::state::{Org, State};
use crate::token::SecretDigest;

/// Most API keys that live in one organisation.
const KEYS_MAX: usize = 1000;

pub(super) fn decide(state: &State, request: &Request, command: &AccountCommand) -> Result<Decision, Refusal> {
    use AccountCommand as C;
    match command {
        C::InitializeSystem { org, org_name, project, project_name } => {
            if !state.orgs.is_empty() {
                return Err(Refusal::AlreadyExists("organisation"));
            }
            check_text("name", org_name)?;
            check_name("project name", project_name)?;
            let stream = StreamId::Org(*org);
            let created = ProjectCreated { project: *project, org: *org, name: project_name.clone() };
            Ok(Decision::nothing()
                .with(Some(*org), stream, OrgCreated { org: *org, name: org_name.clone() })
                .with(Some(*org), stream, created)
                .making(Outcome::Org(*org)))
        }
        C::SetUpFirstOwner { .. } => set_up_first_owner(state, command),
        C::StartSession { .. } => start_session(state, command),
        C::EndSession { session } => match state.system.sessions.get(session) {
            Some(_) => {
                let ended = SessionEnded { session: *session, reason: SessionEnd::SignedOut };
                Ok(Decision::nothing().with(None, StreamId::System, ended))
            }
            None => Ok(Decision::nothing()),
        },
        C::SetPassword { user, password_version, cause } => {
            let known = state.system.users.get(user).ok_or(Refusal::NotFound("user"))?;
            if *password_version <= known.password_version.unwrap_or(0) {
                return Err(Refusal::AlreadyExists("password version"));
            }
            let set = UserPasswordSet { user: *user, password_version: *password_version, cause: *cause };
            Ok(Decision::nothing().with(None, StreamId::System, set))
        }
        C::CreateOrg { org, name, owner } => {
            check_text("name", name)?;
            if state.orgs.contains_key(org) {
                return Err(Refusal::AlreadyExists("organisation"));
            }
            state.system.users.get(owner).ok_or(Refusal::NotFound("user"))?;
            let stream = StreamId::Org(*org);
            Ok(Decision::nothing()
                .with(Some(*org), stream, OrgCreated { org: *org, name: name.clone() })
                .with(Some(*org), stream, MemberAdded { org: *org, user: *owner, role: Role::Owner })
                .making(Outcome::Org(*org)))
        }
        C::RenameOrg { org, name } => {
            check_text("name", name)?;
            let known = find_org(state, *org)?;
            check_version(request, known.version)?;
            if known.name == *name {
                return Ok(Decision::nothing());
            }
            Ok(Decision::nothing().with(Some(*org), StreamId::Org(*org), OrgRenamed { org: *org, name: name.clone() }))
        }
        C::InviteMember { .. } => member::invite(state, request, command),
        C::AcceptInvitation { .. } => member::accept_invitation(state, request, command),
        C::ChangeRole { org, user, role } => member::change_role(find_org(state, *org)?, request, *org, *user, *role),
        C::RemoveMember { org, user } => member::remove(find_org(state, *org)?, request, *org, *user),
        C::CreateProject { org, project, name } => create_project(find_org(state, *org)?, *org, *project, name),
        C::RenameProject { org, project, name } => rename_project(find_org(state, *org)?, request, *org, *project, name),
        C::DeleteProject { org, project } => delete_project(find_org(state, *org)?, request, *org, *project),
        C::CreateApiKey { org, key, name, scopes, owner, digest } => {
            create_api_key(find_org(state, *org)?, request, *org, *key, (name, scopes, *owner, *digest))
        }
        C::RevokeApiKey { org, key } => revoke_api_key(find_org(state, *org)?, *org, *key),
        C::RecordRestoration { .. } | C::ConfirmRestoration { .. } => installation::decide(state, command),
    }
}

fn set_up_first_owner(state: &State, command: &AccountCommand) -> Result<Decision, Refusal> {
    let AccountCommand::SetUpFirstOwner { user, email_digest, profile_version, password_version } = command else {
        return Ok(Decision::nothing());
    };
    if !state.system.users.is_empty() {
        return Err(Refusal::AlreadySetUp);
    }
    let created = UserCreated { user: *user, email_digest: *email_digest, profile_version: *profile_version };
    let password = UserPasswordSet { user: *user, password_version: *password_version, cause: PasswordCause::Setup };
    let mut decision = Decision::nothing().with(None, StreamId::System, created).with(None, StreamId::System, password);
    for org in state.orgs.keys() {
        let added = MemberAdded { org: *org, user: *user, role: Role::Owner };
        decision = decision.with(Some(*org), StreamId::Org(*org), added);
    }
    Ok(decision.making(Outcome::User(*user)))
}

fn start_session(state: &State, command: &AccountCommand) -> Result<Decision, Refusal> {
    let AccountCommand::StartSession { session, user, digest, expires_at, address } = command else {
        return Ok(Decision::nothing());
    };
    state.system.users.get(user).ok_or(Refusal::NotFound("user"))?;
    if state.system.sessions.contains_key(session) {
        return Err(Refusal::AlreadyExists("session"));
    }
    let started = SessionStarted { session: *session, user: *user, digest: *digest, expires_at: *expires_at, address: address.clone() };
    Ok(Decision::nothing().with(None, StreamId::System, started).making(Outcome::Session(*session)))
}

fn check_project_name(org: &Org, name: &str) -> Result<(), Refusal> {
    check_name("name", name)?;
    if org.projects.values().any(|known| known.name == name) {
        return Err(Refusal::NameTaken { what: "project", name: name.to_owned() });
    }
    Ok(())
}

fn create_project(org: &Org, id: OrgId, project: ProjectId, name: &str) -> Result<Decision, Refusal> {
    check_project_name(org, name)?;
    if org.projects.contains_key(&project) {
        return Err(Refusal::AlreadyExists("project"));
    }
    let created = ProjectCreated { project, org: id, name: name.to_owned() };
    Ok(Decision::nothing().with(Some(id), StreamId::Org(id), created).making(Outcome::Project(project)))
}

fn rename_project(org: &Org, request: &Request, id: OrgId, project: ProjectId, name: &str) -> Result<Decision, Refusal> {
    let known = org.projects.get(&project).ok_or(Refusal::NotFound("project"))?;
    check_version(request, known.version)?;
    if known.name == name {
        return Ok(Decision::nothing());
    }
    check_project_name(org, name)?;
    let renamed = ProjectRenamed { project, org: id, name: name.to_owned() };
    Ok(Decision::nothing().with(Some(id), StreamId::Org(id), renamed))
}

fn delete_project(org: &Org, request: &Request, id: OrgId, project: ProjectId) -> Result<Decision, Refusal> {
    let known = org.projects.get(&project).ok_or(Refusal::NotFound("project"))?;
    check_version(request, known.version)?;
    let workers = org.workers.values().filter(|worker| worker.project == project).count();
    let deployments = org.deployments.values().filter(|deployment| deployment.project == project).count();
    if workers + deployments > 0 {
        return Err(Refusal::ProjectNotEmpty { workers, deployments });
    }
    Ok(Decision::nothing().with(Some(id), StreamId::Org(id), ProjectDeleted { project, org: id }))
}

fn revoke_api_key(org: &Org, id: OrgId, key: ApiKeyId) -> Result<Decision, Refusal> {
    org.keys.get(&key).ok_or(Refusal::NotFound("API key"))?;
    Ok(Decision::nothing().with(Some(id), StreamId::Org(id), ApiKeyRevoked { key, org: id }))
}

fn create_api_key(
    org: &Org,
    request: &Request,
    id: OrgId,
    key: ApiKeyId,
    (name, scopes, owner, digest): (&str, &[Scope], KeyOwner, SecretDigest),
) -> Result<Decision, Refusal> {
    check_text("name", name)?;
    if scopes.is_empty() {
        return Err(Refusal::OutOfRange("a key needs at least one scope"));
    }
    if org.keys.contains_key(&key) {
        return Err(Refusal::AlreadyExists("API key"));
    }
    if org.keys.len() >= KEYS_MAX {
        return Err(Refusal::OutOfRange("an organisation has at most 1000 API keys; revoke some first"));
    }
    if let KeyOwner::User(user) = owner
        && !org.members.contains_key(&user)
    {
        return Err(Refusal::NotFound("member"));
    }
    // A key never does more than who made it: people make keys for themselves, admins also for the organisation.
    if let Actor::User(maker) = request.actor {
        let role = *org.members.get(&maker).ok_or(Refusal::NotFound("member"))?;
        if role < Role::Admin && owner != KeyOwner::User(maker) {
            return Err(Refusal::KeyBeyondRole { role });
        }
    }
    let mut scopes = scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    let created = ApiKeyCreated { key, org: id, name: name.to_owned(), scopes, owner, digest };
    Ok(Decision::nothing().with(Some(id), StreamId::Org(id), created).making(Outcome::ApiKey(key)))
}
