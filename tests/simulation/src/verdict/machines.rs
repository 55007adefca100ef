//! What must hold of the cloud's machines: one a node at most, none that the log does not know, and none that is forgotten.

use std::collections::BTreeSet;

use spunto_actors::provisioner::sweep::{Finding, Standing};
use spunto_core::id::NodeId;
use spunto_core::state::{Node, NodeStatus};

use super::{Verdict, fail};
use crate::cloud::{Cloud, Machine};
use crate::people::{CREDENTIAL, ORG};

impl Verdict {
    fn node(&self, node: NodeId) -> Option<&Node> {
        self.state.orgs.get(&ORG)?.fleet.node(node)
    }

    /// Whether there is a credential; in a run whose first write was lost nobody may have come so far.
    #[must_use]
    pub fn has_credential(&self) -> bool {
        self.state.orgs.get(&ORG).is_some_and(|org| org.credentials.contains_key(&CREDENTIAL))
    }

    /// Every machine is one that the log says may exist, and no node has two. But for machines that were given up by force.
    ///
    /// # Errors
    /// What is wrong.
    pub fn look_at_machines(&self, cloud: &Cloud) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        for Machine { node, attempt, number, .. } in cloud.machines().iter().filter(|machine| !self.given_up.contains(&machine.node)) {
            if !self.node(*node).is_some_and(|known| known.machine.is_some()) {
                return fail(format!("machine {number} of {node}, attempt {attempt}, exists, and the log knows of none"));
            }
            if !seen.insert(node) {
                return fail(format!("{node} has a second machine, {number}, of attempt {attempt}"));
            }
        }
        Ok(())
    }

    /// Whether no node is on its way anywhere.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let settled = |node: &Node| match &node.status {
            NodeStatus::Provisioning { .. } | NodeStatus::Deleting { .. } => false,
            NodeStatus::ProvisioningFailed { .. } => node.machine.is_none(),
            _ => true,
        };
        self.state.orgs.get(&ORG).is_none_or(|org| org.fleet.nodes().all(|(_, node)| settled(node)))
    }

    /// Judges the end: nodes have the machines that the log says, and what nobody looks after is what the sweep tells of.
    ///
    /// # Errors
    /// What is wrong.
    pub fn swept(&self, cloud: &Cloud, swept: &[Finding]) -> Result<(), String> {
        let machines: Vec<Machine> = cloud.machines().into_iter().filter(Machine::stays).collect();
        for machine in &machines {
            let found = swept.iter().find(|(resource, _)| resource.reference == machine.number.to_string());
            let known = self.node(machine.node).is_some_and(|node| node.machine.is_some());
            match found {
                Some((_, Standing::Known(_))) if known => {}
                Some((_, Standing::Forgotten(_) | Standing::NoNode(_))) if !known && self.given_up.contains(&machine.node) => {}
                other => return fail(format!("machine {} of {} is told as {other:?}", machine.number, machine.node)),
            }
        }
        let there = |node: NodeId| machines.iter().any(|machine| machine.node == node);
        for (id, _) in self.state.orgs.get(&ORG).into_iter().flat_map(|org| org.fleet.nodes()).filter(|(_, node)| node.machine.is_some()) {
            if !there(id) {
                return fail(format!("the machine of {id} is gone"));
            }
        }
        Ok(())
    }
}
