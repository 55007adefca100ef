//! One sample record for every kind: the source of the golden bytes. Each field holds a value of its own, so that two that change places are seen.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use spunto_core::access::{KeyOwner, Role, Scope};
use spunto_core::event::*;
use spunto_core::id::*;
use spunto_core::outcome::Outcome;
use spunto_core::place::{Choice, Decider, Ineligible, Policy, Receipt};
use spunto_core::record::{Actor, Record, StreamId};
use spunto_core::time::Timestamp;
use spunto_core::token::SecretDigest;

use super::super::schema::{DeploymentCreatedV1, NodeProvisioningFailedV1, WorkerCreatedV1};

const ORG: OrgId = OrgId::from_u64(0x0101);
const USER: UserId = UserId::from_u64(0x0202);
const PROJECT: ProjectId = ProjectId::from_u64(0x0303);
const NODE: NodeId = NodeId::from_u64(0x0404);
const WORKER: WorkerId = WorkerId::from_u64(0x0505);
const DEPLOYMENT: DeploymentId = DeploymentId::from_u64(0x0606);
const SERVICE: ServiceId = ServiceId::from_u64(0x0707);
const OPERATION: OperationId = OperationId::from_u64(0x0808);
const KEY: ApiKeyId = ApiKeyId::from_u64(0x0909);
const SESSION: SessionId = SessionId::from_u64(0x0a0a);
const CREDENTIAL: CredentialId = CredentialId::from_u64(0x0d0d);
const INVITATION: InvitationId = InvitationId::from_u64(0x0b0b);

pub(super) fn all() -> Vec<Record> {
    let streams = [
        (StreamId::System, system()),
        (StreamId::Org(ORG), org()),
        (StreamId::Node(NODE), node()),
        (StreamId::Worker(WORKER), worker()),
        (StreamId::Deployment(DEPLOYMENT), deployment()),
        // Kinds that came later stand last, so that the bytes of the others stay as they are.
        (StreamId::Org(ORG), vec![ActorSeen { org: ORG, actor: Actor::User(USER), address: "203.0.113.9".into() }.into()]),
        (StreamId::Org(ORG), credentials()),
        (StreamId::Node(NODE), machine()),
        (StreamId::System, restoration()),
        (StreamId::Node(NODE), vec![NodeContainersKept { node: NODE, containers: vec!["c1".into(), "c2".into()] }.into()]),
    ];
    let numbered = streams.into_iter().flat_map(|(stream, events)| events.into_iter().map(move |event| (stream, event)));
    numbered
        .zip(1..)
        .map(|((stream, event), seq)| Record {
            seq,
            org: (stream != StreamId::System).then_some(ORG),
            stream,
            stream_version: seq + 1000,
            at: at(seq),
            actor: [Actor::System, Actor::User(USER), Actor::ApiKey(KEY), Actor::Node(NODE), Actor::Operator][seq as usize % 5],
            correlation: seq + 2000,
            causation: seq - 1,
            event,
        })
        .collect()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_ms(1_795_500_000_000 + seconds * 1000)
}

fn digest(byte: u8) -> SecretDigest {
    SecretDigest::from_bytes([byte; 32])
}

fn labels() -> BTreeMap<String, String> {
    BTreeMap::from([("zone".into(), "eu".into()), ("disk".into(), "ssd".into())])
}

fn system() -> Vec<Event> {
    vec![
        UserCreated { user: USER, email_digest: digest(1), profile_version: 2 }.into(),
        UserPasswordSet { user: USER, password_version: 3, cause: PasswordCause::Reset }.into(),
        SessionStarted { session: SESSION, user: USER, digest: digest(2), expires_at: at(9), address: "203.0.113.9".into() }.into(),
        SessionEnded { session: SESSION, reason: SessionEnd::SignedOut }.into(),
        InvitationAccepted { invitation: INVITATION, user: USER, profile_version: 4 }.into(),
    ]
}

