//! Networks: one a worker, one a deployment; each takes a block that nothing else uses.

use std::collections::HashMap;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use bollard::query_parameters::ListNetworksOptionsBuilder;
use spunto_core::id::{DeploymentId, UnitId};
use spunto_core::protocol::Network as Lives;

use super::{DEPLOYMENT_LABEL, Docker, Fault, NODE_LABEL, UNIT_LABEL, name_of};
use crate::pool::{Network, Pool};

/// Blocks tried before giving up: other agents may take one between our look and our ask.
const BLOCKS_TRIED_MAX: usize = 64;

/// The name of a deployment's network.
fn deployment_name(deployment: DeploymentId) -> String {
    format!("spunto-{deployment}").replace('_', "-")
}

impl Docker {
    /// Subnets of every network of the engine.
    async fn subnets(&self) -> Result<Vec<Network>, Fault> {
        let networks = self.client.list_networks(None).await?;
        let configs = networks.into_iter().filter_map(|network| network.ipam?.config).flatten();
        Ok(configs.filter_map(|config| config.subnet?.parse().ok()).collect())
    }

    /// Makes a network with labels, in a free block. `taken` are the host's routes, `start` where to begin to look.
    ///
    /// # Errors
    /// Docker's own words; the pool is used up.
    pub async fn create_network(
        &self,
        name: &str,
        labels: HashMap<String, String>,
        pool: Pool,
        taken: &[Network],
        start: u64,
    ) -> Result<(), Fault> {
        let mut used = self.subnets().await?;
        used.extend_from_slice(taken);
        let deployment = labels.contains_key(DEPLOYMENT_LABEL);
        let mut last = None;
        for block in pool.free(deployment, &used, start).take(BLOCKS_TRIED_MAX) {
            let config = IpamConfig { subnet: Some(block.to_string()), ..IpamConfig::default() };
            let request = NetworkCreateRequest {
                name: name.to_owned(),
                driver: Some("bridge".to_owned()),
                ipam: Some(Ipam { config: Some(vec![config]), ..Ipam::default() }),
                labels: Some(labels.clone()),
                ..NetworkCreateRequest::default()
            };
            match self.client.create_network(request).await.map_err(Fault::from) {
                // Taken between our look and our ask; the next block then.
                Err(Fault::Refused { message, status }) if message.to_lowercase().contains("overlap") => {
                    last = Some(Fault::Refused { status, message });
                }
                created => return created.map(|_| ()),
            }
        }
        Err(last.unwrap_or_else(|| Fault::PoolExhausted(pool.network().to_string())))
    }

    /// The network that a unit lives on, made where it is not there; its name.
    ///
    /// # Errors
    /// Docker's own words; the pool is used up.
    pub async fn ensure_network(&self, unit: UnitId, lives: &Lives, pool: Pool, taken: &[Network], start: u64) -> Result<String, Fault> {
        let mut labels = HashMap::from([(NODE_LABEL.to_owned(), self.node.to_string())]);
        let name = match lives {
            Lives::Own => {
                labels.insert(UNIT_LABEL.to_owned(), unit.to_string());
                name_of(unit)
            }
            Lives::Deployment { deployment, .. } => {
                labels.insert(DEPLOYMENT_LABEL.to_owned(), deployment.to_string());
                deployment_name(*deployment)
            }
        };
        match self.client.inspect_network(&name, None).await.map_err(Fault::from) {
            Ok(_) => Ok(name),
            Err(fault) if fault.is_absent() => self.create_network(&name, labels, pool, taken, start).await.map(|()| name),
            Err(fault) => Err(fault),
        }
    }

    /// Removes a network; one that is gone is removed.
    ///
    /// # Errors
    /// Something still lives on it; Docker's own words.
    pub async fn remove_network(&self, name: &str) -> Result<(), Fault> {
        match self.client.remove_network(name).await.map_err(Fault::from) {
            Err(fault) if fault.is_absent() => Ok(()),
            removed => removed,
        }
    }

    /// Removes every network of this node on which nothing lives.
    ///
    /// # Errors
    /// Docker does not answer.
    pub async fn remove_empty_networks(&self) -> Result<(), Fault> {
        let filters = HashMap::from([("label", vec![self.own()])]);
        let options = ListNetworksOptionsBuilder::default().filters(&filters).build();
        let listed = self.client.list_networks(Some(options)).await?;
        let mut used = Vec::new();
        for container in self.containers().await? {
            let found = self.client.inspect_container(&container, None).await.map_err(Fault::from);
            let networks = found.ok().and_then(|found| found.network_settings?.networks);
            used.extend(networks.unwrap_or_default().into_keys());
        }
        for name in listed.into_iter().filter_map(|network| network.name).filter(|name| !used.contains(name)) {
            // In use after all is not empty.
            let _ = self.remove_network(&name).await;
        }
        Ok(())
    }

    /// The network of a unit that is gone: a worker's own.
    #[must_use]
    pub fn own_network(unit: UnitId) -> String {
        name_of(unit)
    }

    /// Removes everything of this node: containers, helpers, networks.
    ///
    /// # Errors
    /// Docker's own words.
    pub async fn remove_everything(&self) -> Result<(), Fault> {
        for container in self.containers().await? {
            self.remove(&container).await?;
        }
        self.remove_empty_networks().await
    }
}
