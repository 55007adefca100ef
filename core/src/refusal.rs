//! Refusals: the rules say no. A refusal changes nothing, has a stable code, and says what to do.

use crate::access::Role;
use crate::id::NodeId;
use crate::name::InvalidText;
use crate::place::Ineligible;

/// Nodes named in a placement refusal; more are only counted.
pub const NAMED_NODES_MAX: usize = 100;

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such thing here; the same whether it belongs to somebody else or to nobody.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A text breaks a rule.
    #[error(transparent)]
    Invalid(#[from] InvalidText),
    /// A list is too long, a number out of range.
    #[error("{0}")]
    OutOfRange(&'static str),
    /// The name is in use.
    #[error("another {what} is called \"{name}\"; choose another name")]
    NameTaken {
        /// Of what sort.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// The id is in use; ids are random, so this is a repeated command.
    #[error("this {0} exists already")]
    AlreadyExists(&'static str),
    /// The thing has changed since the client saw it.
    #[error("it has changed meanwhile: you saw version {expected}, it is at {actual}; read it again")]
    VersionMismatch {
        /// What the client saw.
        expected: u64,
        /// What it is.
        actual: u64,
    },
    /// The same `Idempotency-Key` came with another body.
    #[error("this Idempotency-Key was used for another request; use a new one")]
    IdempotencyKeyReused,
    /// The first owner exists.
    #[error("the first owner is set up already; sign in, or ask an owner for an invitation")]
    AlreadySetUp,
    /// The link is used, expired or wrong.
    #[error("this link is used, expired or wrong; ask for a new one")]
    InvitationInvalid,
    /// Is a member already.
    #[error("that person is a member already")]
    AlreadyMember,
    /// The organisation would have no owner.
    #[error("an organisation needs an owner; make somebody else owner first")]
    LastOwner,
    /// Only an owner may do that to owners.
    #[error("only an owner may name, change or remove an owner")]
    OwnerRequired,
    /// A key can't do more than its maker.
    #[error("a {role} can't make a key of this sort")]
    KeyBeyondRole {
        /// The maker's role.
        role: Role,
    },
    /// The project has workers or deployments.
    #[error("the project still has {workers} workers and {deployments} deployments; delete them first")]
    ProjectNotEmpty {
        /// So many.
        workers: usize,
        /// So many.
        deployments: usize,
    },
    /// The node is not connected.
    #[error("the node is not online; to keep work away from it whatever happens, use maintenance")]
    NodeNotOnline,
    /// The node is draining already.
    #[error("the node is draining already")]
    AlreadyDraining,
    /// The node is not draining.
    #[error("the node is not draining")]
    NotDraining,
    /// The node is in maintenance already.
    #[error("the node is in maintenance already")]
    AlreadyInMaintenance,
    /// The node is not in maintenance.
    #[error("the node is not in maintenance")]
    NotInMaintenance,
    /// The node is being deleted.
    #[error("the node is being deleted")]
    NodeDeleting,
    /// The node is not being deleted.
    #[error("the node is not being deleted")]
    NodeNotDeleting,
    /// The node still has units.
    #[error("the node still has {units} workers and services; delete them first, or force the deletion and lose them")]
    NodeNotEmpty {
        /// So many.
        units: usize,
    },
    /// The token was rotated while the agent connected.
    #[error("the token was rotated; put the new NODE_TOKEN on the server")]
    TokenRotated,
    /// The node's machine is not made by a cloud.
    #[error("this node's machine is not made by a cloud; run the docker command on a server")]
    NotACloudNode,
    /// The attempt has not failed.
    #[error("only a failed provision can be retried; wait for it to end, or delete the node")]
    ProvisionNotFailed,
    /// Another attempt was begun meanwhile.
    #[error("another attempt was begun by somebody else meanwhile; read the node again")]
    AttemptTaken,
    /// It is said of an attempt that is over.
    #[error("this is said of attempt {attempt}, the node is at {current}")]
    StaleAttempt {
        /// The attempt it is said of.
        attempt: u32,
        /// The node's.
        current: u32,
    },
    /// A machine may exist, or does not.
    #[error("{0}")]
    WrongMachine(&'static str),
    /// The machine is being removed at its provider.
    #[error("this machine is being removed at its provider; create another node, or retry and let a new machine be made")]
    MachineGoes,
    /// The enrolment token is not the one that this attempt's machine carries.
    #[error("this enrolment token is of no machine that is being made; delete this machine, and retry the node")]
    EnrolmentUnknown,
    /// The enrolment token is dead.
    #[error("this enrolment token was used; rotate the node's token, and run the commands that the rotation shows")]
    EnrolmentUsed,
    /// The enrolment token's time is over.
    #[error("this enrolment token's time is over; retry the node")]
    EnrolmentExpired,
    /// The credential is needed.
    #[error(
        "{nodes} nodes have machines that are removed with this credential; delete them first, or force the deletion and remove their machines yourself"
    )]
    CredentialInUse {
        /// So many.
        nodes: usize,
    },
    /// A newer secret was put in meanwhile.
    #[error("the credential was replaced by somebody else meanwhile; read it again")]
    CredentialVersionTaken,
    /// The new secret belongs to another account.
    #[error(
        "this is a secret of {new}, the credential is of {known}: machines there could not be removed any more; add it as a new credential"
    )]
    AccountDiffers {
        /// The credential's account.
        known: String,
        /// The new secret's.
        new: String,
    },
    /// The credential is for another provider.
    #[error("this credential is for {0}; choose one of the provider that is wanted")]
    CredentialOfOther(String),
    /// A newer token was made meanwhile.
    #[error("the token was rotated by somebody else meanwhile; read the node again")]
    TokenVersionTaken,
    /// The session was replaced.
    #[error("this session was replaced: it has epoch {epoch}, the node is at {current}")]
    StaleEpoch {
        /// The session's.
        epoch: u64,
        /// The node's.
        current: u64,
    },
    /// No node can take the unit.
    #[error("{}", no_node_words(nodes, *unnamed))]
    NoNodeAvailable {
        /// Each node and why not, at most [`NAMED_NODES_MAX`].
        nodes: Vec<(NodeId, Ineligible)>,
        /// How many more there are.
        unnamed: usize,
    },
    /// The worker or deployment can't do that now.
    #[error("it is {state}; {advice}")]
    WrongState {
        /// What it is.
        state: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The log was restored and nobody has confirmed it.
    #[error(
        "this server was restored from a backup and only observes: run `spunto restore-status` on its machine, look at the difference, and confirm it"
    )]
    Observing,
    /// Nothing is to be confirmed.
    #[error("this server does not observe: there is nothing to confirm")]
    NotObserving,
    /// A container of no unit of this node.
    #[error("the unit is not one of this node's")]
    NotThisNodes,
}

