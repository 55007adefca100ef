//! The commands: what somebody wants, with every fact that the rules need (ids, digests, times) already looked up.

use std::collections::BTreeMap;

use crate::access::{KeyOwner, Role, Scope};
use crate::event::{
    ConnectionRefusal, Isolation, MachineFacts, MachinePrice, MachineWish, OfflineReason, PasswordCause, ProvisionFailure, RemovalReason,
    UnitSpec,
};
use crate::id::{
    ApiKeyId, CredentialId, DeploymentId, InvitationId, NodeId, OperationId, OrgId, ProjectId, ServiceId, SessionId, UnitId, UserId,
    WorkerId,
};
use crate::observe::Observed;
use crate::record::Actor;
use crate::time::Timestamp;
use crate::token::SecretDigest;

/// A command with its circumstances.
#[derive(Clone, Debug)]
pub struct Request {
    /// Who asks.
    pub actor: Actor,
    /// The wall clock when it was asked.
    pub now: Timestamp,
    /// Ties together the events of one request or attempt.
    pub correlation: u64,
    /// Sequence of the event that led to it; 0 when a client did.
    pub causation: u64,
    /// The version that the client saw of the thing it changes (`If-Match`).
    pub expected_version: Option<u64>,
    /// The client's `Idempotency-Key` and the hash of what it asked.
    pub idempotency: Option<Idempotency>,
    /// Where a person or a key calls from; none for what comes from inside.
    pub address: Option<String>,
    /// What is wanted.
    pub command: Command,
}

/// Makes a repeated creating request answer as the first one did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The client's key.
    pub key: String,
    /// BLAKE3 of method, path and body.
    pub body_hash: [u8; 32],
}

/// Longest `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// What is wanted, by area.
#[derive(Clone, Debug)]
pub enum Command {
    /// Of users, sessions, organisations, projects, keys.
    Account(AccountCommand),
    /// Of a node of this organisation.
    Node(OrgId, NodeId, NodeCommand),
    /// Of the machine that a cloud makes for a node of this organisation.
    Provision(OrgId, NodeId, ProvisionCommand),
    /// Of a credential of this organisation at a cloud.
    Credential(OrgId, CredentialId, CredentialCommand),
    /// Of a worker of this organisation.
    Worker(OrgId, WorkerId, WorkerCommand),
    /// Of a deployment of this organisation.
    Deployment(OrgId, DeploymentId, DeploymentCommand),
    /// What a node's agent says, in the session with this epoch.
    Agent(OrgId, NodeId, u64, AgentReport),
}

/// Commands about accounts.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events that follow, documented there")]
pub enum AccountCommand {
    /// Makes the default organisation and project of a fresh log.
    InitializeSystem { org: OrgId, org_name: String, project: ProjectId, project_name: String },
    /// Makes the first owner of every organisation that there is.
    SetUpFirstOwner { user: UserId, email_digest: SecretDigest, profile_version: u32, password_version: u32 },
    /// Signs a user in; the password was checked.
    StartSession { session: SessionId, user: UserId, digest: SecretDigest, expires_at: Timestamp, address: String },
    /// Signs a session out.
    EndSession { session: SessionId },
    /// Gives a user another password.
    SetPassword { user: UserId, password_version: u32, cause: PasswordCause },
    /// Makes an organisation with its first owner.
    CreateOrg { org: OrgId, name: String, owner: UserId },
    /// Renames an organisation.
    RenameOrg { org: OrgId, name: String },
    /// Brings somebody in. A user who already has a password becomes a member at once; another gets an invitation.
    InviteMember {
        org: OrgId,
        user: UserId,
        email_digest: SecretDigest,
        profile_version: u32,
        role: Role,
        invitation: InvitationId,
        digest: SecretDigest,
        expires_at: Timestamp,
    },
    /// The invited user sets a password.
    AcceptInvitation { org: OrgId, invitation: InvitationId, digest: SecretDigest, profile_version: u32, password_version: u32 },
    /// Changes what a member is.
    ChangeRole { org: OrgId, user: UserId, role: Role },
    /// Takes a member out.
    RemoveMember { org: OrgId, user: UserId },
    /// Makes a project.
    CreateProject { org: OrgId, project: ProjectId, name: String },
    /// Renames a project.
    RenameProject { org: OrgId, project: ProjectId, name: String },
    /// Deletes an empty project.
    DeleteProject { org: OrgId, project: ProjectId },
    /// Makes an API key.
    CreateApiKey { org: OrgId, key: ApiKeyId, name: String, scopes: Vec<Scope>, owner: KeyOwner, digest: SecretDigest },
    /// Kills an API key.
    RevokeApiKey { org: OrgId, key: ApiKeyId },
    /// Notes that this log was restored from a backup.
    RecordRestoration { installation: u64, from: u64, seq: u64, taken_at: Timestamp },
    /// Lets a restored log act again; the difference was computed a moment ago.
    ConfirmRestoration { difference: [u8; 32] },
}