fn restoration() -> Vec<Event> {
    vec![
        InstallationRestored { installation: 71, from: 72, seq: 73, taken_at: at(74) }.into(),
        InstallationConfirmed { difference: [6; 32] }.into(),
    ]
}

fn org() -> Vec<Event> {
    vec![
        OrgCreated { org: ORG, name: "ACME".into() }.into(),
        OrgRenamed { org: ORG, name: "ACME 2".into() }.into(),
        MemberAdded { org: ORG, user: USER, role: Role::Member }.into(),
        MemberRoleChanged { org: ORG, user: USER, role: Role::Admin }.into(),
        MemberRemoved { org: ORG, user: USER }.into(),
        InvitationCreated { invitation: INVITATION, org: ORG, user: USER, role: Role::Owner, digest: digest(3), expires_at: at(99) }.into(),
        ProjectCreated { project: PROJECT, org: ORG, name: "shop".into() }.into(),
        ProjectRenamed { project: PROJECT, org: ORG, name: "store".into() }.into(),
        ProjectDeleted { project: PROJECT, org: ORG }.into(),
        ApiKeyCreated {
            key: KEY,
            org: ORG,
            name: "ci".into(),
            scopes: vec![Scope::NodesRead, Scope::WorkersWrite],
            owner: KeyOwner::User(USER),
            digest: digest(4),
        }
        .into(),
        ApiKeyRevoked { key: KEY, org: ORG }.into(),
        RequestRecorded { org: ORG, principal: Actor::User(USER), key: "retry-1".into(), body_hash: [5; 32], outcome: Outcome::Node(NODE) }
            .into(),
    ]
}

fn node() -> Vec<Event> {
    let node = NODE;
    vec![
        NodeCreated { node, org: ORG, name: "prod-eu-1".into(), provider: Provider::Manual, labels: labels(), token_digest: digest(6) }
            .into(),
        provisioning_failed().into(),
        online().into(),
        NodeDraining { node, reason: "kernel update".into() }.into(),
        NodeTokenRotated { node, token_version: 2, token_digest: digest(7) }.into(),
        NodeOffline { node, epoch: 7, reason: OfflineReason::NoAnswer }.into(),
        NodeUndrained { node }.into(),
        NodeMaintenanceStarted { node, reason: "new disk".into() }.into(),
        NodeMaintenanceEnded { node }.into(),
        NodeRenamed { node, name: "prod-eu-2".into() }.into(),
        NodeLabelsChanged { node, labels: labels() }.into(),
        NodeConnectionRefused { node, reason: ConnectionRefusal::AlreadyConnected, address: "203.0.113.10".into(), count: 3 }.into(),
        NodeDeletionStarted { node, forced: true }.into(),
        NodeDeleted { node }.into(),
        NodeIsolationProbed { node, isolation: Isolation::Reachable { destinations: vec!["metadata service 169.254.169.254".into()] } }
            .into(),
        NodeOrphanFound { node, unit: "wkr_aaaaaaaaaaaaa".into(), container: "c0ffee".into() }.into(),
    ]
}

fn provisioning_failed() -> NodeProvisioningFailed {
    NodeProvisioningFailed {
        node: NODE,
        attempt: 2,
        step: ProvisionStep::CreateMachine,
        failure: ProvisionFailure {
            class: ProvisionErrorClass::Quota,
            message: "server limit exceeded".into(),
            code: "resource_limit_exceeded".into(),
            request_id: Some("1a2b3c".into()),
            next_step: "Ask the provider for a higher limit.".into(),
            alternatives: vec!["nbg1".into()],
        },
        nothing_made: true,
        kept_until: Some(at(70)),
    }
}

