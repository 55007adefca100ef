//! The agent's life: Docker first, then sessions, one after the other, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use spunto_core::protocol::{Instance, Retry};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::backoff::{Backoff, GOOD_SESSION, LATER};
use crate::config::{Config, Settings};
use crate::docker::Docker;
use crate::enrol::{self, EnrolError};
use crate::link::Dialer;
use crate::logs::STREAMS_MAX;
use crate::seam::{Dial, Runtime};
use crate::session::{self, End, Session};
use crate::work::Node;
use crate::{host, probe, watch as happenings};

/// A random number from the operating system; 0 where it has none, which is unlikely and harmless here.
#[must_use]
pub fn random() -> u64 {
    let mut bytes = [0; 8];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u64::from_le_bytes(bytes),
        Err(_) => 0,
    }
}

/// The agent's own container, from the files that Docker mounts into every container; none outside of one.
#[must_use]
pub fn own_container() -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    container_in(&mounts)
}

fn container_in(mounts: &str) -> Option<String> {
    let id = |line: &str| {
        let (_, after) = line.split_once("/containers/")?;
        let id: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
        (id.len() == 64).then_some(id)
    };
    mounts.lines().filter(|line| line.contains("/etc/hostname") || line.contains("/etc/resolv.conf")).find_map(id)
}

async fn docker(config: &Config) -> Docker {
    let mut told = false;
    loop {
        match Docker::connect(&config.docker_socket, config.token.node).await {
            Ok(docker) => return docker,
            Err(fault) if !told => {
                told = true;
                error!(%fault, socket = config.docker_socket, "Docker does not answer; trying on. Is it running, and is its socket mounted?");
            }
            Err(_) => {}
        }
        Docker::rest().await;
    }
}

/// Looks at the host's network, blocks the metadata service, and probes from then on.
async fn keep_isolated(node: Arc<Node<Docker, Dialer>>, own: Option<String>, result: watch::Sender<Option<spunto_core::event::Isolation>>) {
    let image = match own {
        Some(own) => node.runtime.image_of(&own).await.ok(),
        None => None,
    };
    loop {
        let pool = node.pool;
        let found = match &image {
            Some(image) => host::ask(&node.runtime, image, pool).await,
            None => Ok(host::Host { routes: std::fs::read_to_string("/proc/net/route").unwrap_or_default(), block_error: None }),
        };
        match found {
            Ok(host) => {
                if let Some(error) = &host.block_error {
                    warn!(error, "the metadata service can't be blocked for workers; the probe tells whether there is one");
                }
                *node.taken.lock() = host.taken();
            }
            Err(fault) => warn!(%fault, "the host's network could not be looked at"),
        }
        let taken = node.taken.lock().clone();
        let isolation = probe::probe(&node.runtime, image.as_deref(), pool, &taken, random()).await;
        info!(?isolation, "probed the isolation of workers");
        result.send_replace(Some(isolation));
        tokio::time::sleep(probe::PROBE_EVERY).await;
    }
}

/// Why the agent does not run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It does not know as which node, or for whom.
    #[error(transparent)]
    Enrol(#[from] EnrolError),
    /// Signals can't be waited for.
    #[error("signals can't be waited for: {0}")]
    Signals(#[from] std::io::Error),
}

/// Runs until a signal or the node's deletion.
///
/// # Errors
/// The settings don't hold together; signals can't be waited for.
pub async fn run(settings: Settings) -> Result<(), RunError> {
    let (stop, stopped) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        stop.send_replace(true);
    });
    let mut waits = stopped.clone();
    let config = tokio::select! {
        config = enrol::config(&settings) => config?,
        _ = waits.wait_for(|stop| *stop) => return Ok(()),
    };
    tokio::select! {
        docker = docker(&config) => serve(config.clone(), docker, stopped).await,
        _ = waits.wait_for(|stop| *stop) => {}
    }
    Ok(())
}

async fn serve(config: Config, docker: Docker, stop: watch::Receiver<bool>) {
    let own = own_container();
    let pool = config.pool;
    let (node, mut live) = Node::new(docker, Dialer(config), pool);
    if let Err(fault) = node.runtime.remove_empty_networks().await {
        warn!(%fault, "empty networks could not be looked for");
    }
    tokio::spawn(happenings::follow(Arc::clone(&node)));
    let (probed, isolation) = watch::channel(None);
    tokio::spawn(keep_isolated(Arc::clone(&node), own.clone(), probed));
    let mut session = Session {
        node: &node,
        instance: Instance(random()),
        live: &mut live,
        isolation,
        stop: stop.clone(),
        streams: Arc::new(Semaphore::new(STREAMS_MAX)),
    };
    if sessions(&mut session, random).await {
        leave(&node, own, stop).await;
    }
}

/// One session after the other, until the agent is told to stop or its node is deleted; whether it was deleted.
pub async fn sessions<R: Runtime, D: Dial>(session: &mut Session<'_, R, D>, mut random: impl FnMut() -> u64) -> bool {
    let mut backoff = Backoff::default();
    let mut refused_before = String::new();
    loop {
        let began = Instant::now();
        let pause = match session::run(session).await {
            End::Stopped => {
                info!("stopped; workers run on");
                return false;
            }
            End::Deleted => return true,
            End::Refused(message, retry) => {
                // Said once: the same words every minute would bury everything else.
                if message != refused_before {
                    error!("refused by the control plane: {message}");
                    refused_before = message;
                }
                if retry == Retry::Later { LATER } else { backoff.next(random()) }
            }
            End::Lost(why) => {
                refused_before.clear();
                if began.elapsed() >= GOOD_SESSION {
                    backoff.reset();
                }
                let pause = backoff.next(random());
                warn!(why, again_in_ms = u64::try_from(pause.as_millis()).unwrap_or(0), "no session with the control plane");
                pause
            }
        };
        tokio::select! {
            biased;
            _ = session.stop.wait_for(|stop| *stop) => {
                info!("stopped; workers run on");
                return false;
            }
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// The node is no more: stops the agent's own container through Docker, as it would be started again otherwise.
async fn leave(node: &Node<Docker, Dialer>, own: Option<String>, mut stop: watch::Receiver<bool>) {
    /// Between asking Docker to stop us and the signal that follows.
    const SIGNAL_WITHIN: Duration = Duration::from_secs(30);
    info!("this node was deleted; the agent stops and does not come back");
    let Some(own) = own else { return };
    tokio::select! {
        stopped = node.runtime.stop(&own, 5) => if let Err(fault) = stopped {
            error!(%fault, "the agent's own container could not be stopped; remove it with docker rm -f");
            tokio::time::sleep(SIGNAL_WITHIN).await;
        },
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_container_is_found_in_the_mounts() {
        let id = "4f".repeat(32);
        let mounts = format!(
            "1 2 0:1 / / rw - overlay overlay rw\n3 1 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/sda rw\n"
        );
        assert_eq!(container_in(&mounts), Some(id));
        assert_eq!(container_in("3 1 8:1 /home /etc/hostname rw - ext4 /dev/sda rw\n"), None);
    }
}
