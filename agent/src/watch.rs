//! Follows Docker's events and tells what happens to units by themselves: exits, restarts, removals by hand.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use spunto_core::event::Lost;
use spunto_core::id::{OperationId, UnitId};
use spunto_core::observe::Observed;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::warn;

use crate::docker::name_of;
use crate::seam::{Dial, Runtime};
use crate::work::Node;

/// A unit that Docker keeps starting again is told of at most this often.
const RESTARTS_EVERY: Duration = Duration::from_secs(30);
/// Units that wait to be looked at.
const WAITING_MAX: usize = 4096;

/// Before Docker's events are followed again.
const REST: Duration = Duration::from_secs(1);

/// When a unit was last told of, and how often Docker had started it again by then.
struct Told {
    at: Instant,
    restarts: u32,
    looks_again: bool,
}

/// Follows Docker's events for ever.
pub async fn follow<R: Runtime, D: Dial>(node: Arc<Node<R, D>>) {
    let (looks, mut due) = mpsc::channel::<UnitId>(WAITING_MAX);
    let mut told: HashMap<UnitId, Told> = HashMap::new();
    loop {
        let mut happenings = std::pin::pin!(node.runtime.happenings());
        loop {
            tokio::select! {
                biased;
                happening = happenings.next() => match happening {
                    Some(Ok(unit)) => if let Ok(unit) = unit.parse() {
                        look(&node, unit, &mut told, &looks).await;
                    },
                    Some(Err(fault)) => { warn!(%fault, "Docker's events broke off; following them again"); break }
                    None => { warn!("Docker's events ended; following them again"); break }
                },
                Some(unit) = due.recv() => {
                    if let Some(known) = told.get_mut(&unit) { known.looks_again = false; }
                    look(&node, unit, &mut told, &looks).await;
                }
            }
        }
        // What happened meanwhile is told by a new inventory.
        tokio::time::sleep(REST).await;
        node.inventory.notify_one();
    }
}

async fn look<R: Runtime, D: Dial>(node: &Arc<Node<R, D>>, unit: UnitId, told: &mut HashMap<UnitId, Told>, looks: &mpsc::Sender<UnitId>) {
    let lock = node.unit(unit);
    let Ok(_idle) = lock.try_lock() else {
        // An order is at work on this unit and tells its own result; what happens just after that is seen by looking again.
        let (lock, looks) = (Arc::clone(&lock), looks.clone());
        tokio::spawn(async move {
            drop(lock.lock().await);
            // With thousands waiting, the next event of this unit will do.
            let _ = looks.try_send(unit);
        });
        return;
    };
    let seen = match node.runtime.look(&name_of(unit)).await {
        Ok(seen) => seen,
        Err(fault) => return warn!(%unit, %fault, "a unit could not be looked at"),
    };
    let Some(seen) = seen else {
        told.remove(&unit);
        let lost = Lost { reason: "its container was removed on the node".into() };
        node.outbox.lock().happened(unit, OperationId::from_u64(0), Observed::Lost(lost));
        return node.news.notify_one();
    };
    let Some(operation) = seen.operation().filter(|_| seen.has_run) else { return };
    let now = Instant::now();
    let known = told.entry(unit).or_insert(Told { at: now, restarts: 0, looks_again: false });
    let flaps = seen.restarts > known.restarts;
    if flaps && known.restarts > 0 && now.duration_since(known.at) < RESTARTS_EVERY {
        if !known.looks_again {
            known.looks_again = true;
            let (looks, at) = (looks.clone(), known.at + RESTARTS_EVERY);
            tokio::spawn(async move {
                tokio::time::sleep_until(at).await;
                // With thousands waiting, the next event of this unit will do.
                let _ = looks.try_send(unit);
            });
        }
        return;
    }
    let observed = match seen.observed {
        // It runs this moment, but it has ended and been started again since it was last told of.
        Observed::Started { .. } if flaps => {
            let (looks, at) = (looks.clone(), now + RESTARTS_EVERY);
            known.looks_again = true;
            tokio::spawn(async move {
                tokio::time::sleep_until(at).await;
                let _ = looks.try_send(unit);
            });
            Observed::Restarting(spunto_core::event::Restarting { code: seen.last_code, restarts: seen.restarts })
        }
        observed => observed,
    };
    (known.at, known.restarts) = (now, seen.restarts);
    node.outbox.lock().happened(unit, operation, observed);
    node.news.notify_one();
}
