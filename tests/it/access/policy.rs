//! Who may call what, written down a second time and by hand, so that a rule that changes by accident is seen.

/// Least role and scope of every endpoint of an organisation.
pub(super) const ORG: &[(&str, &str, &str)] = &[
    ("orgs.get", "member", "projects:read"),
    ("orgs.rename", "owner", "*"),
    ("audit.list", "admin", "events:read"),
    ("events.list", "member", "events:read"),
    ("events.of_node", "member", "events:read"),
    ("events.of_worker", "member", "events:read"),
    ("events.of_deployment", "member", "events:read"),
    ("events.raw", "member", "events:read"),
    ("live.get", "member", "events:read"),
    ("keys.list", "admin", "keys:write"),
    ("keys.create", "admin", "keys:write"),
    ("keys.revoke", "admin", "keys:write"),
    ("members.list", "member", "*"),
    ("members.invite", "admin", "*"),
    ("members.remove", "admin", "*"),
    ("members.change_role", "admin", "*"),
    ("nodes.list", "member", "nodes:read"),
    ("nodes.get", "member", "nodes:read"),
    ("nodes.story", "member", "events:read"),
    ("nodes.slice", "member", "events:read"),
    ("nodes.gauges", "member", "nodes:read"),
    ("nodes.create", "admin", "nodes:write"),
    ("nodes.update", "admin", "nodes:write"),
    ("nodes.delete", "admin", "nodes:write"),
    ("nodes.drain", "admin", "nodes:write"),
    ("nodes.undrain", "admin", "nodes:write"),
    ("nodes.start_maintenance", "admin", "nodes:write"),
    ("nodes.end_maintenance", "admin", "nodes:write"),
    ("nodes.rotate_token", "admin", "nodes:write"),
    ("nodes.retry", "admin", "nodes:write"),
    ("credentials.list", "admin", "nodes:write"),
    ("credentials.create", "admin", "nodes:write"),
    ("credentials.replace", "admin", "nodes:write"),
    ("credentials.delete", "admin", "nodes:write"),
    ("credentials.locations", "admin", "nodes:write"),
    ("credentials.machine_types", "admin", "nodes:write"),
    ("credentials.images", "admin", "nodes:write"),
    ("credentials.leftovers", "admin", "nodes:write"),
    ("credentials.remove_leftover", "admin", "nodes:write"),
    ("projects.list", "member", "projects:read"),
    ("projects.get", "member", "projects:read"),
    ("projects.create", "member", "projects:write"),
    ("projects.rename", "member", "projects:write"),
    ("projects.delete", "member", "projects:write"),
    ("workers.list_all", "member", "workers:read"),
    ("workers.list", "member", "workers:read"),
    ("workers.get", "member", "workers:read"),
    ("workers.logs", "member", "workers:read"),
    ("workers.create", "member", "workers:write"),
    ("workers.delete", "member", "workers:write"),
    ("workers.stop", "member", "workers:write"),
    ("workers.start", "member", "workers:write"),
    ("deployments.list_all", "member", "workers:read"),
    ("deployments.list", "member", "workers:read"),
    ("deployments.get", "member", "workers:read"),
    ("deployments.logs", "member", "workers:read"),
    ("deployments.create", "member", "workers:write"),
    ("deployments.delete", "member", "workers:write"),
    ("deployments.stop", "member", "workers:write"),
    ("deployments.start", "member", "workers:write"),
];

/// What only a person in a browser may call.
pub(super) const PERSON: &[&str] = &["orgs.create", "session.end", "session.password"];
/// What anybody who is known may call.
pub(super) const SIGNED_IN: &[&str] = &["orgs.list", "session.get", "providers.list"];
/// What anybody may call.
pub(super) const PUBLIC: &[&str] = &[
    "setup.get",
    "setup.do",
    "session.start",
    "invitations.accept",
    "description.document",
    "description.page",
    "description.style",
    "health.alive",
    "health.ready",
    "health.metrics",
];

fn rank(role: &str) -> usize {
    ["nobody", "member", "admin", "owner"].iter().position(|known| *known == role).unwrap_or(0)
}

/// Whether somebody with this role in the organisation and, for a key, these scopes may.
pub(super) fn allows(least: &str, wanted: &str, role: &str, scopes: Option<&[&str]>) -> bool {
    rank(role) >= rank(least) && scopes.is_none_or(|scopes| scopes.contains(&"*") || scopes.contains(&wanted))
}
