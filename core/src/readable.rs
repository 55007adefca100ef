//! State in a form that people and programs read: a tree of names and values, the same for the command line, the API and `diff`.
//!
//! Every struct is taken apart by name: a new field does not compile until it has its place here. Digests of credentials are left out;
//! they tell nobody anything.

use serde_json::{Map, Value, json};

use crate::id::{DeploymentId, NodeId, OrgId, WorkerId};
use crate::state::{
    ConnectedAgent, Credential, Deployment, Enrolment, Invitation, Key, Machine, Maintenance, Node, NodeStatus, Order, Org,
};
use crate::state::{Project, Provision};
use crate::state::{RefusedConnection, Restoration, Run, Service, Session, State, System, Task, Token, Unit, User, Worker};

/// All of a state.
#[must_use]
pub fn state(state: &State) -> Value {
    let State { seq, at, system: users, orgs } = state;
    let orgs: Map<String, Value> = orgs.iter().map(|(id, known)| (id.to_string(), org(*id, known))).collect();
    json!({ "seq": seq, "at": at, "system": system(users), "orgs": orgs })
}

/// Users and who is signed in.
#[must_use]
pub fn system(system: &System) -> Value {
    let System { version, users, emails: _, sessions, installation, restoration } = system;
    let users: Map<String, Value> = users.iter().map(|(id, user)| (id.to_string(), user_of(user))).collect();
    let sessions: Map<String, Value> = sessions.iter().map(|(id, session)| (id.to_string(), session_of(session))).collect();
    let restoration = restoration.as_ref().map(|Restoration { from, seq, taken_at, restored_at }| {
        json!({ "from": format!("{from:016x}"), "seq": seq, "taken_at": taken_at, "restored_at": restored_at })
    });
    let installation = installation.map(|number| format!("{number:016x}"));
    json!({ "version": version, "users": users, "sessions": sessions, "installation": installation, "restoration": restoration })
}

fn user_of(user: &User) -> Value {
    let User { profile_version, password_version, created_at } = user;
    json!({ "profile_version": profile_version, "password_version": password_version, "created_at": created_at })
}

fn session_of(session: &Session) -> Value {
    let Session { user, digest: _, started_at, expires_at } = session;
    json!({ "user": user, "started_at": started_at, "expires_at": expires_at })
}

/// An organisation with all it owns.
#[must_use]
pub fn org(id: OrgId, org: &Org) -> Value {
    let mut tree = org_alone(id, org);
    let nodes: Map<String, Value> = org.fleet.nodes().map(|(id, known)| (id.to_string(), node(id, known))).collect();
    let workers: Map<String, Value> = org.workers.iter().map(|(id, known)| (id.to_string(), worker(*id, known))).collect();
    let deployments: Map<String, Value> = org.deployments.iter().map(|(id, known)| (id.to_string(), deployment(*id, known))).collect();
    for (name, value) in [("nodes", nodes), ("workers", workers), ("deployments", deployments)] {
        tree[name] = value.into();
    }
    tree
}

/// An organisation without its nodes, workers and deployments.
#[must_use]
pub fn org_alone(id: OrgId, org: &Org) -> Value {
    let Org { name, version, created_at, members, invitations, projects, keys, fleet, workers, worker_names: _, deployments, .. } = org;
    let Org { services, requests, addresses, credentials, .. } = org;
    let members: Map<String, Value> = members.iter().map(|(id, role)| (id.to_string(), json!(role))).collect();
    let invitations: Map<String, Value> = invitations.iter().map(|(id, known)| (id.to_string(), invitation_of(known))).collect();
    let projects: Map<String, Value> = projects.iter().map(|(id, known)| (id.to_string(), project_of(known))).collect();
    let keys: Map<String, Value> = keys.iter().map(|(id, known)| (id.to_string(), key_of(known))).collect();
    let credentials: Map<String, Value> = credentials.iter().map(|(id, known)| (id.to_string(), credential_of(known))).collect();
    let addresses: Map<String, Value> = addresses.iter().map(|(actor, address)| (actor.to_string(), json!(address))).collect();
    json!({
        "id": id, "name": name, "version": version, "created_at": created_at, "members": members, "invitations": invitations,
        "projects": projects, "keys": keys, "credentials": credentials, "addresses": addresses, "remembered_requests": requests.len(),
        "counts": {
            "nodes": fleet.nodes().len(), "workers": workers.len(), "deployments": deployments.len(), "services": services.len(),
        },
    })
}

fn invitation_of(invitation: &Invitation) -> Value {
    let Invitation { user, role, digest: _, expires_at } = invitation;
    json!({ "user": user, "role": role, "expires_at": expires_at })
}

fn project_of(project: &Project) -> Value {
    let Project { name, version, created_at } = project;
    json!({ "name": name, "version": version, "created_at": created_at })
}

fn key_of(key: &Key) -> Value {
    let Key { name, scopes, owner, digest: _, created_at } = key;
    json!({ "name": name, "scopes": scopes, "owner": owner, "created_at": created_at })
}

fn credential_of(credential: &Credential) -> Value {
    let Credential { provider, name, version, fingerprint, account, created_at, verified_at } = credential;
    json!({
        "provider": provider, "name": name, "version": version, "fingerprint": fingerprint, "account": account,
        "created_at": created_at, "verified_at": verified_at,
    })
}

