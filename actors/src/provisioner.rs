//! The provisioner: brings the machines that clouds make for nodes to what the log says, and removes those that must go.
//!
//! A reconciler: it takes no instruction. It looks at the directory when the feed tells of a node, and when a time has come, and
//! does the one thing that [`plan`](spunto_core::plan::provision) names; each answer is an event before the next thing is done. It
//! keeps nothing that it could not do without: it may be killed between any two lines, and goes on with the same questions.
//!
//! It is one task. Each node that has something left to do is a future in it, so that dropping the task drops everything.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use spunto_core::event::Event;
use spunto_core::id::{CredentialId, NodeId, OrgId};
use spunto_core::plan::provision::{Circumstances, Next, next};
use spunto_core::record::{Record, StreamId};
use spunto_core::time::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::error;

use crate::board::Board;
use crate::clock::Clock;
use crate::directory::Directory;
use crate::feed::Delivery;
use crate::journal::Journal;
use crate::secrets::Secrets;

pub mod accounts;
mod asked;
mod failure;
mod point;
mod removal;
mod steps;
pub mod sweep;
mod tending;
#[cfg(test)]
mod tests;

use accounts::Accounts;
use asked::Asked;
use tending::Tending;

/// How long nothing is provisioned after a bug ended the provisioner, so that one that ends at once does not spin.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// What the provisioner works with. Clones share it.
#[derive(Clone)]
pub struct Parts {
    /// Takes commands.
    pub journal: Journal,
    /// Answers questions.
    pub directory: Directory,
    /// Holds enrolment tokens.
    pub secrets: Secrets,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Opens accounts at providers.
    pub accounts: Accounts,
    /// Shows what does not go on.
    pub board: Board,
    /// What a new machine is told.
    pub boot: Boot,
    /// How long a call whose answer is not known may still have its effect: [`SETTLE_MS`](spunto_core::plan::provision::SETTLE_MS),
    /// unless the operator says otherwise.
    pub settle_ms: u64,
}

/// What every new machine is told, beside its token.
#[derive(Clone, Debug)]
pub struct Boot {
    /// Where the control plane is.
    pub api_url: String,
    /// The agent's image.
    pub agent_image: String,
}

/// Starts the provisioner as a task of the calling runtime; a bug in it ends it, and it starts again from the log.
/// Beside it, what is ours and unknown is looked for every hour.
pub fn launch(parts: Parts) {
    tokio::spawn(sweep::sweep_hourly(parts.accounts.clone(), parts.directory.clone(), Arc::clone(&parts.clock)));
    tokio::spawn(async move {
        loop {
            match tokio::spawn(run(parts.clone())).await {
                Ok(()) => return,
                Err(bug) => error!(%bug, "the provisioner died; it starts again from the log"),
            }
            tokio::time::sleep(RESTART_AFTER).await;
        }
    });
}

/// Wakes who tends a node.
#[derive(Debug, Default)]
struct Wake {
    look: Notify,
    /// What is not due yet is to be tried all the same.
    hurry: AtomicBool,
}

impl Wake {
    async fn woken(&self) {
        self.look.notified().await;
    }

    /// Whether there is a reason to try at once; asked once.
    fn hurried(&self) -> bool {
        self.hurry.swap(false, Ordering::Relaxed)
    }
}

type Tended = Pin<Box<dyn Future<Output = (OrgId, NodeId, Option<Asked>)> + Send>>;

/// Nodes that something is left to do for.
struct Provisioner {
    parts: Parts,
    up_since: Timestamp,
    /// The same by a clock that does not jump.
    began: Instant,
    tended: FuturesUnordered<Tended>,
    wakes: HashMap<NodeId, Arc<Wake>>,
    /// What is known of calls for nodes that are not tended at present; of others, an earlier provisioner may have asked.
    asked: HashMap<NodeId, Asked>,
}

