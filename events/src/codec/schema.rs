//! Shapes that were written once and are no longer: frozen, each with its way to the next.

use serde::{Deserialize, Serialize};
use spunto_core::event::{Event, NodeProvisioningFailed, ProvisionErrorClass, ProvisionFailure, ProvisionStep};
use spunto_core::id::NodeId;

use super::{DecodeFault, read};

/// Version of the newest shape of a kind.
pub(super) const fn newest(kind: u16) -> u16 {
    match kind {
        // 2: the provider's code, request and alternatives, what to do, and what became of the machine.
        101 => 2,
        _ => 1,
    }
}

/// The event that bytes of an older shape tell of; none where the shape is no older one.
pub(super) fn decode_old(kind: u16, version: u16, bytes: &[u8]) -> Option<Result<Event, DecodeFault>> {
    match (kind, version) {
        (101, 1) => Some(read(bytes).map(|old: NodeProvisioningFailedV1| Event::NodeProvisioningFailed(old.into()))),
        _ => None,
    }
}

/// `node.provisioning_failed`, version 1: of a time before clouds made machines.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeProvisioningFailedV1 {
    node: NodeId,
    attempt: u32,
    step: ProvisionStep,
    class: ProvisionErrorClass,
    message: String,
}

impl From<NodeProvisioningFailedV1> for NodeProvisioningFailed {
    fn from(old: NodeProvisioningFailedV1) -> Self {
        let (code, next_step) = (String::new(), String::new());
        let failure =
            ProvisionFailure { class: old.class, message: old.message, code, request_id: None, next_step, alternatives: Vec::new() };
        Self { node: old.node, attempt: old.attempt, step: old.step, failure, nothing_made: true, kept_until: None }
    }
}
