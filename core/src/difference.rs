//! How the world differs from a restored log, and what confirming it does to each thing: what the operator is asked to look at.
//!
//! Pure: takes the state, what the agents' engines hold and what clouds list, and answers with lines that follow from them alone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::access::Role;
use crate::event::ConnectionRefusal;
use crate::id::{ApiKeyId, NodeId, OrgId, UnitId, UserId};
use crate::observe::Observed;
use crate::plan::{compare, open_orders};
use crate::protocol::Found;
use crate::state::{Node, Org, State};
use crate::time::Timestamp;

/// How a node's agent stands to the token that the restored log knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is connected with it.
    Connected,
    /// Somebody came with another token, or a rotated one: the token was perhaps rotated after the backup.
    Refused,
    /// Nobody has come.
    NotSeen,
}

/// A container that the log does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unknown {
    /// The container.
    pub container: String,
    /// Its unit's label.
    pub unit: String,
    /// Whether it runs.
    pub runs: bool,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeDifference {
    /// Which.
    pub node: NodeId,
    /// Of which organisation.
    pub org: OrgId,
    /// Its name.
    pub name: String,
    /// How its agent stands.
    pub standing: Standing,
    /// Whether its token would be rotated.
    pub rotate: bool,
    /// Whether its engine's containers are known.
    pub inventoried: bool,
    /// Containers that the log does not know.
    pub unknown: Vec<Unknown>,
    /// Units that should run there and have no container.
    pub missing: Vec<String>,
    /// Orders that the backup left open, and that would be sent.
    pub orders: Vec<String>,
    /// What would go on at its cloud.
    pub machine: Option<String>,
}

/// An API key that opens things again once confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyDifference {
    /// Which.
    pub key: ApiKeyId,
    /// Of which organisation.
    pub org: OrgId,
    /// Its name.
    pub name: String,
}

/// Somebody who can sign in again with the password of the backup's time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PersonDifference {
    /// Who.
    pub user: UserId,
    /// Name and e-mail address. They are in the vault, which this module can't read: none until the server has put them in, and none
    /// where the vault was left out of the backup.
    pub name: Option<String>,
    /// Version of the profile that has them.
    pub profile_version: u32,
    /// What they are, and of which organisation by name.
    pub roles: Vec<(Role, String)>,
}

/// What a cloud lists under one credential, against the log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CloudDifference {
    /// The credential's name.
    pub credential: String,
    /// Why the cloud could not be asked.
    pub trouble: Option<String>,
    /// Machines there that are this installation's and that the log does not know.
    pub unknown: Vec<String>,
    /// Nodes whose machine the log knows and that are not listed.
    pub missing: Vec<String>,
}

/// What the operator wants of what can't be proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Choices {
    /// Leaves the tokens of nodes alone that nobody has come for.
    pub keep_unseen: bool,
    /// Leaves API keys alone.
    pub keep_keys: bool,
    /// Lets containers be removed that the log does not know.
    pub remove_unknown: bool,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Last event of the backup.
    pub seq: u64,
    /// When the backup was made.
    pub taken_at: Timestamp,
    /// What the operator chose.
    pub choices: Choices,
    /// Every node.
    pub nodes: Vec<NodeDifference>,
    /// Every API key.
    pub keys: Vec<KeyDifference>,
    /// Every cloud credential.
    pub clouds: Vec<CloudDifference>,
    /// Everybody who can sign in again, also whoever was removed since.
    pub people: Vec<PersonDifference>,
}

/// What is known of the world beside the log.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// Whole inventories of connected nodes.
    pub inventories: BTreeMap<NodeId, Vec<Found>>,
    /// Nodes with an open session.
    pub connected: std::collections::BTreeSet<NodeId>,
    /// What clouds list.
    pub clouds: Vec<CloudDifference>,
}

/// Compares a restored log with the world; none when the log is not a restored one that waits.
#[must_use]
pub fn difference(state: &State, world: World, choices: Choices) -> Option<Difference> {
    let restoration = state.system.restoration?;
    let (mut nodes, mut keys) = (Vec::new(), Vec::new());
    for (id, org) in &state.orgs {
        nodes.extend(org.fleet.nodes().map(|(node, known)| of_node((*id, org), (node, known), &world, restoration.restored_at, choices)));
        keys.extend(org.keys.iter().map(|(key, known)| KeyDifference { key: *key, org: *id, name: known.name.clone() }));
    }
    // Not in the order of placement, which changes with what is placed.
    nodes.sort_by(|a, b| (a.org, &a.name).cmp(&(b.org, &b.name)));
    let signing_in = state.system.users.iter().filter(|(_, user)| user.password_version.is_some());
    let people = signing_in
        .map(|(user, known)| PersonDifference {
            user: *user,
            name: None,
            profile_version: known.profile_version,
            roles: state.orgs.values().filter_map(|org| Some((*org.members.get(user)?, org.name.clone()))).collect(),
        })
        .collect();
    let (seq, taken_at) = (restoration.seq, restoration.taken_at);
    Some(Difference { seq, taken_at, choices, nodes, keys, clouds: world.clouds, people })
}

