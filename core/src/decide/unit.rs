//! Rules that workers and services share: what may be run, and which node takes it.

use std::collections::BTreeMap;

use super::UNIT_SPEC_BYTES_MAX;
use crate::event::{RestartPolicy, UnitSpec};
use crate::id::NodeId;
use crate::name::{check_env_name, check_image, check_labels};
use crate::place::{Receipt, Requirements};
use crate::refusal::{NAMED_NODES_MAX, Refusal};
use crate::state::{Org, State};

/// The least memory Docker accepts for a container, in bytes.
const MEMORY_BYTES_MIN: u64 = 6 * 1024 * 1024;
/// The least CPU Docker accepts for a container, in thousandths of a core.
const CPU_MILLIS_MIN: u32 = 10;
/// Most restarts that may be asked for.
const RESTARTS_MAX: u32 = 1000;

pub(super) fn check_spec(spec: &UnitSpec) -> Result<(), Refusal> {
    check_image(&spec.image)?;
    for name in &spec.env_names {
        check_env_name(name)?;
    }
    let texts = spec.command.iter().chain(&spec.env_names);
    if texts.map(String::len).sum::<usize>() > UNIT_SPEC_BYTES_MAX {
        return Err(Refusal::OutOfRange("command and names of environment variables are at most 16 KiB together"));
    }
    if spec.command.iter().any(|word| word.contains('\0')) {
        return Err(Refusal::OutOfRange("a command can't hold a NUL character"));
    }
    if spec.memory_bytes.is_some_and(|bytes| bytes < MEMORY_BYTES_MIN) {
        return Err(Refusal::OutOfRange("memory_bytes is at least 6291456 (6 MiB), Docker's minimum"));
    }
    if spec.cpu_millis.is_some_and(|millis| millis < CPU_MILLIS_MIN) {
        return Err(Refusal::OutOfRange("cpu_millis is at least 10 (a hundredth of a core), Docker's minimum"));
    }
    if matches!(spec.restart, RestartPolicy::OnFailure { max_retries } if !(1..=RESTARTS_MAX).contains(&max_retries)) {
        return Err(Refusal::OutOfRange("restart on-failure takes a max of 1 to 1000"));
    }
    Ok(())
}

/// Picks the node for units that go together, and says why.
pub(super) fn place<'a>(
    state: &State,
    org: &Org,
    specs: impl Iterator<Item = &'a UnitSpec>,
    labels: &BTreeMap<String, String>,
    node: Option<NodeId>,
) -> Result<Receipt, Refusal> {
    check_labels(labels)?;
    if node.is_some_and(|node| org.fleet.node(node).is_none()) {
        return Err(Refusal::NotFound("node"));
    }
    let mut asked = Requirements { labels: labels.clone(), node, ..Requirements::default() };
    for spec in specs {
        asked.cpu_millis += u64::from(spec.cpu_millis.unwrap_or(0));
        asked.memory_bytes = asked.memory_bytes.saturating_add(spec.memory_bytes.unwrap_or(0));
    }
    org.fleet.place(&asked, state.seq).map_err(|_| {
        let nodes = org.fleet.explain(&asked).filter_map(|(id, why)| Some((id, why?))).take(NAMED_NODES_MAX).collect::<Vec<_>>();
        let unnamed = org.fleet.nodes().len().saturating_sub(nodes.len());
        Refusal::NoNodeAvailable { nodes, unnamed }
    })
}
