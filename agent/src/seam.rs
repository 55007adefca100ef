//! What the agent touches, behind two seams: the container runtime, and the way to the control plane. Docker and WebSockets over
//! TCP are behind them in the field; a simulation brings its own.

use std::future::Future;

use futures_util::{Sink, Stream};
use spunto_core::event::MachineFacts;
use spunto_core::id::{OperationId, UnitId};
use spunto_core::protocol::{Launch, Network as Lives, PullProgress};
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::docker::{Fault, Seen};
use crate::link::LinkError;
use crate::pool::{Network, Pool};

/// Runs containers. What is absent counts as removed or stopped; what is there already, as made or started.
pub trait Runtime: Send + Sync + 'static {
    /// What the machine is.
    fn facts(&self) -> impl Future<Output = Result<MachineFacts, Fault>> + Send;
    /// Ids of this node's containers, running or not.
    fn containers(&self) -> impl Future<Output = Result<Vec<String>, Fault>> + Send;
    /// A container of this node, by name or id; none when there is none, or it is not this node's.
    fn look(&self, container: &str) -> impl Future<Output = Result<Option<Seen>, Fault>> + Send;
    /// The unit label of each container of this node to which something happens, from now on.
    fn happenings(&self) -> impl Stream<Item = Result<String, Fault>> + Send;
    /// A container's output: whether it is standard error, and bytes.
    fn output(&self, container: &str, tail: u32, follow: bool) -> impl Stream<Item = Result<(bool, Vec<u8>), Fault>> + Send;
    /// Sees to it that an image is there.
    fn ensure_image(&self, image: &str, progress: impl FnMut(PullProgress) + Send) -> impl Future<Output = Result<(), Fault>> + Send;
    /// The network that a unit lives on, made where it is not there, from `pool` without `taken`; its name.
    fn ensure_network(
        &self,
        unit: UnitId,
        lives: &Lives,
        pool: Pool,
        taken: &[Network],
        start: u64,
    ) -> impl Future<Output = Result<String, Fault>> + Send;
    /// Makes a unit's container; it does not run yet.
    fn create(
        &self,
        unit: UnitId,
        operation: OperationId,
        launch: &Launch,
        network: &str,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Starts a container.
    fn start(&self, container: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Stops a container, politely for so many seconds.
    fn stop(&self, container: &str, grace_s: u32) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Removes a container, running or not.
    fn remove(&self, container: &str) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Removes a worker's own network.
    fn remove_network_of(&self, unit: UnitId) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Removes every network of this node on which nothing lives.
    fn remove_empty_networks(&self) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Removes everything of this node.
    fn remove_everything(&self) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// Opens connections to the control plane.
pub trait Dial: Send + Sync + 'static {
    /// A connection.
    type Socket: Stream<Item = Result<Message, WsError>> + Sink<Message, Error = WsError> + Unpin + Send;

    /// Opens one on a path below the control plane's address.
    fn dial(&self, path: &str) -> impl Future<Output = Result<Self::Socket, LinkError>> + Send;
}