fn no_node_words(nodes: &[(NodeId, Ineligible)], unnamed: usize) -> String {
    match nodes.len() + unnamed {
        0 => "the organisation has no node yet; add one and run its docker command on a server".to_owned(),
        1 => format!("the only node can't take it: {}", nodes.first().map_or("", |(_, why)| why.words())),
        count => format!("none of the {count} nodes can take it; each node's reason is listed"),
    }
}

impl Refusal {
    /// The stable code that clients may depend on.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Invalid(_) => "invalid_input",
            Self::OutOfRange(_) => "out_of_range",
            Self::NameTaken { .. } => "name_taken",
            Self::AlreadyExists(_) => "already_exists",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::AlreadySetUp => "already_set_up",
            Self::InvitationInvalid => "invitation_invalid",
            Self::AlreadyMember => "already_member",
            Self::LastOwner => "last_owner",
            Self::OwnerRequired => "owner_required",
            Self::KeyBeyondRole { .. } => "key_beyond_role",
            Self::ProjectNotEmpty { .. } => "project_not_empty",
            Self::NodeNotOnline => "node_not_online",
            Self::AlreadyDraining => "already_draining",
            Self::NotDraining => "not_draining",
            Self::AlreadyInMaintenance => "already_in_maintenance",
            Self::NotInMaintenance => "not_in_maintenance",
            Self::NodeDeleting => "node_deleting",
            Self::NodeNotDeleting => "node_not_deleting",
            Self::NodeNotEmpty { .. } => "node_not_empty",
            Self::TokenRotated => "token_rotated",
            Self::NotACloudNode => "not_a_cloud_node",
            Self::ProvisionNotFailed => "provision_not_failed",
            Self::AttemptTaken => "attempt_taken",
            Self::StaleAttempt { .. } => "stale_attempt",
            Self::WrongMachine(_) => "wrong_machine",
            Self::MachineGoes => "machine_goes",
            Self::EnrolmentUnknown => "enrolment_unknown",
            Self::EnrolmentUsed => "enrolment_used",
            Self::EnrolmentExpired => "enrolment_expired",
            Self::CredentialInUse { .. } => "credential_in_use",
            Self::CredentialVersionTaken => "credential_version_taken",
            Self::AccountDiffers { .. } => "account_differs",
            Self::CredentialOfOther(_) => "credential_of_other",
            Self::TokenVersionTaken => "token_version_taken",
            Self::StaleEpoch { .. } => "stale_epoch",
            Self::NoNodeAvailable { .. } => "no_node_available",
            Self::WrongState { .. } => "wrong_state",
            Self::Observing => "observing",
            Self::NotObserving => "not_observing",
            Self::NotThisNodes => "not_this_nodes",
        }
    }
}
