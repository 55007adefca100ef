//! Sentences about a node's machine at a provider.

use super::node::{class, step};
use super::{Sentence, Told, Tone};
use crate::event::*;
use crate::names::Names;

fn plain(text: impl Into<String>) -> Sentence {
    Sentence::new(Tone::Plain, text)
}

fn price(price: Option<&MachinePrice>) -> String {
    price.map_or_else(String::new, |price| format!(", {} {} an hour", price.hourly, price.currency))
}

impl Told for NodeProvisionRequested {
    fn told(&self, names: &Names) -> Sentence {
        let MachineWish { provider, location, machine_type, image } = &self.wish;
        let credential = names.credential(self.credential);
        plain(format!(
            "attempt {}: a {machine_type} with {image} in {location} is asked for at {provider}, with credential {credential}",
            self.attempt
        ))
    }
}

impl Told for NodeCredentialVerified {
    fn told(&self, _: &Names) -> Sentence {
        let account = self.account.as_ref().map_or_else(String::new, |account| format!(" for {account}"));
        plain(format!("credential verified{account}"))
    }
}

impl Told for NodeMachineIntended {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("about to ask for the machine {}{}: from here on one may exist", self.name, price(self.price.as_ref())))
    }
}

impl Told for NodeMachineOrdered {
    fn told(&self, _: &Names) -> Sentence {
        let found = if self.found { "; an earlier call had made it" } else { "" };
        plain(format!("the provider took the order as {}{found}", self.reference))
    }
}

impl Told for NodeMachineCreated {
    fn told(&self, _: &Names) -> Sentence {
        let address = self.address.as_ref().map_or_else(String::new, |address| format!(" at {address}"));
        plain(format!("machine {} created{address}; it boots", self.reference))
    }
}

impl Told for NodeProgressReported {
    fn told(&self, _: &Names) -> Sentence {
        let detail = if self.detail.is_empty() { String::new() } else { format!(": {}", self.detail) };
        let tone = if self.stage == "failed" { Tone::Warning } else { Tone::Plain };
        Sentence::new(tone, format!("the machine says: {}{detail}", self.stage))
    }
}

impl Told for NodeEnrolled {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("the machine's agent traded its enrolment token, from {}", self.address))
    }
}

impl Told for NodeProvisioningFailed {
    fn told(&self, _: &Names) -> Sentence {
        let Self { attempt, failure, .. } = self;
        let made = match self.kept_until {
            Some(until) => format!("; its machine is kept until {until}, as it may still call"),
            None if self.nothing_made => String::new(),
            None => "; its machine is removed".to_owned(),
        };
        let text = format!(
            "attempt {attempt} failed at {}: {}; the provider said: {}{made}",
            step(self.step),
            class(failure.class),
            failure.message
        );
        Sentence::new(Tone::Failure, text)
    }
}

impl Told for NodeMachineRemovalIntended {
    fn told(&self, _: &Names) -> Sentence {
        let why = match self.reason {
            RemovalReason::AttemptFailed => "its attempt failed",
            RemovalReason::NeverCalled => "it was kept and has not called",
            RemovalReason::Retried => "another attempt takes its place",
            RemovalReason::NodeDeleted => "its node is being deleted",
        };
        plain(format!("the machine of attempt {} is to be removed: {why}", self.attempt))
    }
}

impl Told for NodeMachineRemoved {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("the provider no longer shows anything of attempt {}", self.attempt))
    }
}

impl Told for NodeMachineAbandoned {
    fn told(&self, _: &Names) -> Sentence {
        let why = match self.reason {
            AbandonReason::CredentialDeleted => "its credential was deleted by force",
            AbandonReason::DeletionForced => "its node's deletion was forced",
        };
        Sentence::new(
            Tone::Warning,
            format!("the machine {} was given up: {why}; it may run on and cost until somebody removes it there", self.name),
        )
    }
}
