//! What does not go on at present, for people who look at a node: live, like gauges, and gone when it goes on.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::RwLock;
use spunto_core::event::ProvisionFailure;
use spunto_core::id::NodeId;
use spunto_core::time::Timestamp;

/// Something that did not work and is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What went wrong last.
    pub failure: ProvisionFailure,
    /// Since when it does not go on.
    pub since: Timestamp,
    /// Tries so far.
    pub tries: u32,
    /// When it is tried again.
    pub again_at: Timestamp,
}

/// Troubles by node. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Troubles(Arc<RwLock<HashMap<NodeId, Trouble>>>);

impl Troubles {
    /// What does not go on for a node.
    #[must_use]
    pub fn of(&self, node: NodeId) -> Option<Trouble> {
        self.0.read().get(&node).cloned()
    }

    pub(super) fn set(&self, node: NodeId, trouble: Trouble) {
        self.0.write().insert(node, trouble);
    }

    pub(super) fn clear(&self, node: NodeId) {
        self.0.write().remove(&node);
    }
}
