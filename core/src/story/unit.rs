//! Sentences about workers, deployments and services.

use super::{Sentence, Told, Tone};
use crate::event::*;
use crate::id::NodeId;
use crate::names::Names;
use crate::place::{Decider, Receipt};

fn plain(text: impl Into<String>) -> Sentence {
    Sentence::new(Tone::Plain, text)
}

/// A step of an order, as something that is done.
#[must_use]
pub(super) const fn step(step: UnitStep) -> &'static str {
    match step {
        UnitStep::PullImage => "getting the image",
        UnitStep::CreateNetwork => "making the network",
        UnitStep::CreateContainer => "making the container",
        UnitStep::StartContainer => "starting the container",
        UnitStep::StopContainer => "stopping the container",
        UnitStep::Remove => "removing the container or its network",
    }
}

fn placed(node: NodeId, receipt: &Receipt, names: &Names) -> String {
    let load = receipt.chosen.load;
    let why = match receipt.decided_by {
        Decider::OnlyCandidate if receipt.node_requested => "it was asked for by name".to_owned(),
        Decider::OnlyCandidate => "no other node could take it".to_owned(),
        Decider::Load => format!("the least loaded, with {load}"),
        Decider::PlacedLongestAgo => format!("load {load} like others, and placed on longest ago"),
        Decider::Id => format!("load {load} like others; the smaller id decided"),
    };
    format!("placed on {} ({why})", names.node(node))
}

fn started(run: &Started) -> Sentence {
    let container: String = run.container.chars().take(12).collect();
    Sentence::new(Tone::Good, format!("runs, as container {container}"))
}

fn failed(run: &Failed) -> Sentence {
    Sentence::new(Tone::Failure, format!("failed at {}; Docker said: {}", step(run.step), run.message))
}

fn exited(run: &Exited) -> Sentence {
    let said = if run.message.is_empty() { String::new() } else { format!("; Docker said: {}", run.message) };
    if run.oom_killed {
        return Sentence::new(Tone::Failure, format!("ended by the kernel for want of memory (code {}){said}", run.code));
    }
    let tone = if run.code == 0 { Tone::Plain } else { Tone::Failure };
    Sentence::new(tone, format!("ended by itself with code {}{said}", run.code))
}

fn restarting(run: &Restarting) -> Sentence {
    let Restarting { code, restarts } = run;
    Sentence::new(Tone::Warning, format!("ended with code {code}; Docker starts it again ({restarts} times so far)"))
}

fn lost(run: &Lost) -> Sentence {
    Sentence::new(Tone::Failure, format!("lost: {}", run.reason))
}

fn gone(unheard: bool) -> Sentence {
    if unheard {
        Sentence::new(Tone::Warning, "deleted without hearing from its node; a container left there is removed when the node is back")
    } else {
        plain("deleted, container and all")
    }
}

/// The same about a service, by its name.
fn of_service(service: crate::id::ServiceId, names: &Names, sentence: Sentence) -> Sentence {
    Sentence { text: format!("service {} {}", names.service(service), sentence.text), ..sentence }
}

impl Told for WorkerCreated {
    fn told(&self, names: &Names) -> Sentence {
        plain(format!("created from image {} and {}", self.spec.image, placed(self.node, &self.receipt, names)))
    }
}

impl Told for WorkerStarted {
    fn told(&self, _: &Names) -> Sentence {
        started(&self.run)
    }
}

impl Told for WorkerFailed {
    fn told(&self, _: &Names) -> Sentence {
        failed(&self.run)
    }
}

impl Told for WorkerExited {
    fn told(&self, _: &Names) -> Sentence {
        exited(&self.run)
    }
}

impl Told for WorkerRestarting {
    fn told(&self, _: &Names) -> Sentence {
        restarting(&self.run)
    }
}

impl Told for WorkerStopRequested {
    fn told(&self, _: &Names) -> Sentence {
        plain("ordered to stop")
    }
}

impl Told for WorkerStopped {
    fn told(&self, _: &Names) -> Sentence {
        plain("stands still, as ordered")
    }
}

impl Told for WorkerStartRequested {
    fn told(&self, _: &Names) -> Sentence {
        plain("ordered to start again")
    }
}

impl Told for WorkerDeleteRequested {
    fn told(&self, _: &Names) -> Sentence {
        plain("ordered to be removed")
    }
}

impl Told for WorkerDeleted {
    fn told(&self, _: &Names) -> Sentence {
        gone(self.unheard)
    }
}

impl Told for WorkerLost {
    fn told(&self, _: &Names) -> Sentence {
        lost(&self.run)
    }
}

impl Told for DeploymentCreated {
    fn told(&self, names: &Names) -> Sentence {
        let services: Vec<&str> = self.services.iter().map(|plan| plan.name.as_str()).collect();
        let placed = placed(self.node, &self.receipt, names);
        plain(format!("created with {} and {placed}", services.join(", ")))
    }
}

impl Told for DeploymentStopRequested {
    fn told(&self, _: &Names) -> Sentence {
        plain("ordered to stop")
    }
}

impl Told for DeploymentStartRequested {
    fn told(&self, _: &Names) -> Sentence {
        plain("ordered to start again")
    }
}

impl Told for DeploymentDeleteRequested {
    fn told(&self, _: &Names) -> Sentence {
        plain("ordered to be removed")
    }
}

impl Told for DeploymentDeleted {
    fn told(&self, _: &Names) -> Sentence {
        gone(self.unheard)
    }
}

impl Told for ServiceStarted {
    fn told(&self, names: &Names) -> Sentence {
        of_service(self.service, names, started(&self.run))
    }
}

impl Told for ServiceFailed {
    fn told(&self, names: &Names) -> Sentence {
        of_service(self.service, names, failed(&self.run))
    }
}

impl Told for ServiceExited {
    fn told(&self, names: &Names) -> Sentence {
        of_service(self.service, names, exited(&self.run))
    }
}

impl Told for ServiceRestarting {
    fn told(&self, names: &Names) -> Sentence {
        of_service(self.service, names, restarting(&self.run))
    }
}

impl Told for ServiceStopped {
    fn told(&self, names: &Names) -> Sentence {
        of_service(self.service, names, plain("stands still, as ordered"))
    }
}

impl Told for ServiceRemoved {
    fn told(&self, names: &Names) -> Sentence {
        of_service(self.service, names, plain("is removed, as ordered"))
    }
}

impl Told for ServiceLost {
    fn told(&self, names: &Names) -> Sentence {
        of_service(self.service, names, lost(&self.run))
    }
}
