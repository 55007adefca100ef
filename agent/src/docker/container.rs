//! Making, starting, stopping and removing containers.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, HostConfigLogConfig, NetworkingConfig, RestartPolicy as DockerRestart,
    RestartPolicyNameEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder, WaitContainerOptions,
};
use futures_util::StreamExt;
use spunto_core::event::RestartPolicy;
use spunto_core::id::{OperationId, UnitId};
use spunto_core::protocol::{Launch, Network};

use super::{DEPLOYMENT_LABEL, Docker, Fault, HELPER_LABEL, NODE_LABEL, OPERATION_LABEL, UNIT_LABEL, name_of};

/// Most processes in a unit: a fork bomb must not take the node along.
const PIDS_MAX: i64 = 4096;
/// Most bytes of a unit's output that the node keeps: files of this size, so many.
const LOG_FILE_SIZE: &str = "10m";
const LOG_FILES: &str = "3";
/// Nanoseconds of CPU time a second that a thousandth of a core is.
const NANO_CPUS_PER_MILLI: i64 = 1_000_000;

fn restart(policy: RestartPolicy) -> DockerRestart {
    let (name, maximum_retry_count) = match policy {
        RestartPolicy::No => (RestartPolicyNameEnum::NO, None),
        RestartPolicy::OnFailure { max_retries } => (RestartPolicyNameEnum::ON_FAILURE, Some(max_retries.into())),
        RestartPolicy::Always => (RestartPolicyNameEnum::ALWAYS, None),
        RestartPolicy::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
    };
    DockerRestart { name: Some(name), maximum_retry_count }
}

/// A short-lived container of the agent's own image.
pub struct Helper<'a> {
    /// The agent's image.
    pub image: &'a str,
    /// What to do: a hidden subcommand and its arguments.
    pub command: &'a [&'a str],
    /// Which network, by name; `host` is the host's.
    pub network: &'a str,
    /// Whether it may change the network's settings.
    pub net_admin: bool,
}

