//! The removal of a node's machine: done when the provider's list shows nothing of it any more, and no call is under way that
//! could still make one.

use std::time::Duration;

use spunto_core::command::ProvisionCommand;
use spunto_core::state::Machine;

use super::failure::{asked_pause_ms, of_account, of_fault};
use super::tending::{Done, Tending};
use crate::cloud::Fault;

/// Least pause after a fault that nobody can wait away, such as a credential that was revoked: a removal is tried for ever, and must
/// not use up the account's limit.
const HOPELESS_PAUSE_MS: u64 = 5 * 60 * 1000;

impl Tending {
    pub(super) async fn remove(&mut self, machine: &Machine) -> Option<Done> {
        let account = match self.account(machine.credential).await {
            Ok(account) => account,
            Err(error) => {
                let (failure, passes) = of_account(&error);
                return Some(Done::Again(Box::new(failure), if passes { 0 } else { HOPELESS_PAUSE_MS }));
            }
        };
        // Before the list is asked for: what it shows is of then, or later.
        let settles_in = self.asked.settles_in(machine.seen_at.is_some(), Duration::from_millis(self.parts.settle_ms));
        let found = match Self::ask(&account, || account.provider.find(self.node)).await {
            Ok(found) => found,
            Err(fault) => return Some(not_now(&fault)),
        };
        if found.is_empty() && settles_in.is_zero() {
            return self.tell(machine.correlation, ProvisionCommand::NoteRemoved { attempt: machine.attempt }).await;
        }
        if found.is_empty() {
            return Some(Done::Later(settles_in));
        }
        if found.iter().any(|resource| resource.attempt == Some(machine.attempt)) {
            self.asked.note_listed();
        }
        for resource in &found {
            if let Err(fault) = Self::ask(&account, || account.provider.delete(resource)).await {
                return Some(not_now(&fault));
            }
        }
        Some(Done::UnderWay)
    }
}

fn not_now(fault: &Fault) -> Done {
    let least_ms = if fault.passes() { asked_pause_ms(fault) } else { HOPELESS_PAUSE_MS };
    Done::Again(Box::new(of_fault(fault)), least_ms)
}
