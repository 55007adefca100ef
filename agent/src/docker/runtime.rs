//! Docker as the agent's container runtime.

use futures_util::Stream;
use spunto_core::event::MachineFacts;
use spunto_core::id::{OperationId, UnitId};
use spunto_core::protocol::{Launch, Network as Lives, PullProgress};

use super::{Docker, Fault, Seen};
use crate::facts;
use crate::pool::{Network, Pool};
use crate::seam::Runtime;

impl Runtime for Docker {
    async fn facts(&self) -> Result<MachineFacts, Fault> {
        facts::facts(self).await
    }

    async fn containers(&self) -> Result<Vec<String>, Fault> {
        self.containers().await
    }

    async fn look(&self, container: &str) -> Result<Option<Seen>, Fault> {
        self.look(container).await
    }

    fn happenings(&self) -> impl Stream<Item = Result<String, Fault>> + Send {
        self.happenings()
    }

    fn output(&self, container: &str, tail: u32, follow: bool) -> impl Stream<Item = Result<(bool, Vec<u8>), Fault>> + Send {
        self.output(container, tail, follow)
    }

    async fn ensure_image(&self, image: &str, progress: impl FnMut(PullProgress) + Send) -> Result<(), Fault> {
        self.ensure_image(image, progress).await
    }

    async fn ensure_network(&self, unit: UnitId, lives: &Lives, pool: Pool, taken: &[Network], start: u64) -> Result<String, Fault> {
        self.ensure_network(unit, lives, pool, taken, start).await
    }

    async fn create(&self, unit: UnitId, operation: OperationId, launch: &Launch, network: &str) -> Result<(), Fault> {
        self.create(unit, operation, launch, network).await
    }

    async fn start(&self, container: &str) -> Result<(), Fault> {
        self.start(container).await
    }

    async fn stop(&self, container: &str, grace_s: u32) -> Result<(), Fault> {
        self.stop(container, grace_s).await
    }

    async fn remove(&self, container: &str) -> Result<(), Fault> {
        self.remove(container).await
    }

    async fn remove_network_of(&self, unit: UnitId) -> Result<(), Fault> {
        self.remove_network(&Self::own_network(unit)).await
    }

    async fn remove_empty_networks(&self) -> Result<(), Fault> {
        self.remove_empty_networks().await
    }

    async fn remove_everything(&self) -> Result<(), Fault> {
        self.remove_everything().await
    }
}
