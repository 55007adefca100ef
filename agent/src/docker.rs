//! Docker as the agent needs it: its own words for containers, images and networks. The client library is named only here and
//! below.

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder, LogsOptionsBuilder};
use bollard::{API_DEFAULT_VERSION, Docker as Client};
use futures_util::stream::{Stream, StreamExt};
use spunto_core::event::{Exited, Restarting};
use spunto_core::id::{NodeId, OperationId, UnitId};
use spunto_core::observe::Observed;
use spunto_core::time::Timestamp;

mod container;
mod image;
mod network;
mod runtime;

pub use container::Helper;

/// Label with the node's id: only containers that carry it are ever touched.
pub const NODE_LABEL: &str = "net.spunto.node";
/// Label with the unit's id.
pub const UNIT_LABEL: &str = "net.spunto.unit";
/// Label with the id of the order that made the container.
pub const OPERATION_LABEL: &str = "net.spunto.operation";
/// Label with the deployment's id.
pub const DEPLOYMENT_LABEL: &str = "net.spunto.deployment";
/// Label of the agent's own helpers.
pub const HELPER_LABEL: &str = "net.spunto.helper";

/// How long Docker may take for one answer, in seconds; a stop takes its grace time on top.
const ANSWER_WITHIN_S: u64 = 120;

/// Docker said no, or did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Docker's own words.
    #[error("{message}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// It could not be asked.
    #[error("Docker does not answer: {0}")]
    Unreachable(String),
    /// No block of the pool is free.
    #[error("no network is free in the pool {0}; give the agent another with -e SPUNTO_NETWORK_POOL=…")]
    PoolExhausted(String),
}

impl From<bollard::errors::Error> for Fault {
    fn from(error: bollard::errors::Error) -> Self {
        match error {
            bollard::errors::Error::DockerResponseServerError { status_code, message } => Self::Refused { status: status_code, message },
            bollard::errors::Error::DockerStreamError { error } => Self::Refused { status: 500, message: error },
            other => Self::Unreachable(other.to_string()),
        }
    }
}

impl Fault {
    /// Whether it is that there is no such thing.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// What Docker says of itself and its machine.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "said by the names")]
pub struct Engine {
    pub version: String,
    pub api: String,
    pub hostname: String,
    pub os: String,
    pub kernel: String,
    pub arch: String,
    pub cpus: u32,
    pub memory_bytes: u64,
}

/// A container of this node.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Its labels.
    pub labels: HashMap<String, String>,
    /// How it is.
    pub observed: Observed,
    /// Whether it has ever run.
    pub has_run: bool,
    /// How often Docker has started it again.
    pub restarts: u32,
    /// Exit code of its last run; 0 while it runs for the first time.
    pub last_code: i64,
}

impl Seen {
    /// The order that made it.
    #[must_use]
    pub fn operation(&self) -> Option<OperationId> {
        self.labels.get(OPERATION_LABEL)?.parse().ok()
    }

    /// Whether it runs now.
    #[must_use]
    pub const fn runs(&self) -> bool {
        matches!(self.observed, Observed::Started { .. } | Observed::Restarting(_))
    }
}

/// Docker, for one node.
#[derive(Clone)]
pub struct Docker {
    client: Client,
    node: NodeId,
}

/// The name of a unit's container, and of a worker's network.
#[must_use]
pub fn name_of(unit: UnitId) -> String {
    format!("spunto-{unit}").replace('_', "-")
}

impl Docker {
    /// Connects lazily to a socket; the API version is agreed with the engine.
    ///
    /// # Errors
    /// The engine does not answer, or is too old.
    pub async fn connect(socket: &str, node: NodeId) -> Result<Self, Fault> {
        let client = Client::connect_with_unix(socket, ANSWER_WITHIN_S, API_DEFAULT_VERSION)?.negotiate_version().await?;
        Ok(Self { client, node })
    }

    /// Whose containers these are.
    #[must_use]
    pub const fn node(&self) -> NodeId {
        self.node
    }

