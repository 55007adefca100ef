//! What the machine is: from Docker, which knows the host, and from `/proc`.

use spunto_core::event::MachineFacts;

use crate::docker::{Docker, Fault};
use crate::gauges;

/// Asks Docker and the kernel.
///
/// # Errors
/// Docker does not answer.
pub async fn facts(docker: &Docker) -> Result<MachineFacts, Fault> {
    let engine = docker.engine().await?;
    let (_, disk_bytes) = gauges::disk();
    Ok(MachineFacts {
        hostname: engine.hostname,
        os: engine.os,
        kernel: engine.kernel,
        arch: engine.arch,
        cpus: engine.cpus,
        memory_bytes: engine.memory_bytes,
        disk_bytes,
        docker_version: engine.version,
        docker_api: engine.api,
    })
}
