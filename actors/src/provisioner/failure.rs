//! Faults of providers as failures in the log, and the failures that are ours to word.

use spunto_core::event::{ProvisionErrorClass, ProvisionFailure, ProvisionStep};
use spunto_core::plan::provision::{ASKED_PAUSE_MS_MAX, within_ms};
use spunto_core::state::Provision;

use super::accounts::AccountError;
use crate::cloud::{Fault, FaultKind};

/// Most places that a failure names where it could be had.
const ALTERNATIVES_MAX: usize = 20;

/// A fault in the provider's words.
pub(super) fn of_fault(fault: &Fault) -> ProvisionFailure {
    ProvisionFailure {
        class: fault.class(),
        message: fault.message.to_string(),
        code: fault.code.to_string(),
        request_id: fault.request_id.as_deref().map(str::to_owned),
        next_step: fault.next_step.to_string(),
        alternatives: fault.alternatives.iter().take(ALTERNATIVES_MAX).cloned().collect(),
    }
}

/// A failure in our words.
pub(super) fn ours(class: ProvisionErrorClass, message: impl Into<String>, next_step: impl Into<String>) -> ProvisionFailure {
    let (message, next_step) = (message.into(), next_step.into());
    ProvisionFailure { class, message, code: String::new(), request_id: None, next_step, alternatives: Vec::new() }
}

/// Why there is no account to ask, and whether asking again may help.
pub(super) fn of_account(error: &AccountError) -> (ProvisionFailure, bool) {
    match error {
        AccountError::Fault(fault) => (of_fault(fault), fault.passes()),
        AccountError::Gone => (ours(ProvisionErrorClass::Denied, error.to_string(), "Add a credential and retry with it."), false),
        AccountError::UnknownProvider(_) => (ours(ProvisionErrorClass::Unknown, error.to_string(), "Choose another provider."), false),
        // The vault's disk may come back.
        AccountError::Secrets(_) => {
            let next_step = "Put another secret into the credential, or restore the vault from a backup.";
            (ours(ProvisionErrorClass::Unknown, error.to_string(), next_step), true)
        }
    }
}

/// How long the provider asks to be left alone, in milliseconds; 0 where it does not.
pub(super) fn asked_pause_ms(fault: &Fault) -> u64 {
    match fault.kind {
        FaultKind::RateLimited { retry_after: Some(wait) } => u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min(ASKED_PAUSE_MS_MAX),
        _ => 0,
    }
}

/// The step's time is over: with what was in the way last, where something was.
pub(super) fn too_late(provision: &Provision, last: Option<ProvisionFailure>) -> ProvisionFailure {
    let minutes = within_ms(provision.step()) / 60_000;
    match provision.step() {
        ProvisionStep::AwaitHandshake => {
            let heard = provision.stages.last().map_or_else(
                || "it has reported nothing: it may not reach this control plane".to_owned(),
                |last| format!("the last it reported was \"{}\"", last.stage),
            );
            let next_step = "Look whether the machine can reach the control plane's address; a late call still counts while it is kept.";
            ours(ProvisionErrorClass::NoHandshake, format!("the agent did not call within {minutes} min; {heard}"), next_step)
        }
        step => last.unwrap_or_else(|| {
            let what = if step == ProvisionStep::VerifyCredential { "accept the credential" } else { "make the machine" };
            let message = format!("the provider did not {what} within {minutes} min");
            ours(ProvisionErrorClass::Unavailable, message, "Retry later; the provider's status page may say more.")
        }),
    }
}