/// Commands about one node.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events that follow, documented there")]
pub enum NodeCommand {
    /// Makes it known; its token is in the vault already.
    Create { name: String, labels: BTreeMap<String, String>, token_digest: SecretDigest },
    /// Changes name or labels; none means unchanged.
    Update { name: Option<String>, labels: Option<BTreeMap<String, String>> },
    /// Places nothing more here until the agent connects again.
    Drain { reason: String },
    /// Ends a drain.
    Undrain,
    /// Places nothing more here until somebody says so.
    StartMaintenance { reason: String },
    /// Ends maintenance.
    EndMaintenance,
    /// Kills the token; the new one is in the vault already.
    RotateToken { token_version: u32, token_digest: SecretDigest },
    /// Lets containers that a restored log does not know stay.
    KeepContainers { containers: Vec<String> },
    /// Takes it down. `connected`: whether its agent can be told to clean up.
    Delete { forced: bool, connected: bool },
    /// Its agent has cleaned up, or could not in time.
    FinishDeletion,
    /// Lets an agent in.
    AcceptSession { token_version: u32, instance: u64, agent_version: String, protocol: u32, address: String, facts: MachineFacts },
    /// An agent was not let in; `count` attempts since this was last recorded.
    RefuseConnection { reason: ConnectionRefusal, address: String, count: u32 },
    /// Its session with this epoch ended.
    EndAgentSession { epoch: u64, reason: OfflineReason },
}

/// Commands about the machine that a cloud makes for a node. What names an attempt is refused once another is under way.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events that follow, documented there")]
pub enum ProvisionCommand {
    /// Makes a node known and begins its first attempt; its tokens are in the vault already.
    Create {
        name: String,
        labels: BTreeMap<String, String>,
        token_digest: SecretDigest,
        wish: MachineWish,
        credential: CredentialId,
        enrolment_digest: SecretDigest,
    },
    /// Begins another attempt after a failed one. What the earlier machine may hold of the node's token dies with it.
    Retry {
        attempt: u32,
        wish: MachineWish,
        credential: CredentialId,
        enrolment_digest: SecretDigest,
        token_version: u32,
        token_digest: SecretDigest,
    },
    /// The provider accepts the credential.
    NoteVerified { attempt: u32, account: Option<String> },
    /// The provider is about to be asked for the machine.
    IntendMachine { attempt: u32, name: String, price: Option<MachinePrice> },
    /// The provider has taken the order.
    NoteOrdered { attempt: u32, reference: String, operation: Option<String>, found: bool },
    /// The machine is there.
    NoteCreated { attempt: u32, reference: String, address: Option<String> },
    /// The attempt has failed at its present step. `nothing_made`: it is certain that the provider made nothing.
    Fail { attempt: u32, failure: ProvisionFailure, nothing_made: bool },
    /// Its machine is to go.
    IntendRemoval { attempt: u32, reason: RemovalReason },
    /// The provider's list no longer shows it.
    NoteRemoved { attempt: u32 },
    /// The machine tells how far its start has got.
    ReportProgress { digest: SecretDigest, stage: String, detail: String },
    /// The machine's agent trades its enrolment token.
    Enrol { digest: SecretDigest, instance: u64, address: String },
}

