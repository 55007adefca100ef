//! Sentences about nodes.

use super::{Sentence, Told, Tone};
use crate::event::*;
use crate::names::Names;

fn plain(text: impl Into<String>) -> Sentence {
    Sentence::new(Tone::Plain, text)
}

fn warning(text: impl Into<String>) -> Sentence {
    Sentence::new(Tone::Warning, text)
}

/// `: reason`, or nothing when none was given.
fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}

/// A step of provisioning, as something that is done.
#[must_use]
pub(super) const fn step(step: ProvisionStep) -> &'static str {
    match step {
        ProvisionStep::VerifyCredential => "verifying the credential",
        ProvisionStep::CreateMachine => "creating the machine",
        ProvisionStep::AwaitHandshake => "waiting for the agent's first call",
    }
}

/// What a class of failure means.
#[must_use]
pub(super) const fn class(class: ProvisionErrorClass) -> &'static str {
    match class {
        ProvisionErrorClass::Denied => "the credential is wrong or expired",
        ProvisionErrorClass::Forbidden => "the credential lacks a permission",
        ProvisionErrorClass::Quota => "a quota of the account is used up",
        ProvisionErrorClass::NoCapacity => "the provider has no such machine free there",
        ProvisionErrorClass::BadInput => "location, type or image is not known to the provider",
        ProvisionErrorClass::NameTaken => "the name is in use at the provider",
        ProvisionErrorClass::RateLimited => "too many calls to the provider",
        ProvisionErrorClass::Unavailable => "the provider is down",
        ProvisionErrorClass::NoHandshake => "the machine did not call back in time",
        ProvisionErrorClass::Unknown => "an error of no known class",
        ProvisionErrorClass::BootFailed => "the machine said itself that its setup failed",
    }
}

impl Told for NodeCreated {
    fn told(&self, _: &Names) -> Sentence {
        plain(match self.provider {
            Provider::Manual => "created; its docker command was shown, nothing has connected yet",
            Provider::Cloud => "created; a machine at a provider is to become it",
        })
    }
}

impl Told for NodeOnline {
    fn told(&self, _: &Names) -> Sentence {
        let Self { epoch, agent_version, address, .. } = self;
        let which = if *epoch == 1 { "for the first time".to_owned() } else { format!("again (session {epoch})") };
        Sentence::new(Tone::Good, format!("the agent connected {which} from {address}, version {agent_version}: online"))
    }
}

impl Told for NodeDraining {
    fn told(&self, _: &Names) -> Sentence {
        warning(format!("draining: nothing new is placed here until the agent reconnects{}", because(&self.reason)))
    }
}

impl Told for NodeTokenRotated {
    fn told(&self, _: &Names) -> Sentence {
        warning(format!("token rotated to version {}: the old one is refused from here on", self.token_version))
    }
}

impl Told for NodeOffline {
    fn told(&self, _: &Names) -> Sentence {
        let why = match self.reason {
            OfflineReason::ConnectionClosed => "its connection was closed",
            OfflineReason::NoAnswer => "it answered no ping for 8 s",
            OfflineReason::TokenRotated => "its token was rotated",
            OfflineReason::AgentStopped => return warning("offline: its agent was stopped and said goodbye"),
            OfflineReason::ProtocolError => "its agent broke the protocol or read too slowly",
            OfflineReason::ServerRestarted => "the server started again and the agent did not come back in time",
        };
        match self.reason {
            OfflineReason::TokenRotated => warning(format!("offline: {why}")),
            _ => Sentence::new(Tone::Failure, format!("offline: {why}")),
        }
    }
}

impl Told for NodeUndrained {
    fn told(&self, _: &Names) -> Sentence {
        plain("the drain was ended by hand")
    }
}

impl Told for NodeMaintenanceStarted {
    fn told(&self, _: &Names) -> Sentence {
        warning(format!("in maintenance: nothing new is placed here{}", because(&self.reason)))
    }
}

impl Told for NodeMaintenanceEnded {
    fn told(&self, _: &Names) -> Sentence {
        plain("maintenance ended")
    }
}

impl Told for NodeRenamed {
    fn told(&self, _: &Names) -> Sentence {
        plain(format!("renamed to \"{}\"", self.name))
    }
}

impl Told for NodeLabelsChanged {
    fn told(&self, _: &Names) -> Sentence {
        let labels: Vec<String> = self.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        plain(if labels.is_empty() { "all labels removed".to_owned() } else { format!("labels are now {}", labels.join(", ")) })
    }
}

impl Told for NodeConnectionRefused {
    fn told(&self, _: &Names) -> Sentence {
        let why = match self.reason {
            ConnectionRefusal::TokenRotated => "its token is an earlier one",
            ConnectionRefusal::WrongToken => "its token is not this node's",
            ConnectionRefusal::AlreadyConnected => "another agent with this token is connected and answers",
            ConnectionRefusal::UnsupportedProtocol => "it speaks no protocol that this server speaks",
            ConnectionRefusal::WrongEnrolment => "its enrolment token is not this attempt's",
            ConnectionRefusal::EnrolmentUsed => "its enrolment token was traded by another installation, or is no longer needed",
            ConnectionRefusal::EnrolmentExpired => "its enrolment token's time is over",
            ConnectionRefusal::MachineRemoved => "its machine is being removed at its provider",
        };
        let times = if self.count == 1 { String::new() } else { format!(" ({} times)", self.count) };
        warning(format!("an agent from {} was refused{times}: {why}", self.address))
    }
}

impl Told for NodeDeletionStarted {
    fn told(&self, _: &Names) -> Sentence {
        plain(if self.forced { "being taken down, its workers with it" } else { "being taken down" })
    }
}

impl Told for NodeDeleted {
    fn told(&self, _: &Names) -> Sentence {
        plain("deleted, with every credential of it")
    }
}

impl Told for NodeIsolationProbed {
    fn told(&self, _: &Names) -> Sentence {
        match &self.isolation {
            Isolation::Isolated => plain("probed: its workers reach nothing they must not"),
            Isolation::Reachable { destinations } => {
                warning(format!("probed: its workers reach what they must not: {}", destinations.join(", ")))
            }
            Isolation::NotProbed { reason } => warning(format!("its workers' isolation could not be probed: {reason}")),
        }
    }
}

impl Told for NodeOrphanFound {
    fn told(&self, _: &Names) -> Sentence {
        warning(format!("a container that belongs to nothing known was found and is removed: {} ({})", self.container, self.unit))
    }
}

impl Told for NodeContainersKept {
    fn told(&self, _: &Names) -> Sentence {
        if self.containers.is_empty() {
            return plain("its containers were compared with the restored log".to_owned());
        }
        warning(format!("containers that the restored log does not know stay: {}", self.containers.join(", ")))
    }
}