fn of_node((id, org): (OrgId, &Org), (node, known): (NodeId, &Node), world: &World, since: Timestamp, choices: Choices) -> NodeDifference {
    let wrong = |reason| matches!(reason, ConnectionRefusal::WrongToken | ConnectionRefusal::TokenRotated);
    let refused = known.refused.iter().any(|refused| wrong(refused.reason) && refused.at >= since);
    // A refusal weighs more: who is connected may hold a token that was rotated after the backup.
    let standing = match (refused, world.connected.contains(&node)) {
        (true, _) => Standing::Refused,
        (false, true) => Standing::Connected,
        (false, false) => Standing::NotSeen,
    };
    let ended_since = known.token.issued_at > since;
    let rotate = !ended_since && (standing == Standing::Refused || standing == Standing::NotSeen && !choices.keep_unseen);
    let name_of = |unit: UnitId| name(org, unit);
    let (mut unknown, mut missing) = (Vec::new(), Vec::new());
    let inventory = world.inventories.get(&node);
    if let Some(found) = inventory {
        let findings = compare(org, node, found);
        unknown.extend(findings.orphans.into_iter().map(|found| Unknown {
            runs: matches!(found.observed, Observed::Started { .. }),
            container: found.container,
            unit: found.unit,
        }));
        unknown.sort();
        missing.extend(findings.reports.into_iter().filter_map(|report| match report {
            crate::command::AgentReport::Observed { unit, observed: Observed::Lost(_), .. } => Some(name_of(unit)),
            _ => None,
        }));
    }
    let orders = open_orders(org, node).map(|open| format!("{} {}", order_words(open.order.task), open.name)).collect();
    let machine = known.machine.as_ref().and_then(|machine| machine.removal.as_ref().map(|_| "its machine would be removed".to_owned()));
    let making = matches!(known.status, crate::state::NodeStatus::Provisioning { .. });
    let machine = machine.or_else(|| making.then(|| "its provision would go on".to_owned()));
    let name = known.name.clone();
    NodeDifference { node, org: id, name, standing, rotate, inventoried: inventory.is_some(), unknown, missing, orders, machine }
}

const fn order_words(task: crate::state::Task) -> &'static str {
    match task {
        crate::state::Task::Run => "run",
        crate::state::Task::Start => "start",
        crate::state::Task::Stop => "stop",
        crate::state::Task::Remove => "remove",
    }
}

fn name(org: &Org, unit: UnitId) -> String {
    let known = match unit {
        UnitId::Worker(worker) => org.workers.get(&worker).map(|worker| worker.name.clone()),
        UnitId::Service(service) => {
            org.services.get(&service).and_then(|id| org.deployments.get(id)?.services.get(&service)).map(|service| service.name.clone())
        }
    };
    known.unwrap_or_else(|| unit.to_string())
}

impl Difference {
    /// In words, a line each; what confirming does to a thing stands after the arrow.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "Restored from a backup of {}, at event {}. What has happened since then is not in this log.",
            self.taken_at, self.seq
        )];
        for node in &self.nodes {
            node.tell(self.choices, &mut lines);
        }
        for cloud in &self.clouds {
            cloud.tell(&mut lines);
        }
        for key in &self.keys {
            let fate = if self.choices.keep_keys { "kept: it opens things again, even if it was revoked since" } else { "revoked" };
            lines.push(format!("API key {} ({}) -> {fate}", key.name, key.key));
        }
        lines.extend(self.people.iter().map(PersonDifference::words));
        lines.push("every earlier sign-in and every invitation has ended".to_owned());
        lines
    }
}

impl PersonDifference {
    fn words(&self) -> String {
        let Self { user, name, roles, .. } = self;
        let name = name.as_deref().unwrap_or("without a name");
        let roles: Vec<String> = roles.iter().map(|(role, org)| format!("{role} of {org}")).collect();
        let roles = if roles.is_empty() { "in no organisation".to_owned() } else { roles.join(", ") };
        format!("person {name} ({user}): {roles} -> can sign in with the password of that time, also if removed since")
    }
}

impl NodeDifference {
    fn tell(&self, choices: Choices, lines: &mut Vec<String>) {
        let standing = match self.standing {
            Standing::Connected => "connected with the token that this log knows",
            Standing::Refused => "somebody came with another token: it was perhaps rotated since",
            Standing::NotSeen => "nobody has come yet",
        };
        let fate = if self.rotate { "its token is ended; rotate it on its page for a new command" } else { "its token stays" };
        lines.push(format!("node {} ({}): {standing} -> {fate}", self.name, self.node));
        if !self.inventoried {
            lines.push("  its containers are not known; those that its agent then has and this log does not know stay".to_owned());
        }
        let fate = if choices.remove_unknown { "removed" } else { "kept" };
        for Unknown { container, unit, runs } in &self.unknown {
            let runs = if *runs { "running" } else { "not running" };
            let short: String = container.chars().take(12).collect();
            lines.push(format!("  container {short} of {unit}, {runs}, is not in this log -> {fate}"));
        }
        lines.extend(self.missing.iter().map(|unit| format!("  {unit} has no container there -> told as lost")));
        lines.extend(self.orders.iter().map(|order| format!("  an order was open: {order} -> sent")));
        lines.extend(self.machine.iter().map(|words| format!("  at its cloud: {words}")));
    }
}

impl CloudDifference {
    fn tell(&self, lines: &mut Vec<String>) {
        let Self { credential, trouble, unknown, missing } = self;
        match trouble {
            Some(trouble) => lines.push(format!("cloud {credential}: could not be asked: {trouble}")),
            None => lines.push(format!("cloud {credential}: {} machines that this log does not know", unknown.len())),
        }
        lines.extend(unknown.iter().map(|machine| format!("  {machine} is not in this log -> left alone; see the credential's leftovers")));
        lines.extend(missing.iter().map(|node| format!("  the machine of {node} is not there")));
    }
}
