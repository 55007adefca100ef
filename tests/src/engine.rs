//! The Docker Engine by its own client, as a person uses it.

use std::process::{Command, Output};

use anyhow::{Context, bail};

/// Runs `docker` and returns what it printed.
///
/// # Errors
/// It failed; with its own words.
pub fn docker(words: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("docker").args(words).output().context("running docker; is it installed? make docker")?;
    printed(&format!("docker {}", words.join(" ")), &output)
}

/// The last lines of a container's log, of both its outputs; nothing where there is no such container.
#[must_use]
pub fn log_of(container: &str, lines: u32) -> String {
    let log = Command::new("docker").args(["logs", "--tail", &lines.to_string(), container]).output();
    log.map(|log| String::from_utf8_lossy(&[log.stdout, log.stderr].concat()).into_owned()).unwrap_or_default()
}

/// Runs a command line as pasted into a shell.
///
/// # Errors
/// It failed; with its own words.
pub fn paste(line: &str) -> anyhow::Result<String> {
    let output = Command::new("sh").arg("-c").arg(line).output().context("running a shell")?;
    // The line may hold a token: only its first word is told.
    printed(line.split_whitespace().next().unwrap_or(""), &output)
}

fn printed(what: &str, output: &Output) -> anyhow::Result<String> {
    if !output.status.success() {
        bail!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The host's address on Docker's default bridge: where containers reach the host.
///
/// # Errors
/// Docker has no default bridge.
pub fn bridge_gateway() -> anyhow::Result<String> {
    let told = docker(&["network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Gateway}}"])?;
    if !told.is_empty() && told != "<no value>" {
        return Ok(told);
    }
    // An engine that was never asked for a container may not have chosen one yet; the subnet's first address it will be.
    let subnet = docker(&["network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Subnet}}"])?;
    let network: std::net::Ipv4Addr =
        subnet.split('/').next().unwrap_or("").parse().context("Docker's default bridge has no IPv4 subnet")?;
    Ok(std::net::Ipv4Addr::from(u32::from(network) + 1).to_string())
}

/// Ids of containers with this label, running or not.
///
/// # Errors
/// Docker does not answer.
pub fn labelled(label: &str) -> anyhow::Result<Vec<String>> {
    let ids = docker(&["ps", "-aq", "--no-trunc", "--filter", &format!("label={label}")])?;
    Ok(ids.lines().map(str::to_owned).collect())
}

/// Removes every container and network of a node.
///
/// # Errors
/// Docker does not answer.
pub fn remove_all_of(node: &str) -> anyhow::Result<()> {
    let label = format!("net.spunto.node={node}");
    for container in labelled(&label)? {
        docker(&["rm", "-f", &container])?;
    }
    let networks = docker(&["network", "ls", "-q", "--filter", &format!("label={label}")])?;
    for network in networks.lines() {
        docker(&["network", "rm", network])?;
    }
    Ok(())
}