impl Docker {
    fn body(&self, unit: UnitId, operation: OperationId, launch: &Launch, network: &str) -> ContainerCreateBody {
        let mut labels = HashMap::from([
            (NODE_LABEL.to_owned(), self.node.to_string()),
            (UNIT_LABEL.to_owned(), unit.to_string()),
            (OPERATION_LABEL.to_owned(), operation.to_string()),
        ]);
        let mut aliases = Vec::new();
        if let Network::Deployment { deployment, alias } = &launch.network {
            labels.insert(DEPLOYMENT_LABEL.to_owned(), deployment.to_string());
            aliases.push(alias.clone());
        }
        let endpoint = EndpointSettings { aliases: Some(aliases), ..EndpointSettings::default() };
        let log_config = HashMap::from([("max-size".to_owned(), LOG_FILE_SIZE.to_owned()), ("max-file".to_owned(), LOG_FILES.to_owned())]);
        let host = HostConfig {
            network_mode: Some(network.to_owned()),
            restart_policy: Some(restart(launch.restart)),
            init: Some(true),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            pids_limit: Some(PIDS_MAX),
            nano_cpus: launch.cpu_millis.map(|millis| i64::from(millis) * NANO_CPUS_PER_MILLI),
            memory: launch.memory_bytes.and_then(|bytes| i64::try_from(bytes).ok()),
            log_config: Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: Some(log_config) }),
            publish_all_ports: Some(false),
            ..HostConfig::default()
        };
        ContainerCreateBody {
            image: Some(launch.image.clone()),
            hostname: Some(launch.name.clone()),
            cmd: (!launch.command.is_empty()).then(|| launch.command.clone()),
            env: Some(launch.env.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()),
            labels: Some(labels),
            host_config: Some(host),
            networking_config: Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(network.to_owned(), endpoint)])) }),
            ..ContainerCreateBody::default()
        }
    }

    /// Makes a unit's container; it does not run yet.
    ///
    /// # Errors
    /// Docker's own words; one with that name exists.
    pub async fn create(&self, unit: UnitId, operation: OperationId, launch: &Launch, network: &str) -> Result<(), Fault> {
        let options = CreateContainerOptionsBuilder::default().name(&name_of(unit)).build();
        self.client.create_container(Some(options), self.body(unit, operation, launch, network)).await?;
        Ok(())
    }

    /// Starts a container; one that runs already is started.
    ///
    /// # Errors
    /// Docker's own words.
    pub async fn start(&self, container: &str) -> Result<(), Fault> {
        match self.client.start_container(container, None).await.map_err(Fault::from) {
            Err(Fault::Refused { status: 304, .. }) => Ok(()),
            started => started,
        }
    }

    /// Stops a container; one that is stopped or gone is stopped.
    ///
    /// # Errors
    /// Docker's own words.
    pub async fn stop(&self, container: &str, grace_s: u32) -> Result<(), Fault> {
        let options = StopContainerOptionsBuilder::default().t(i32::try_from(grace_s).unwrap_or(i32::MAX)).build();
        match self.client.stop_container(container, Some(options)).await.map_err(Fault::from) {
            Err(Fault::Refused { status: 304 | 404, .. }) => Ok(()),
            stopped => stopped,
        }
    }

    /// Removes a container with its anonymous volumes, running or not; one that is gone is removed.
    ///
    /// # Errors
    /// Docker's own words.
    pub async fn remove(&self, container: &str) -> Result<(), Fault> {
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.client.remove_container(container, Some(options)).await.map_err(Fault::from) {
            // Somebody else is removing it this very moment.
            Err(Fault::Refused { status: 404, .. }) => Ok(()),
            Err(Fault::Refused { status: 409, message }) if message.contains("already in progress") => Ok(()),
            removed => removed,
        }
    }

    /// Starts a helper; its id.
    ///
    /// # Errors
    /// Docker's own words.
    pub async fn start_helper(&self, helper: &Helper<'_>) -> Result<String, Fault> {
        let host = HostConfig {
            network_mode: Some(helper.network.to_owned()),
            cap_drop: Some(vec!["ALL".to_owned()]),
            cap_add: helper.net_admin.then(|| vec!["NET_ADMIN".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            ..HostConfig::default()
        };
        let labels =
            HashMap::from([(NODE_LABEL.to_owned(), self.node.to_string()), (HELPER_LABEL.to_owned(), helper.command[0].to_owned())]);
        let body = ContainerCreateBody {
            image: Some(helper.image.to_owned()),
            cmd: Some(helper.command.iter().map(|word| (*word).to_owned()).collect()),
            labels: Some(labels),
            host_config: Some(host),
            ..ContainerCreateBody::default()
        };
        let id = self.client.create_container(None, body).await?.id;
        self.start(&id).await?;
        Ok(id)
    }

    /// Runs a helper to its end; what it printed.
    ///
    /// # Errors
    /// Docker's own words, or those of the helper.
    pub async fn run_helper(&self, helper: &Helper<'_>) -> Result<String, Fault> {
        let id = self.start_helper(helper).await?;
        let ended = self.client.wait_container(&id, None::<WaitContainerOptions>).next().await;
        let mut printed = Vec::new();
        let mut output = std::pin::pin!(self.output(&id, 100, false));
        while let Some(Ok((_, bytes))) = output.next().await {
            printed.extend(bytes);
        }
        self.remove(&id).await?;
        let text = String::from_utf8_lossy(&printed).trim().to_owned();
        match ended {
            Some(Ok(_)) => Ok(text),
            _ => Err(Fault::Refused { status: 500, message: text }),
        }
    }

    /// A container's address in its only network.
    ///
    /// # Errors
    /// Docker does not answer.
    pub async fn address_of(&self, container: &str) -> Result<Option<String>, Fault> {
        let found = self.client.inspect_container(container, None).await?;
        let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        Ok(networks.into_values().filter_map(|endpoint| endpoint.ip_address).find(|address| !address.is_empty()))
    }

    /// The image of a container, by id.
    ///
    /// # Errors
    /// Docker does not answer; there is no such container.
    pub async fn image_of(&self, container: &str) -> Result<String, Fault> {
        Ok(self.client.inspect_container(container, None).await?.image.unwrap_or_default())
    }
}
