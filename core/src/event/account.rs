//! Payloads about organisations, people, keys and remembered requests.
//!
//! People's names, e-mail addresses and password hashes are in the vault; events name their versions only.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::{KeyOwner, Role, Scope};
use crate::id::{ApiKeyId, InvitationId, OrgId, ProjectId, SessionId, UserId};
use crate::outcome::Outcome;
use crate::record::{Actor, Principal};
use crate::time::Timestamp;
use crate::token::SecretDigest;

/// An organisation exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrgCreated {
    /// The new organisation.
    pub org: OrgId,
    /// Its name, for people.
    pub name: String,
}

/// An organisation has another name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrgRenamed {
    /// Which.
    pub org: OrgId,
    /// The name from now on.
    pub name: String,
}

/// A person may be known to the system; without a password they can't sign in yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserCreated {
    /// The new user.
    pub user: UserId,
    /// Keyed digest of the lower-case e-mail address: makes it unique and finds the user at login without storing it here.
    pub email_digest: SecretDigest,
    /// Version of the vault's profile entry (name, e-mail address).
    pub profile_version: u32,
}

/// How a password came to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasswordCause {
    /// First owner, by the setup link.
    Setup,
    /// By accepting an invitation.
    Invitation,
    /// By the operator, offline.
    Reset,
    /// By the user.
    Change,
}

/// A user has a (new) password; every earlier session of theirs ends with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserPasswordSet {
    /// Whose.
    pub user: UserId,
    /// Version of the vault's password entry.
    pub password_version: u32,
    /// Why.
    pub cause: PasswordCause,
}

/// Somebody signed in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionStarted {
    /// The session.
    pub session: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// Digest of the cookie's secret.
    pub digest: SecretDigest,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// The peer's address.
    pub address: String,
}

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionEnd {
    /// The user signed out.
    SignedOut,
}

/// Somebody signed out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnded {
    /// The session.
    pub session: SessionId,
    /// Why.
    pub reason: SessionEnd,
}

/// A user belongs to an organisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberAdded {
    /// Where.
    pub org: OrgId,
    /// Who.
    pub user: UserId,
    /// As what.
    pub role: Role,
}

/// A member may do more, or less.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberRoleChanged {
    /// Where.
    pub org: OrgId,
    /// Who.
    pub user: UserId,
    /// The role from now on.
    pub role: Role,
}

/// A user no longer belongs to an organisation, or is no longer invited; their personal keys of it, and the link, die with this.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberRemoved {
    /// Where.
    pub org: OrgId,
    /// Who.
    pub user: UserId,
}

/// A link was made by which an invited user sets their password, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationCreated {
    /// The invitation.
    pub invitation: InvitationId,
    /// Where to.
    pub org: OrgId,
    /// Whom.
    pub user: UserId,
    /// What they become by accepting.
    pub role: Role,
    /// Digest of the link's secret.
    pub digest: SecretDigest,
    /// When the link dies.
    pub expires_at: Timestamp,
}

/// The invited user has used the link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationAccepted {
    /// The invitation.
    pub invitation: InvitationId,
    /// Who accepted.
    pub user: UserId,
    /// Version of the vault's profile entry from now on (it holds the name they gave).
    pub profile_version: u32,
}

/// A project exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectCreated {
    /// The new project.
    pub project: ProjectId,
    /// Where.
    pub org: OrgId,
    /// Its name, unique in the organisation.
    pub name: String,
}

/// A project has another name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectRenamed {
    /// Which.
    pub project: ProjectId,
    /// Where.
    pub org: OrgId,
    /// The name from now on.
    pub name: String,
}

/// A project is gone; it was empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProjectDeleted {
    /// Which.
    pub project: ProjectId,
    /// Where.
    pub org: OrgId,
}

/// An API key exists; only its digest is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeyCreated {
    /// The new key.
    pub key: ApiKeyId,
    /// The one organisation it opens.
    pub org: OrgId,
    /// Its name, for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// For whom it acts.
    pub owner: KeyOwner,
    /// Digest of its secret.
    pub digest: SecretDigest,
}

/// An API key is dead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeyRevoked {
    /// Which.
    pub key: ApiKeyId,
    /// Where.
    pub org: OrgId,
}

/// Somebody asked for something in this organisation from another address than before. It stands before what they did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ActorSeen {
    /// Where.
    pub org: OrgId,
    /// Who.
    pub actor: Actor,
    /// Where they called from, as the server saw it.
    pub address: String,
}

/// A creating request with an `Idempotency-Key` was carried out; in the same group as its events, remembered for 24 h.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RequestRecorded {
    /// Where.
    pub org: OrgId,
    /// Who asked.
    pub principal: Principal,
    /// The key that the client chose.
    pub key: String,
    /// BLAKE3 of what was asked.
    pub body_hash: [u8; 32],
    /// What the first reply said.
    pub outcome: Outcome,
}