/// A node.
#[must_use]
pub fn node(id: NodeId, node: &Node) -> Value {
    let Node { name, provider, labels, created_at, version, status, epoch, maintenance, token, agent, refused, .. } = node;
    let Node {
        isolation,
        units,
        load,
        cpu_millis_reserved,
        memory_bytes_reserved,
        last_placed,
        provision,
        machine,
        kept,
        keeps_unknown,
        ..
    } = node;

    let units: Vec<String> = units.iter().map(ToString::to_string).collect();
    let refused: Vec<Value> = refused.iter().map(refused_of).collect();
    json!({
        "id": id, "name": name, "provider": provider, "labels": labels, "created_at": created_at, "version": version,
        "status": status_of(status), "epoch": epoch, "maintenance": maintenance.as_ref().map(maintenance_of), "token": token_of(token),
        "agent": agent.as_ref().map(agent_of), "refused": refused, "isolation": isolation, "units": units, "load": load,
        "cpu_millis_reserved": cpu_millis_reserved, "memory_bytes_reserved": memory_bytes_reserved, "last_placed": last_placed,
        "kept": kept, "keeps_unknown": keeps_unknown, "provision": provision.as_deref().map(provision_of), "machine": machine.as_deref().map(machine_of),
    })
}

fn status_of(status: &NodeStatus) -> Value {
    match status {
        NodeStatus::Pending => json!({ "state": "pending" }),
        NodeStatus::ProvisioningFailed { attempt, step, class, message } => {
            json!({ "state": "provisioning_failed", "attempt": attempt, "step": step, "class": class, "message": message })
        }
        NodeStatus::Provisioning { attempt, step, since } => {
            json!({ "state": "provisioning", "attempt": attempt, "step": step, "since": since })
        }
        NodeStatus::Online { since } => json!({ "state": "online", "since": since }),
        NodeStatus::Draining { since, reason } => json!({ "state": "draining", "since": since, "reason": reason }),
        NodeStatus::Offline { since, reason } => json!({ "state": "offline", "since": since, "reason": reason }),
        NodeStatus::Deleting { since } => json!({ "state": "deleting", "since": since }),
    }
}

fn provision_of(provision: &Provision) -> Value {
    let Provision { attempt, correlation, wish, credential, account, enrolment, reached, stages, failed } = provision;
    let Enrolment { digest: _, expires_at, instance, closed } = enrolment;
    let instance = instance.map(|instance| format!("{instance:016x}"));
    json!({
        "attempt": attempt, "correlation": format!("{correlation:016x}"), "wish": wish, "credential": credential, "account": account,
        "enrolment": { "expires_at": expires_at, "instance": instance, "closed": closed },
        "reached": reached, "stages": stages, "failed": failed,
    })
}

fn machine_of(machine: &Machine) -> Value {
    let Machine { attempt, correlation, wish, credential, name, price, intended_at, ordered, seen_at, address, removal } = machine;
    json!({
        "attempt": attempt, "correlation": format!("{correlation:016x}"), "wish": wish, "credential": credential, "name": name,
        "price": price, "intended_at": intended_at, "ordered": ordered, "seen_at": seen_at, "address": address, "removal": removal,
    })
}

fn maintenance_of(maintenance: &Maintenance) -> Value {
    let Maintenance { since, reason, by } = maintenance;
    json!({ "since": since, "reason": reason, "by": by.to_string() })
}

fn token_of(token: &Token) -> Value {
    let Token { version, digest: _, issued_at, previous: _ } = token;
    json!({ "version": version, "issued_at": issued_at })
}

fn agent_of(agent: &ConnectedAgent) -> Value {
    let ConnectedAgent { instance, version, protocol, address, facts } = agent;
    json!({ "instance": format!("{instance:016x}"), "version": version, "protocol": protocol, "address": address, "facts": facts })
}

fn refused_of(refused: &RefusedConnection) -> Value {
    let RefusedConnection { reason, address, at, count } = refused;
    json!({ "reason": reason, "address": address, "at": at, "count": count })
}

/// A worker.
#[must_use]
pub fn worker(id: WorkerId, worker: &Worker) -> Value {
    let Worker { project, name, version, created_at, receipt, unit } = worker;
    json!({
        "id": id, "name": name, "project": project, "version": version, "created_at": created_at, "receipt": receipt, "unit": unit_of(unit),
    })
}

/// A deployment.
#[must_use]
pub fn deployment(id: DeploymentId, deployment: &Deployment) -> Value {
    let Deployment { project, name, version, created_at, node, receipt, deleting, services } = deployment;
    let service = |(id, service): (&crate::id::ServiceId, &Service)| {
        let Service { name, unit } = service;
        (id.to_string(), json!({ "name": name, "unit": unit_of(unit) }))
    };
    let services: Map<String, Value> = services.iter().map(service).collect();
    json!({
        "id": id, "name": name, "project": project, "version": version, "created_at": created_at, "node": node, "receipt": receipt,
        "deleting": deleting, "services": services,
    })
}

fn unit_of(unit: &Unit) -> Value {
    let Unit { node, spec, run, since, pending } = unit;
    json!({ "node": node, "spec": spec, "run": run_of(run), "since": since, "pending": pending.as_ref().map(order_of) })
}

fn order_of(order: &Order) -> Value {
    let Order { operation, task } = order;
    let task = match task {
        Task::Run => "run",
        Task::Start => "start",
        Task::Stop => "stop",
        Task::Remove => "remove",
    };
    json!({ "operation": operation, "task": task })
}

fn run_of(run: &Run) -> Value {
    let mut tree = match run {
        Run::Running { container, image_digest, started_at } => {
            json!({ "container": container, "image_digest": image_digest, "started_at": started_at })
        }
        Run::Restarting { code, restarts } => json!({ "code": code, "restarts": restarts }),
        Run::Exited(exited) => json!(exited),
        Run::Failed { step, message } => json!({ "step": step, "message": message }),
        Run::Lost { reason } => json!({ "reason": reason }),
        Run::Deleting { live } => json!({ "live": live }),
        Run::Placed | Run::Starting | Run::Stopping | Run::Stopped | Run::Removed => json!({}),
    };
    tree["state"] = run.name().into();
    tree
}