fn credentials() -> Vec<Event> {
    let (credential, org) = (CREDENTIAL, ORG);
    let account = Some("acme-1".to_owned());
    vec![
        CredentialAdded {
            credential,
            org,
            provider: "hetzner".into(),
            name: "main".into(),
            fingerprint: "00aa11bb".into(),
            account: account.clone(),
        }
        .into(),
        CredentialReplaced { credential, org, version: 2, fingerprint: "22cc33dd".into(), account }.into(),
        CredentialDeleted { credential, org, forced: true }.into(),
        LeftoverRemovalRequested { org, credential, reference: "41".into(), name: "spunto-a".into(), node: Some(NODE) }.into(),
    ]
}

fn machine() -> Vec<Event> {
    let (node, attempt) = (NODE, 3);
    let wish = MachineWish { provider: "hetzner".into(), location: "fsn1".into(), machine_type: "cx23".into(), image: "debian-12".into() };
    let price = Some(MachinePrice { currency: "EUR".into(), hourly: "0.0060".into(), monthly: "3.79".into() });
    vec![
        NodeProvisionRequested {
            node,
            org: ORG,
            attempt,
            wish,
            credential: CREDENTIAL,
            credential_version: 4,
            enrolment_digest: digest(8),
            enrolment_expires_at: at(80),
        }
        .into(),
        NodeCredentialVerified { node, attempt, account: Some("acme-1".into()) }.into(),
        NodeMachineIntended { node, attempt, name: "spunto-b".into(), price }.into(),
        NodeMachineOrdered { node, attempt, reference: "42".into(), operation: Some("17".into()), found: true }.into(),
        NodeMachineCreated { node, attempt, reference: "43".into(), address: Some("203.0.113.80".into()) }.into(),
        NodeProgressReported { node, attempt, stage: "installing_docker".into(), detail: "second try".into() }.into(),
        NodeEnrolled { node, attempt, instance: 9, address: "203.0.113.81".into() }.into(),
        NodeMachineRemovalIntended { node, attempt, reason: RemovalReason::NeverCalled }.into(),
        NodeMachineRemoved { node, attempt }.into(),
        NodeMachineAbandoned { node, attempt, name: "spunto-c".into(), reason: AbandonReason::DeletionForced }.into(),
    ]
}

/// A fixture of an older shape.
pub(super) struct Old {
    pub(super) version: u16,
    /// What it means today.
    pub(super) meant: Event,
    /// Its payload as text, in the shape of its time.
    pub(super) as_it_was: fn(&[u8]) -> String,
}

pub(super) fn old() -> Vec<Old> {
    let failure = ProvisionFailure {
        class: ProvisionErrorClass::Quota,
        message: "quota exceeded".into(),
        code: String::new(),
        request_id: None,
        next_step: String::new(),
        alternatives: Vec::new(),
    };
    let step = ProvisionStep::CreateMachine;
    let failed = NodeProvisioningFailed { node: NODE, attempt: 2, step, failure, nothing_made: true, kept_until: None };
    let worker = WorkerCreated { labels: BTreeMap::new(), ..worker_created() };
    let deployment = DeploymentCreated { labels: BTreeMap::new(), ..deployment_created() };
    vec![
        Old { version: 1, meant: failed.into(), as_it_was: text_of::<NodeProvisioningFailedV1> },
        Old { version: 1, meant: worker.into(), as_it_was: text_of::<WorkerCreatedV1> },
        Old { version: 1, meant: deployment.into(), as_it_was: text_of::<DeploymentCreatedV1> },
    ]
}

fn text_of<T: Serialize + DeserializeOwned>(payload: &[u8]) -> String {
    let shape: T = super::super::read(payload).unwrap();
    serde_json::to_string_pretty(&shape).unwrap()
}

fn online() -> NodeOnline {
    NodeOnline {
        node: NODE,
        epoch: 7,
        instance: 8,
        agent_version: "0.1.0".into(),
        protocol: 1,
        address: "203.0.113.9".into(),
        facts: MachineFacts {
            hostname: "box".into(),
            os: "Debian GNU/Linux 12".into(),
            kernel: "6.1.0".into(),
            arch: "x86_64".into(),
            cpus: 2,
            memory_bytes: 4 << 30,
            disk_bytes: 40 << 30,
            docker_version: "20.10.24".into(),
            docker_api: "1.41".into(),
        },
    }
}