    /// What Docker says of itself and its machine.
    ///
    /// # Errors
    /// It does not answer.
    pub async fn engine(&self) -> Result<Engine, Fault> {
        let version = self.client.version().await?;
        let info = self.client.info().await?;
        Ok(Engine {
            version: version.version.unwrap_or_default(),
            api: version.api_version.unwrap_or_default(),
            hostname: info.name.unwrap_or_default(),
            os: info.operating_system.unwrap_or_default(),
            kernel: info.kernel_version.unwrap_or_default(),
            arch: info.architecture.unwrap_or_default(),
            cpus: info.ncpu.and_then(|cpus| u32::try_from(cpus).ok()).unwrap_or(0),
            memory_bytes: info.mem_total.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(0),
        })
    }

    /// The label that all containers of this node carry.
    fn own(&self) -> String {
        format!("{NODE_LABEL}={}", self.node)
    }

    /// Ids of all containers of this node that are units, running or not.
    ///
    /// # Errors
    /// Docker does not answer.
    pub async fn containers(&self) -> Result<Vec<String>, Fault> {
        let filters = HashMap::from([("label", vec![self.own(), UNIT_LABEL.to_owned()])]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = self.client.list_containers(Some(options)).await?;
        Ok(listed.into_iter().filter_map(|container| container.id).collect())
    }

    /// Looks at a container of this node, by name or id; none when there is no such, or it is somebody else's.
    ///
    /// # Errors
    /// Docker does not answer.
    pub async fn look(&self, container: &str) -> Result<Option<Seen>, Fault> {
        let found = match self.client.inspect_container(container, None).await.map_err(Fault::from) {
            Err(fault) if fault.is_absent() => return Ok(None),
            found => found?,
        };
        let labels = found.config.and_then(|config| config.labels).unwrap_or_default();
        if labels.get(NODE_LABEL) != Some(&self.node.to_string()) {
            return Ok(None);
        }
        let id = found.id.unwrap_or_default();
        let restarts = found.restart_count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0);
        let state = found.state.unwrap_or_default();
        let time = |text: Option<&String>| text.and_then(|text| Timestamp::parse(text).ok()).unwrap_or_default();
        let started_at = time(state.started_at.as_ref());
        let code = state.exit_code.unwrap_or(0);
        let observed = if state.restarting == Some(true) {
            Observed::Restarting(Restarting { code, restarts })
        } else if state.running == Some(true) {
            Observed::Started { container: id.clone(), image_digest: found.image.unwrap_or_default(), started_at }
        } else if started_at == Timestamp::default() {
            Observed::Stopped
        } else {
            let (oom_killed, message) = (state.oom_killed == Some(true), state.error.unwrap_or_default());
            let finished_at = time(state.finished_at.as_ref());
            Observed::Exited(Exited { code, oom_killed, message: spunto_core::protocol::cut(&message), finished_at })
        };
        Ok(Some(Seen { id, labels, observed, has_run: started_at != Timestamp::default(), restarts, last_code: code }))
    }

    /// The unit label of each container of this node to which something happens, from now on.
    pub fn happenings(&self) -> impl Stream<Item = Result<String, Fault>> + use<> {
        let filters = HashMap::from([
            ("type", vec!["container".to_owned()]),
            ("label", vec![self.own()]),
            ("event", ["start", "die", "destroy", "oom", "pause", "unpause"].map(str::to_owned).to_vec()),
        ]);
        let events = self.client.events(Some(EventsOptionsBuilder::default().filters(&filters).build()));
        events.filter_map(|event| async move {
            match event {
                Ok(event) => event.actor?.attributes?.get(UNIT_LABEL).cloned().map(Ok),
                Err(error) => Some(Err(error.into())),
            }
        })
    }

    /// A container's output: whether it is standard error, and bytes.
    pub fn output(&self, container: &str, tail: u32, follow: bool) -> impl Stream<Item = Result<(bool, Vec<u8>), Fault>> + use<> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(follow).tail(&tail.to_string()).build();
        self.client.logs(container, Some(options)).map(|line| match line {
            Ok(bollard::container::LogOutput::StdErr { message }) => Ok((true, message.to_vec())),
            Ok(other) => Ok((false, other.into_bytes().to_vec())),
            Err(error) => Err(error.into()),
        })
    }

    /// Waits a moment for Docker to come back.
    pub async fn rest() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}
