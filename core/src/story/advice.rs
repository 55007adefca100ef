//! Where something stands in a few words, and the step to take next.

use super::node::{class, step};
use super::unit;
use crate::event::{OfflineReason, ProvisionErrorClass, UnitStep};
use crate::state::{Deployment, Node, NodeStatus, Run, Unit};
use crate::time::Timestamp;

/// Where a node stands.
#[must_use]
pub fn node_stands(node: &Node) -> String {
    let stands = match &node.status {
        NodeStatus::Pending => "pending: its agent has never connected".to_owned(),
        NodeStatus::ProvisioningFailed { attempt, step: at, class: why, .. } => {
            format!("provisioning_failed: attempt {attempt} failed at {}: {}", step(*at), class(*why))
        }
        NodeStatus::Provisioning { attempt, step: at, since } => {
            format!("provisioning: attempt {attempt} is at {} since {since}", step(*at))
        }
        NodeStatus::Online { since } => format!("online since {since}"),
        NodeStatus::Draining { since, .. } => format!("draining since {since}"),
        NodeStatus::Offline { since, .. } => format!("offline since {since}"),
        NodeStatus::Deleting { since } => format!("being deleted since {since}"),
    };
    match &node.maintenance {
        Some(maintenance) => format!("{stands}, in maintenance since {}", maintenance.since),
        None => stands,
    }
}

/// What to do next about a node; none when nothing is.
#[must_use]
pub fn node_advice(node: &Node) -> Option<String> {
    let advice = match &node.status {
        NodeStatus::Pending => {
            if node.refused.is_empty() {
                "run its docker command on the server; if that was done, `docker logs spunto-agent` there says what is wrong"
            } else {
                "an agent calls and is refused (see above): rotate the token and run the new command on the right server"
            }
        }
        NodeStatus::Provisioning { .. } => "wait: each step has a deadline, and a failure says what to do",
        NodeStatus::ProvisioningFailed { class, .. } => {
            let failed = node.provision.as_ref().and_then(|provision| provision.failed.as_ref());
            // What the provider's client knows is nearer to the matter than what the class alone tells.
            match failed.map(|failed| &failed.failure.next_step).filter(|next| !next.is_empty()) {
                Some(next) => return Some(next.clone()),
                None => class_advice(*class),
            }
        }
        NodeStatus::Offline { reason, .. } => offline_advice(*reason),
        NodeStatus::Draining { .. } => {
            if node.load == 0 {
                "nothing is left on it: restart its agent to end the drain, or delete it"
            } else {
                "wait for its workers to end, or delete them; the drain ends when its agent reconnects, or by undrain"
            }
        }
        NodeStatus::Deleting { .. } => "wait; when its server is gone for good, delete it with force",
        NodeStatus::Online { .. } if node.maintenance.is_some() => "end its maintenance when it may take workers again",
        NodeStatus::Online { .. } => return None,
    };
    Some(advice.to_owned())
}

const fn class_advice(class: ProvisionErrorClass) -> &'static str {
    match class {
        ProvisionErrorClass::Denied => "replace the provider credential, then retry",
        ProvisionErrorClass::Forbidden => "give the credential the permission that the provider names, then retry",
        ProvisionErrorClass::Quota => "delete machines or have the quota raised at the provider, then retry",
        ProvisionErrorClass::NoCapacity => "retry in another location or with another machine type",
        ProvisionErrorClass::BadInput => "choose a location, machine type and image that the provider offers, then retry",
        ProvisionErrorClass::NameTaken => "remove the machine of that name at the provider if it is yours, or choose another name",
        ProvisionErrorClass::RateLimited => "wait some minutes, then retry",
        ProvisionErrorClass::Unavailable => "see the provider's status page, then retry",
        ProvisionErrorClass::NoHandshake => "see the machine's console: it must reach this server's address on port 443; then retry",
        ProvisionErrorClass::BootFailed => "read what the machine said above; its console at the provider shows more; then retry",
        ProvisionErrorClass::Unknown => "read the provider's words above; then retry, or delete the node",
    }
}

const fn offline_advice(reason: OfflineReason) -> &'static str {
    match reason {
        OfflineReason::ConnectionClosed | OfflineReason::NoAnswer => {
            "see whether the server runs and reaches this one: `docker exec spunto-agent /spunto-agent check` there says what is wrong"
        }
        OfflineReason::TokenRotated => "run the new docker command on the server: its agent still has the old token",
        OfflineReason::AgentStopped => "start its agent again: `docker start spunto-agent` on the server",
        OfflineReason::ProtocolError => "update its agent to the version of this server, and see `docker logs spunto-agent`",
        OfflineReason::ServerRestarted => "see whether the server runs and whether this one's address is still the one that it calls",
    }
}

/// Where a container stands.
#[must_use]
pub fn unit_stands(unit: &Unit) -> String {
    let stands = match &unit.run {
        Run::Failed { step, .. } => format!("failed at {}", unit::step(*step)),
        Run::Exited(exited) => format!("exited with code {}", exited.code),
        Run::Restarting { code, restarts } => format!("restarting: code {code}, {restarts} restarts"),
        run => run.name().to_owned(),
    };
    format!("{stands} since {}", unit.since)
}

/// What to do next about a container; none when nothing is. `now` is the time of the last event.
#[must_use]
pub fn unit_advice(unit: &Unit, now: Timestamp) -> Option<String> {
    const LONG_MS: u64 = 5 * 60 * 1000;
    let advice = match &unit.run {
        Run::Failed { step, .. } => match step {
            UnitStep::PullImage => "see that the image's name is right and that the node reaches the registry, then start it again",
            UnitStep::CreateNetwork | UnitStep::CreateContainer | UnitStep::StartContainer => {
                "read Docker's words above, put that right, then start it again"
            }
            UnitStep::StopContainer | UnitStep::Remove => "order it again; if that fails too, see the Docker Engine of its node",
        },
        Run::Exited(exited) if exited.oom_killed => "give it more memory, then start it again",
        Run::Exited(exited) if exited.code != 0 => "see its logs, then start it again",
        Run::Restarting { .. } => "see its logs: it keeps ending",
        Run::Lost { .. } => "start it again: that makes a new container",
        Run::Placed | Run::Starting | Run::Stopping | Run::Deleting { .. } if now.ms_since(unit.since) > LONG_MS => {
            "its node has not answered for a while: see whether the node is online"
        }
        Run::Placed | Run::Starting | Run::Running { .. } | Run::Exited(_) | Run::Stopping | Run::Stopped => return None,
        Run::Deleting { .. } | Run::Removed => return None,
    };
    Some(advice.to_owned())
}

/// What to do next about a deployment: the first of its services that needs something.
#[must_use]
pub fn deployment_advice(deployment: &Deployment, now: Timestamp) -> Option<String> {
    let wanting = |service: &crate::state::Service| unit_advice(&service.unit, now).map(|advice| format!("{}: {advice}", service.name));
    deployment.services.values().find_map(wanting)
}
