//! What calls answer: the things they made or changed, each with the position at which reads see it.

use schemars::JsonSchema;
use serde::Serialize;
use spunto_core::access::{Role, Scope};
use spunto_core::id::{ApiKeyId, UserId};

use super::account::{KeyView, OrgView, ProjectView};
use super::cloud::CredentialView;
use super::event::EventView;
use super::node::{GaugesView, NodeView};
use super::past::AsOf;
use super::unit::{DeploymentView, WorkerView};

/// A page of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct PageOf<T> {
    /// The items, by id.
    pub items: Vec<T>,
    /// To be passed as `cursor` for the next page; none on the last.
    pub next: Option<String>,
    /// The moment that the items are shown as of, where one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<AsOf>,
}

/// A page of an organisation's events.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventLogPage")]
pub struct EventsPage {
    /// Events, oldest first.
    pub items: Vec<EventView>,
    /// To be passed as `cursor` for the next page, which may be longer than this one; none at the end.
    pub next: Option<String>,
    /// Where the log ended when this was read: follow the live stream from here.
    pub end: String,
}

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Serialize, JsonSchema)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
            /// Pass it as `?after=` to a read that must see this change.
            pub position: String,
        }
    )*};
}

replies! {
    /// It is done.
    Done {}
    /// A node as it is now.
    NodeReply {
        /// None when it is gone by now.
        node: Option<NodeView>,
    }
    /// A node with what makes a server it.
    NodeCreated {
        /// None when it is gone by now.
        node: Option<NodeView>,
        /// Its token, shown this once; none in the reply to a repeat that comes too late.
        token: Option<String>,
        /// The command to paste on the server.
        command: Option<String>,
    }
    /// A node with its new token, shown this once.
    TokenRotated {
        /// None when it is gone by now.
        node: Option<NodeView>,
        /// Its token from now on.
        token: String,
        /// To be pasted on the server, in this order.
        commands: TokenCommands,
    }
    /// A worker as it is now.
    WorkerReply {
        /// None when it is gone by now.
        worker: Option<WorkerView>,
    }
    /// A deployment as it is now.
    DeploymentReply {
        /// None when it is gone by now.
        deployment: Option<DeploymentView>,
    }
    /// An organisation as it is now.
    OrgReply {
        /// None when it is gone by now.
        org: Option<OrgView>,
    }
    /// A project as it is now.
    ProjectReply {
        /// None when it is gone by now.
        project: Option<ProjectView>,
    }
    /// An API key with its secret, shown this once.
    KeyCreated {
        /// None when it is gone by now.
        key: Option<KeyView>,
        /// What to send: `Authorization: Bearer …`.
        secret: String,
    }
    /// A credential as it is now.
    CredentialReply {
        /// None when it is gone by now.
        credential: Option<CredentialView>,
    }
    /// Who was brought in.
    Invited {
        /// The person.
        user: UserId,
        /// How they set a password; none for who has one already and is a member now.
        invitation: Option<InvitationLink>,
    }
    /// A member's role.
    RoleChanged {
        /// The person.
        user: UserId,
        /// What they are now.
        role: Role,
    }
}

/// What replaces an agent whose token was rotated.
#[derive(Serialize, JsonSchema)]
pub struct TokenCommands {
    /// Removes the old agent: a restart would keep the old token.
    pub remove: String,
    /// Starts the new one.
    pub run: String,
}

/// A one-time link, to be handed over by the caller.
#[derive(Serialize, JsonSchema)]
pub struct InvitationLink {
    /// The link; what is after `#` never reaches a server's log.
    pub link: String,
}

/// Whether the first owner is still to be made.
#[derive(Serialize, JsonSchema)]
pub struct SetupNeeded {
    /// True until then.
    pub needed: bool,
}

/// A person.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub struct UserView {
    /// Who.
    pub id: UserId,
    /// Their e-mail address.
    pub email: String,
    /// Their name.
    pub name: String,
}

/// Who is signed in, and where they belong.
#[derive(Serialize, JsonSchema)]
pub struct SignedIn {
    /// Who.
    pub user: UserView,
    /// Their organisations.
    pub orgs: Vec<OrgView>,
}

/// The API key that asks.
#[derive(Serialize, JsonSchema)]
pub struct KeyCaller {
    /// Which.
    pub key: ApiKeyId,
    /// What it may do.
    pub scopes: Vec<Scope>,
}

/// Who asks: a person or a key.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(missing_docs, reason = "said by the types")]
pub enum Caller {
    Person(SignedIn),
    Key(KeyCaller),
}

/// A node's gauges of the last ten minutes.
#[derive(Serialize, JsonSchema)]
pub struct GaugesHistory {
    /// Oldest first.
    pub items: Vec<GaugesView>,
    /// Whether its agent has not answered for a moment.
    pub suspect: bool,
    /// Whether its agent is connected.
    pub connected: bool,
}

/// The process answers.
#[derive(Serialize, JsonSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: &'static str,
    /// The server's version.
    pub version: &'static str,
}

/// Whether reads have caught up with the log.
#[derive(Serialize, JsonSchema)]
pub struct Readiness {
    /// Whether they have.
    pub ready: bool,
    /// The log's end.
    pub position: String,
    /// Events that reads do not see yet.
    pub behind: u64,
    /// Why nothing can be changed at present (a full disk); none when all is well. Reads go on.
    pub read_only: Option<String>,
}
