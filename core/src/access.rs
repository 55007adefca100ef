//! Who may do what: roles, scopes and the permissions that routes ask for. Pure tables; no request, no token.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::UserId;

/// What a member of an organisation is. Ordered: a later role may do all that an earlier one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Runs workers and deployments, sees everything of the organisation.
    Member,
    /// Also operates nodes, members and keys.
    Admin,
    /// Also names owners and the organisation.
    Owner,
}

/// What an API key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Scope {
    /// Everything its owner may.
    #[serde(rename = "*")]
    All,
    /// See nodes.
    #[serde(rename = "nodes:read")]
    NodesRead,
    /// Create, operate and delete nodes.
    #[serde(rename = "nodes:write")]
    NodesWrite,
    /// See workers and deployments, and their logs.
    #[serde(rename = "workers:read")]
    WorkersRead,
    /// Create, operate and delete workers and deployments.
    #[serde(rename = "workers:write")]
    WorkersWrite,
    /// Run commands inside workers.
    #[serde(rename = "workers:exec")]
    WorkersExec,
    /// See projects.
    #[serde(rename = "projects:read")]
    ProjectsRead,
    /// Create, change and delete projects.
    #[serde(rename = "projects:write")]
    ProjectsWrite,
    /// Read the event log.
    #[serde(rename = "events:read")]
    EventsRead,
    /// Create and revoke API keys.
    #[serde(rename = "keys:write")]
    KeysWrite,
}

/// Every scope with the name it has in the API.
pub const SCOPES: &[(Scope, &str)] = &[
    (Scope::All, "*"),
    (Scope::NodesRead, "nodes:read"),
    (Scope::NodesWrite, "nodes:write"),
    (Scope::WorkersRead, "workers:read"),
    (Scope::WorkersWrite, "workers:write"),
    (Scope::WorkersExec, "workers:exec"),
    (Scope::ProjectsRead, "projects:read"),
    (Scope::ProjectsWrite, "projects:write"),
    (Scope::EventsRead, "events:read"),
    (Scope::KeysWrite, "keys:write"),
];

/// Every role with the name it has in the API.
pub const ROLES: &[(Role, &str)] = &[(Role::Member, "member"), (Role::Admin, "admin"), (Role::Owner, "owner")];

/// A text names no scope or role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} \"{text}\"; known are: {known}")]
pub struct UnknownName {
    what: &'static str,
    text: String,
    known: String,
}

fn parse<T: Copy>(what: &'static str, table: &[(T, &str)], text: &str) -> Result<T, UnknownName> {
    table.iter().find(|(_, name)| *name == text).map(|(value, _)| *value).ok_or_else(|| UnknownName {
        what,
        text: text.chars().take(40).collect(),
        known: table.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", "),
    })
}

fn name_of<T: Copy + PartialEq>(table: &'static [(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(known, _)| *known == value).map(|(_, name)| *name).expect("the table names every value")
}

impl FromStr for Scope {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        parse("scope", SCOPES, text)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(SCOPES, *self))
    }
}

impl FromStr for Role {
    type Err = UnknownName;
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        parse("role", ROLES, text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(name_of(ROLES, *self))
    }
}

/// For whom an API key acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyOwner {
    /// For one member, with no more than their role; dies with their membership.
    User(UserId),
    /// For the organisation, as an admin; outlives whoever made it.
    Org,
}

/// What a route asks of whoever calls it: a role for people, a scope for keys (both, for a person's key).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permission {
    /// The least role.
    pub role: Role,
    /// The scope a key needs.
    pub scope: Scope,
}

impl Permission {
    /// See nodes.
    pub const NODES_READ: Self = Self { role: Role::Member, scope: Scope::NodesRead };
    /// Operate nodes.
    pub const NODES_WRITE: Self = Self { role: Role::Admin, scope: Scope::NodesWrite };
    /// See workers and deployments.
    pub const WORKERS_READ: Self = Self { role: Role::Member, scope: Scope::WorkersRead };
    /// Operate workers and deployments.
    pub const WORKERS_WRITE: Self = Self { role: Role::Member, scope: Scope::WorkersWrite };
    /// See projects.
    pub const PROJECTS_READ: Self = Self { role: Role::Member, scope: Scope::ProjectsRead };
    /// Change projects.
    pub const PROJECTS_WRITE: Self = Self { role: Role::Member, scope: Scope::ProjectsWrite };
    /// Read the log.
    pub const EVENTS_READ: Self = Self { role: Role::Member, scope: Scope::EventsRead };
    /// See who did what, and from where.
    pub const AUDIT_READ: Self = Self { role: Role::Admin, scope: Scope::EventsRead };
    /// See API keys.
    pub const KEYS_READ: Self = Self { role: Role::Admin, scope: Scope::KeysWrite };
    /// Make and revoke API keys.
    pub const KEYS_WRITE: Self = Self { role: Role::Admin, scope: Scope::KeysWrite };
    /// See who belongs to the organisation.
    pub const MEMBERS_READ: Self = Self { role: Role::Member, scope: Scope::All };
    /// Change who belongs to the organisation.
    pub const MEMBERS_WRITE: Self = Self { role: Role::Admin, scope: Scope::All };
    /// Change the organisation itself.
    pub const ORG_WRITE: Self = Self { role: Role::Owner, scope: Scope::All };

    /// Whether this role and (for a key) these scopes are enough.
    #[must_use]
    pub fn allows(self, role: Role, scopes: Option<&[Scope]>) -> bool {
        role >= self.role && scopes.is_none_or(|scopes| scopes.iter().any(|s| *s == Scope::All || *s == self.scope))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;

    #[test]
    fn scopes_and_roles_print_what_they_parse() {
        for (scope, name) in SCOPES {
            assert_eq!(name.parse::<Scope>().unwrap(), *scope);
            assert_eq!(scope.to_string(), *name);
        }
        for (role, name) in ROLES {
            assert_eq!(name.parse::<Role>().unwrap(), *role);
            assert_eq!(role.to_string(), *name);
        }
        assert!("nodes:admin".parse::<Scope>().unwrap_err().to_string().contains("nodes:write"));
    }

    #[test]
    fn a_key_needs_both_the_role_and_a_scope() {
        let ask = Permission::NODES_WRITE;
        assert!(ask.allows(Role::Owner, None));
        assert!(!ask.allows(Role::Member, None));
        assert!(ask.allows(Role::Admin, Some(&[Scope::All])));
        assert!(!ask.allows(Role::Admin, Some(&[Scope::NodesRead])));
        assert!(!ask.allows(Role::Member, Some(&[Scope::NodesWrite])));
    }
}