fn spec() -> UnitSpec {
    UnitSpec {
        image: "busybox:1".into(),
        command: vec!["sleep".into(), "60".into()],
        env_names: vec!["HOME_URL".into()],
        cpu_millis: Some(500),
        memory_bytes: Some(64 << 20),
        restart: RestartPolicy::OnFailure { max_retries: 3 },
    }
}

fn receipt() -> Receipt {
    Receipt {
        policy: Policy::LeastLoaded,
        policy_version: 1,
        decided_at: 41,
        cpu_millis: 500,
        memory_bytes: 64 << 20,
        labels: 1,
        node_requested: false,
        chosen: Choice { node: NODE, load: 2 },
        runners_up: vec![Choice { node: NodeId::from_u64(0x0c0c), load: 3 }],
        decided_by: Decider::Load,
        ineligible: vec![(Ineligible::Offline, 4)],
    }
}

fn started() -> Started {
    Started { operation: OPERATION, container: "c0ffee".into(), image_digest: "sha256:00".into(), started_at: at(50) }
}

fn failed() -> Failed {
    Failed { operation: OPERATION, step: UnitStep::PullImage, message: "no such image".into() }
}

fn exited() -> Exited {
    Exited { code: 137, oom_killed: true, message: "killed".into(), finished_at: at(60) }
}

fn worker_created() -> WorkerCreated {
    WorkerCreated {
        worker: WORKER,
        org: ORG,
        project: PROJECT,
        name: "w-1".into(),
        spec: spec(),
        labels: labels(),
        node: NODE,
        operation: OPERATION,
        receipt: receipt(),
    }
}

fn worker() -> Vec<Event> {
    let (worker, operation) = (WORKER, OPERATION);
    vec![
        worker_created().into(),
        WorkerStarted { worker, run: started() }.into(),
        WorkerFailed { worker, run: failed() }.into(),
        WorkerExited { worker, run: exited() }.into(),
        WorkerRestarting { worker, run: Restarting { code: 1, restarts: 5 } }.into(),
        WorkerStopRequested { worker, operation }.into(),
        WorkerStopped { worker, operation }.into(),
        WorkerStartRequested { worker, operation }.into(),
        WorkerDeleteRequested { worker, operation }.into(),
        WorkerDeleted { worker, unheard: true }.into(),
        WorkerLost { worker, run: Lost { reason: "no container".into() } }.into(),
    ]
}

fn deployment_created() -> DeploymentCreated {
    DeploymentCreated {
        deployment: DEPLOYMENT,
        org: ORG,
        project: PROJECT,
        name: "shop".into(),
        services: vec![ServicePlan { service: SERVICE, name: "web".into(), spec: spec(), operation: OPERATION }],
        labels: labels(),
        node: NODE,
        receipt: receipt(),
    }
}

fn deployment() -> Vec<Event> {
    let (deployment, service, operation) = (DEPLOYMENT, SERVICE, OPERATION);
    let orders = vec![ServiceOrder { service, operation }];
    vec![
        deployment_created().into(),
        DeploymentStopRequested { deployment, orders: orders.clone() }.into(),
        DeploymentStartRequested { deployment, orders: orders.clone() }.into(),
        DeploymentDeleteRequested { deployment, orders }.into(),
        DeploymentDeleted { deployment, unheard: false }.into(),
        ServiceStarted { deployment, service, run: started() }.into(),
        ServiceFailed { deployment, service, run: failed() }.into(),
        ServiceExited { deployment, service, run: exited() }.into(),
        ServiceRestarting { deployment, service, run: Restarting { code: 2, restarts: 6 } }.into(),
        ServiceStopped { deployment, service, operation }.into(),
        ServiceRemoved { deployment, service, operation }.into(),
        ServiceLost { deployment, service, run: Lost { reason: "no container".into() } }.into(),
    ]
}
