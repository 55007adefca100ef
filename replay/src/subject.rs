//! Finds what a person means by a name or an id.

use spunto_core::id::{DeploymentId, NodeId, OrgId, WorkerId};
use spunto_core::names::Names;
use spunto_core::record::StreamId;
use spunto_core::state::{Org, State};

use crate::failure::Failure;

/// The histories that a text may mean: an id (`nod_…`), a name (`web-1`), or a name with its kind (`node:web-1`).
///
/// # Errors
/// None, or more than one.
pub fn find(text: &str, state: &State, names: &Names) -> Result<StreamId, Failure> {
    if let Some(stream) = by_id(text) {
        return Ok(stream);
    }
    let (kind, name) = match text.split_once(':') {
        Some((kind @ ("node" | "worker" | "deployment" | "org"), name)) => (Some(kind), name),
        _ => (None, text),
    };
    let wanted = |of: &str| kind.is_none_or(|kind| kind == of);
    let mut found: Vec<StreamId> = Vec::new();
    if wanted("node") {
        found.extend(names.nodes_named(name).map(StreamId::Node));
    }
    if wanted("worker") {
        found.extend(names.workers_named(name).map(StreamId::Worker));
    }
    if wanted("deployment") {
        found.extend(names.deployments_named(name).map(StreamId::Deployment));
    }
    if wanted("org") {
        found.extend(names.orgs_named(name).map(StreamId::Org));
    }
    let living: Vec<StreamId> = found.iter().copied().filter(|stream| org_of(state, *stream).is_some()).collect();
    // A name may be given again after its owner is gone: who asks means the one that lives.
    let mut meant = if living.is_empty() { found } else { living };
    meant.sort_unstable();
    match meant.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::NotFound(format!(
            "nothing was ever called \"{text}\" here: give the id or the name of a node, worker, deployment or organisation; \
             `state` without a name lists what there is"
        ))),
        several => {
            let list: Vec<String> = several.iter().map(|stream| format!("  {} {}", kind_of(*stream), id_of(*stream))).collect();
            Err(Failure::NotFound(format!("\"{text}\" may mean several things; give the id of one:\n{}", list.join("\n"))))
        }
    }
}

fn by_id(text: &str) -> Option<StreamId> {
    if let Ok(id) = text.parse::<NodeId>() {
        return Some(StreamId::Node(id));
    }
    if let Ok(id) = text.parse::<WorkerId>() {
        return Some(StreamId::Worker(id));
    }
    if let Ok(id) = text.parse::<DeploymentId>() {
        return Some(StreamId::Deployment(id));
    }
    if text == "system" {
        return Some(StreamId::System);
    }
    text.parse::<OrgId>().ok().map(StreamId::Org)
}

/// The text of a stream's id.
#[must_use]
pub fn id_of(stream: StreamId) -> String {
    match stream {
        StreamId::System => "system".to_owned(),
        StreamId::Org(id) => id.to_string(),
        StreamId::Node(id) => id.to_string(),
        StreamId::Worker(id) => id.to_string(),
        StreamId::Deployment(id) => id.to_string(),
    }
}

/// What a stream is about.
#[must_use]
pub const fn kind_of(stream: StreamId) -> &'static str {
    match stream {
        StreamId::System => "system",
        StreamId::Org(_) => "org",
        StreamId::Node(_) => "node",
        StreamId::Worker(_) => "worker",
        StreamId::Deployment(_) => "deployment",
    }
}

/// The organisation in which something lives; none when it does not.
#[must_use]
pub fn org_of(state: &State, stream: StreamId) -> Option<(OrgId, &Org)> {
    let owns = |org: &Org| match stream {
        StreamId::System | StreamId::Org(_) => false,
        StreamId::Node(id) => org.fleet.node(id).is_some(),
        StreamId::Worker(id) => org.workers.contains_key(&id),
        StreamId::Deployment(id) => org.deployments.contains_key(&id),
    };
    let mut orgs = state.orgs.iter().map(|(id, org)| (*id, org));
    orgs.find(|(id, org)| if let StreamId::Org(wanted) = stream { wanted == *id } else { owns(org) })
}

/// Something that is alive, as a tree of names and values; none when it is not.
#[must_use]
pub fn tree(state: &State, stream: StreamId) -> Option<serde_json::Value> {
    use spunto_core::readable;
    if stream == StreamId::System {
        return Some(readable::system(&state.system));
    }
    let (id, org) = org_of(state, stream)?;
    match stream {
        StreamId::System => None,
        StreamId::Org(_) => Some(readable::org(id, org)),
        StreamId::Node(node) => org.fleet.node(node).map(|known| readable::node(node, known)),
        StreamId::Worker(worker) => org.workers.get(&worker).map(|known| readable::worker(worker, known)),
        StreamId::Deployment(deployment) => org.deployments.get(&deployment).map(|known| readable::deployment(deployment, known)),
    }
}