/// Commands about one credential at a cloud; its secret was verified, and is in the vault already.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events that follow, documented there")]
pub enum CredentialCommand {
    /// Keeps it.
    Add { provider: String, name: String, fingerprint: String, account: Option<String> },
    /// Gives it another secret of the same account.
    Replace { version: u32, fingerprint: String, account: Option<String> },
    /// Erases it. `forced`: machines that need it are given up.
    Delete { forced: bool },
    /// Something that this credential shows is ours and needed by nobody; it is to be removed.
    RemoveLeftover { reference: String, name: String, node: Option<NodeId> },
}

/// Commands about one worker.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events that follow, documented there")]
pub enum WorkerCommand {
    /// Places and starts a new one.
    Spawn {
        project: ProjectId,
        name: String,
        spec: UnitSpec,
        labels: BTreeMap<String, String>,
        node: Option<NodeId>,
        operation: OperationId,
    },
    /// Stops its container.
    Stop { operation: OperationId },
    /// Starts it again.
    Start { operation: OperationId },
    /// Removes it. `unheard`: without waiting for its node.
    Delete { operation: OperationId, unheard: bool },
}

/// One service of a new deployment.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events that follow, documented there")]
pub struct NewService {
    pub service: ServiceId,
    pub name: String,
    pub spec: UnitSpec,
    pub operation: OperationId,
}

/// Commands about one deployment. Orders for its services are numbered from `operation` on, in the order of their ids.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events that follow, documented there")]
pub enum DeploymentCommand {
    /// Places and starts a new one.
    Create { project: ProjectId, name: String, services: Vec<NewService>, labels: BTreeMap<String, String>, node: Option<NodeId> },
    /// Stops its containers.
    Stop { operation: OperationId },
    /// Starts them again.
    Start { operation: OperationId },
    /// Removes it. `unheard`: without waiting for its node.
    Delete { operation: OperationId, unheard: bool },
}

/// What an agent says that may be worth an event.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the fields are those of the events that follow, documented there")]
pub enum AgentReport {
    /// Of a unit's container; `operation` is the order it answers, or the one that made the container.
    Observed { unit: UnitId, operation: OperationId, observed: Observed },
    /// Of the isolation of its workers.
    Isolation(Isolation),
    /// Of a container of this node that belongs to nothing.
    Orphan { unit: String, container: String },
}

impl Command {
    /// The organisation it concerns; none when it crosses organisations.
    #[must_use]
    pub const fn org(&self) -> Option<OrgId> {
        match self {
            Self::Node(org, ..)
            | Self::Provision(org, ..)
            | Self::Credential(org, ..)
            | Self::Worker(org, ..)
            | Self::Deployment(org, ..)
            | Self::Agent(org, ..) => Some(*org),
            Self::Account(command) => command.org(),
        }
    }
}

impl AccountCommand {
    const fn org(&self) -> Option<OrgId> {
        match self {
            Self::InitializeSystem { org, .. }
            | Self::CreateOrg { org, .. }
            | Self::RenameOrg { org, .. }
            | Self::InviteMember { org, .. }
            | Self::AcceptInvitation { org, .. }
            | Self::ChangeRole { org, .. }
            | Self::RemoveMember { org, .. }
            | Self::CreateProject { org, .. }
            | Self::RenameProject { org, .. }
            | Self::DeleteProject { org, .. }
            | Self::CreateApiKey { org, .. }
            | Self::RevokeApiKey { org, .. } => Some(*org),
            Self::RecordRestoration { .. } | Self::ConfirmRestoration { .. } => None,
            Self::SetUpFirstOwner { .. } | Self::StartSession { .. } | Self::EndSession { .. } | Self::SetPassword { .. } => None,
        }
    }
}
