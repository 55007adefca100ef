//! Whether workers are isolated: tried from where a worker lives, by a helper on a network like a worker's.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use spunto_core::event::Isolation;
use tokio::net::TcpStream;

use crate::docker::{Docker, Fault, HELPER_LABEL, Helper, NODE_LABEL};
use crate::host::METADATA;
use crate::pool::{Network, Pool};

/// How often the agent probes.
pub const PROBE_EVERY: Duration = Duration::from_secs(600);
/// How long one destination may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(1500);
/// Any port: a closed one that says so has been reached as well.
const PEER_PORT: u16 = 7;

/// Whether a destination answered, if only to refuse.
async fn answers(address: SocketAddr) -> bool {
    match tokio::time::timeout(ANSWER_WITHIN, TcpStream::connect(address)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => error.kind() == std::io::ErrorKind::ConnectionRefused,
        Err(_) => false,
    }
}

/// Tries every forbidden destination from here; in words, those that answered.
pub async fn reachable(peers: &[IpAddr]) -> Vec<String> {
    let metadata = METADATA.iter().map(|address| (format!("metadata service {address}"), SocketAddr::new((*address).into(), 80)));
    let others = peers.iter().map(|address| (format!("another worker's network ({address})"), SocketAddr::new(*address, PEER_PORT)));
    let tried = metadata.chain(others).map(|(words, address)| async move { answers(address).await.then_some(words) });
    futures_util::future::join_all(tried).await.into_iter().flatten().collect()
}

/// Probes from a network of its own towards another, both removed afterwards.
pub async fn probe(docker: &Docker, image: Option<&str>, pool: Pool, taken: &[Network], random: u64) -> Isolation {
    let Some(image) = image else {
        return Isolation::NotProbed { reason: "the agent does not run in a container, so it has no image to probe with".into() };
    };
    let names = [format!("spunto-probe-{random:016x}-a"), format!("spunto-probe-{random:016x}-b")];
    let probed = run(docker, image, pool, taken, random, &names).await;
    for name in &names {
        // Left over ones are removed when the agent starts again.
        let _ = docker.remove_network(name).await;
    }
    match probed {
        Ok(destinations) if destinations.is_empty() => Isolation::Isolated,
        Ok(destinations) => Isolation::Reachable { destinations },
        Err(fault) => Isolation::NotProbed { reason: spunto_core::protocol::cut(&fault.to_string()) },
    }
}

async fn run(docker: &Docker, image: &str, pool: Pool, taken: &[Network], random: u64, names: &[String; 2]) -> Result<Vec<String>, Fault> {
    let labels = HashMap::from([(NODE_LABEL.to_owned(), docker.node().to_string()), (HELPER_LABEL.to_owned(), "probe".to_owned())]);
    for name in names {
        docker.create_network(name, labels.clone(), pool, taken, random).await?;
    }
    let target = docker.start_helper(&Helper { image, command: &["probe-target"], network: &names[1], net_admin: false }).await?;
    let probed = async {
        let address = docker.address_of(&target).await?.unwrap_or_default();
        docker.run_helper(&Helper { image, command: &["probe", &address], network: &names[0], net_admin: false }).await
    };
    let probed = probed.await;
    docker.remove(&target).await?;
    let printed = probed?;
    serde_json::from_str(&printed).map_err(|_| Fault::Refused { status: 500, message: format!("the probe said: {printed}") })
}
