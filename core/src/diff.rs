//! What is different between two states, as changes that people can read.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::readable;
use crate::record::StreamId;
use crate::state::{Org, State};

/// What became of a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It was not there before.
    Added {
        /// Where: names from the outside in, with dots.
        path: String,
        /// What it is.
        value: Value,
    },
    /// It is not there any more.
    Removed {
        /// Where.
        path: String,
        /// What it was.
        value: Value,
    },
    /// It is another.
    Changed {
        /// Where.
        path: String,
        /// What it was.
        before: Value,
        /// What it is.
        after: Value,
    },
}

impl Change {
    /// Where.
    #[must_use]
    pub fn path(&self) -> &str {
        match self {
            Self::Added { path, .. } | Self::Removed { path, .. } | Self::Changed { path, .. } => path,
        }
    }
}

/// What happened to one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It came.
    Created,
    /// It changed.
    Changed,
    /// It went.
    Deleted,
}

/// A thing with all that changed about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Which.
    pub subject: StreamId,
    /// Its name, the later one.
    pub name: String,
    /// What happened to it.
    pub fate: Fate,
    /// Each value; for what came or went, all of them.
    pub changes: Vec<Change>,
}

/// The changes from one tree to another, in the order of their paths.
#[must_use]
pub fn trees(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    walk("", before, after, &mut changes);
    changes
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn walk(path: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for name in names {
                walk(&join(path, name), old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null), changes);
            }
        }
        // Lists here are sets or short logs: what matters is what came and what went.
        (Value::Array(old), Value::Array(new)) => {
            let went = old.iter().filter(|item| !new.contains(item));
            let came = new.iter().filter(|item| !old.contains(item));
            changes.extend(went.map(|value| Change::Removed { path: path.to_owned(), value: value.clone() }));
            changes.extend(came.map(|value| Change::Added { path: path.to_owned(), value: value.clone() }));
        }
        (Value::Null, value) => changes.push(Change::Added { path: path.to_owned(), value: value.clone() }),
        (value, Value::Null) => changes.push(Change::Removed { path: path.to_owned(), value: value.clone() }),
        (before, after) => changes.push(Change::Changed { path: path.to_owned(), before: before.clone(), after: after.clone() }),
    }
}

/// Everything that is different from `before` to `after`: the system, then each organisation with its nodes, workers and deployments.
#[must_use]
pub fn states(before: &State, after: &State) -> Vec<Difference> {
    let mut found = Vec::new();
    if before.system != after.system {
        let changes = trees(&readable::system(&before.system), &readable::system(&after.system));
        found.push(Difference { subject: StreamId::System, name: "system".to_owned(), fate: Fate::Changed, changes });
    }
    let ids: BTreeSet<_> = before.orgs.keys().chain(after.orgs.keys()).copied().collect();
    for id in ids {
        let (old, new) = (before.orgs.get(&id), after.orgs.get(&id));
        let tree = |org: &Org| readable::org_alone(id, org);
        push(&mut found, StreamId::Org(id), old, new, |org| org.name.clone(), tree);
        orgs(old, new, &mut found);
    }
    found
}

/// The differences of what an organisation owns.
fn orgs(old: Option<&Org>, new: Option<&Org>, found: &mut Vec<Difference>) {
    let both = || [old, new].into_iter().flatten();
    let nodes: BTreeSet<_> = both().flat_map(|org| org.fleet.nodes().map(|(id, _)| id)).collect();
    for id in nodes {
        let [old, new] = [old, new].map(|org| org.and_then(|org| org.fleet.node(id)));
        if old != new {
            push(found, StreamId::Node(id), old, new, |node| node.name.clone(), |node| readable::node(id, node));
        }
    }
    let workers: BTreeSet<_> = both().flat_map(|org| org.workers.keys().copied()).collect();
    for id in workers {
        let [old, new] = [old, new].map(|org| org.and_then(|org| org.workers.get(&id)));
        if old != new {
            push(found, StreamId::Worker(id), old, new, |worker| worker.name.clone(), |worker| readable::worker(id, worker));
        }
    }
    let deployments: BTreeSet<_> = both().flat_map(|org| org.deployments.keys().copied()).collect();
    for id in deployments {
        let [old, new] = [old, new].map(|org| org.and_then(|org| org.deployments.get(&id)));
        if old != new {
            push(found, StreamId::Deployment(id), old, new, |deployment| deployment.name.clone(), |known| readable::deployment(id, known));
        }
    }
}

fn push<T>(
    found: &mut Vec<Difference>,
    subject: StreamId,
    old: Option<&T>,
    new: Option<&T>,
    name: impl Fn(&T) -> String,
    tree: impl Fn(&T) -> Value,
) {
    let Some(known) = new.or(old) else { return };
    let fate = match (old, new) {
        (None, _) => Fate::Created,
        (_, None) => Fate::Deleted,
        _ => Fate::Changed,
    };
    let none = Value::Object(serde_json::Map::new());
    let changes = trees(&old.map_or_else(|| none.clone(), &tree), &new.map_or_else(|| none.clone(), &tree));
    if !changes.is_empty() {
        found.push(Difference { subject, name: name(known), fate, changes });
    }
}

#[cfg(test)]
mod tests;