/// Provisions until the feed ends.
pub async fn run(parts: Parts) {
    let up_since = parts.clock.now();
    let (seq, nodes) = parts.directory.read(|state| {
        let nodes = state.orgs.iter().flat_map(|(org, known)| known.fleet.nodes().map(|(node, _)| (*org, node)));
        (state.seq, nodes.collect::<Vec<_>>())
    });
    let mut subscription = parts.directory.feed().subscribe_after(seq);
    let mut provisioner = Provisioner {
        parts,
        up_since,
        began: Instant::now(),
        tended: FuturesUnordered::new(),
        wakes: HashMap::new(),
        asked: HashMap::new(),
    };
    for (org, node) in nodes {
        provisioner.look(org, node);
    }
    loop {
        tokio::select! {
            delivery = subscription.next() => match delivery {
                Ok(Some(delivery)) => {
                    // Who is woken must find the news in the directory.
                    if !provisioner.parts.directory.reach(delivery.last().unwrap_or(0)).await {
                        return;
                    }
                    provisioner.follow(&delivery);
                }
                Ok(None) => return,
                Err(failure) => return error!(%failure, "nothing is provisioned any more: the log can't be read"),
            },
            Some((org, node, asked)) = provisioner.tended.next(), if !provisioner.tended.is_empty() => {
                let Some(asked) = asked else { return error!("nothing is provisioned any more: the log has stopped") };
                provisioner.wakes.remove(&node);
                provisioner.asked.insert(node, asked);
                // Something may have come up after it had seen that nothing was left.
                provisioner.look(org, node);
            }
        }
    }
}

impl Provisioner {
    /// Wakes who tends a node, or begins to tend it where something is left to do.
    fn look(&mut self, org: OrgId, node: NodeId) {
        if let Some(wake) = self.wakes.get(&node) {
            return wake.look.notify_one();
        }
        let at = Circumstances { now: self.parts.clock.now(), up_since: self.up_since };
        let left = self.parts.directory.read(|state| {
            let known = state.orgs.get(&org)?.fleet.node(node)?;
            Some(next(known, &at) != Next::Nothing)
        });
        if left.is_none() {
            self.asked.remove(&node);
        }
        if left != Some(true) {
            return self.parts.board.note_trouble(node, None);
        }
        let wake = Arc::new(Wake::default());
        self.wakes.insert(node, Arc::clone(&wake));
        let asked = self.asked.remove(&node).unwrap_or(Asked::before(self.began));
        let tending = Tending::new(self.parts.clone(), (org, node), self.up_since, asked, wake);
        self.tended.push(Box::pin(async move {
            let asked = tending.run().await;
            (org, node, asked)
        }));
    }

    fn follow(&mut self, delivery: &Delivery) {
        for record in delivery.records() {
            let Some(org) = record.org else { continue };
            match (record.stream, &record.event) {
                (StreamId::Node(node), _) if is_of_machines(record) => self.look(org, node),
                (StreamId::Org(_), Event::CredentialReplaced(replaced)) => self.retry_with(org, replaced.credential),
                (StreamId::Org(_), Event::CredentialDeleted(deleted)) => self.parts.accounts.forget(deleted.credential),
                _ => {}
            }
        }
    }

    /// A new secret may open what the old one did not.
    fn retry_with(&mut self, org: OrgId, credential: CredentialId) {
        self.parts.accounts.forget(credential);
        let waiting: Vec<NodeId> = self.parts.directory.read(|state| {
            let known = state.orgs.get(&org);
            known.into_iter().flat_map(|known| known.nodes_needing(credential)).map(|(node, _)| node).collect()
        });
        for node in waiting {
            if let Some(wake) = self.wakes.get(&node) {
                wake.hurry.store(true, Ordering::Relaxed);
            }
            self.look(org, node);
        }
    }
}

/// Whether an event may give the provisioner something to do, or take it away.
const fn is_of_machines(record: &Record) -> bool {
    matches!(
        record.event,
        Event::NodeProvisionRequested(_)
            | Event::NodeCredentialVerified(_)
            | Event::NodeMachineIntended(_)
            | Event::NodeMachineOrdered(_)
            | Event::NodeMachineCreated(_)
            | Event::NodeProvisioningFailed(_)
            | Event::NodeMachineRemovalIntended(_)
            | Event::NodeMachineRemoved(_)
            | Event::NodeMachineAbandoned(_)
            | Event::NodeOnline(_)
            | Event::NodeDeletionStarted(_)
            | Event::NodeDeleted(_)
    )
}
