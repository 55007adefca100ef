//! The steps of an attempt: verify, intend, create, follow. Each is safe to take again.

use spunto_core::command::ProvisionCommand;
use spunto_core::event::{MachinePrice, ProvisionErrorClass};
use spunto_core::planted::{self, Bug};
use spunto_core::state::Provision;

use super::accounts::Account;
use super::asked::Asked;
use super::failure::{of_account, of_fault, ours};
use super::tending::{Done, Tending};
use crate::cloud::user_data::Boot;
use crate::cloud::{Fault, FaultKind, Happened, Operation, Order, Progress, Resource, ResourceKind, ownership};
use crate::random;

impl Tending {
    /// The account, or what is done without one.
    async fn paying(&mut self, provision: &Provision) -> Result<Account, Option<Done>> {
        match self.account(provision.credential).await {
            Ok(account) => Ok(account),
            Err(error) => match of_account(&error) {
                (failure, true) => Err(Some(Done::Again(Box::new(failure), 0))),
                (failure, false) => Err(self.fail(provision, failure, self.asked.is_answered()).await),
            },
        }
    }

    /// What can pass is tried again, until the step's time is over; anything else ends the attempt.
    async fn after_fault(&mut self, provision: &Provision, fault: Fault) -> Option<Done> {
        if fault.passes() {
            return Some(Done::again(&fault));
        }
        let nothing_made = self.asked.is_answered() && fault.happened == Happened::No;
        self.fail(provision, of_fault(&fault), nothing_made).await
    }

    pub(super) async fn verify(&mut self, provision: &Provision) -> Option<Done> {
        let account = match self.paying(provision).await {
            Ok(account) => account,
            Err(done) => return done,
        };
        match Self::ask(&account, || account.provider.verify()).await {
            Ok(verified) => {
                let command = ProvisionCommand::NoteVerified { attempt: provision.attempt, account: verified.name };
                self.tell(provision.correlation, command).await
            }
            Err(fault) => self.after_fault(provision, fault).await,
        }
    }

    /// Writes down that a machine may come to be, with what it will cost where the provider says so.
    pub(super) async fn intend(&mut self, provision: &Provision) -> Option<Done> {
        let account = match self.paying(provision).await {
            Ok(account) => account,
            Err(done) => return done,
        };
        let wish = &provision.wish;
        let types = match Self::ask(&account, || account.provider.machine_types(&wish.location)).await {
            Ok(types) => types,
            Err(fault) if fault.passes() => return Some(Done::again(&fault)),
            // What is wrong with the wish, the provider says best when it is asked for the machine.
            Err(_) => Vec::new(),
        };
        let price = types.into_iter().find(|known| known.id == wish.machine_type).and_then(|known| known.price);
        let price = price.map(|price| MachinePrice { currency: price.currency, hourly: price.hourly, monthly: price.monthly });
        let name = ownership::machine_name(self.node);
        let told = self.tell(provision.correlation, ProvisionCommand::IntendMachine { attempt: provision.attempt, name, price }).await;
        if matches!(told, Some(Done::Told)) {
            // Only here it is certain that nobody has asked yet.
            self.asked = Asked::default();
        }
        told
    }

    /// The order of an attempt: made again exactly alike, whoever makes it.
    async fn order(&self, provision: &Provision) -> Result<Order, Done> {
        let token = self.parts.secrets.enrolment(self.node, provision.attempt).await;
        let enrolment_token = token.map_err(|error| {
            let next_step = "Retry; where that does not help, restore the vault from a backup.";
            Done::Again(Box::new(ours(ProvisionErrorClass::Unknown, error.to_string(), next_step)), 0)
        })?;
        let boot = &self.parts.boot;
        Ok(Order {
            node: self.node,
            org: self.org,
            attempt: if planted::is(Bug::AnotherKey) { u32::from_le_bytes(random::bytes()) } else { provision.attempt },
            location: provision.wish.location.clone(),
            machine_type: provision.wish.machine_type.clone(),
            image: provision.wish.image.clone(),
            boot: Boot { api_url: boot.api_url.clone(), agent_image: boot.agent_image.clone(), enrolment_token },
        })
    }

    pub(super) async fn create(&mut self, provision: &Provision) -> Option<Done> {
        let account = match self.paying(provision).await {
            Ok(account) => account,
            Err(done) => return done,
        };
        let order = match self.order(provision).await {
            Ok(order) => order,
            Err(done) => return Some(done),
        };
        let answer = Self::ask(&account, || account.provider.create(&order)).await;
        if matches!(&answer, Err(fault) if fault.happened == Happened::Unknown) {
            self.asked.note_unanswered();
        }
        match answer {
            Ok(begun) => {
                self.asked.note_ordered();
                let command = ProvisionCommand::NoteOrdered {
                    attempt: provision.attempt,
                    reference: begun.machine.reference,
                    operation: begun.operation.map(|operation| operation.0),
                    found: begun.found,
                };
                self.tell(provision.correlation, command).await
            }
            Err(fault) if fault.kind == FaultKind::NameTaken => self.clear_the_name(provision, &account, fault).await,
            Err(fault) => self.after_fault(provision, fault).await,
        }
    }

    /// The name may be taken by a machine of ours from an attempt that was given up, or that came to be late: that one goes.
    async fn clear_the_name(&mut self, provision: &Provision, account: &Account, fault: Fault) -> Option<Done> {
        let found = match Self::ask(account, || account.provider.find(self.node)).await {
            Ok(found) => found,
            Err(other) => return self.after_fault(provision, other).await,
        };
        let ours: Vec<Resource> = found.into_iter().filter(|found| found.attempt != Some(provision.attempt)).collect();
        if ours.is_empty() {
            return self.after_fault(provision, fault).await;
        }
        for leftover in &ours {
            if let Err(other) = Self::ask(account, || account.provider.delete(leftover)).await {
                return self.after_fault(provision, other).await;
            }
        }
        Some(Done::again(&fault))
    }

    /// The operation tells why a machine did not come to be; the machine itself would only be missing.
    pub(super) async fn follow(&mut self, provision: &Provision, operation: Option<&str>) -> Option<Done> {
        let account = match self.paying(provision).await {
            Ok(account) => account,
            Err(done) => return done,
        };
        if let Some(operation) = operation {
            let operation = Operation(operation.to_owned());
            match Self::ask(&account, || account.provider.progress(&operation)).await {
                Ok(Progress::Running) => return Some(Done::UnderWay),
                Ok(Progress::Done | Progress::Forgotten) => {}
                Ok(Progress::Failed(fault)) => return self.fail(provision, of_fault(&fault), false).await,
                Err(fault) => return self.after_fault(provision, fault).await,
            }
        }
        let found = match Self::ask(&account, || account.provider.find(self.node)).await {
            Ok(found) => found,
            Err(fault) => return self.after_fault(provision, fault).await,
        };
        let own = |found: &Resource| found.kind == ResourceKind::Machine && found.attempt == Some(provision.attempt);
        match found.into_iter().find(own) {
            Some(machine) => {
                let (attempt, reference, address) = (provision.attempt, machine.reference, machine.address);
                self.tell(provision.correlation, ProvisionCommand::NoteCreated { attempt, reference, address }).await
            }
            None => {
                let message = "the provider has taken the order, and its list does not show the machine";
                let next_step = "Wait; when it does not come, look at the provider's own page, and retry.";
                Some(Done::Again(Box::new(ours(ProvisionErrorClass::Unknown, message, next_step)), 0))
            }
        }
    }
}
