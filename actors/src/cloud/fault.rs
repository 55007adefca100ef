//! What goes wrong at a provider: of which kind, in whose words, and whether the thing that was asked for may have happened.

use std::fmt;
use std::time::Duration;

use spunto_core::event::ProvisionErrorClass;

/// Longest text of a provider that is kept; the rest is cut.
pub const MESSAGE_CHARS_MAX: usize = 1_000;

/// A call whose fate is not known has had its effect so long after it was given up, or will never have it. Until then a list without
/// it proves nothing.
pub const ACTS_WITHIN: Duration = Duration::from_millis(spunto_core::plan::provision::SETTLE_MS);

/// Whether a call that failed has had its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Certainly not: ask again, or give up, without looking.
    No,
    /// Perhaps, or it comes yet (see [`ACTS_WITHIN`]): look, or make the same call again, before anything is concluded.
    Unknown,
}

/// What kind of fault, so that a program knows whether to go on and a person knows what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The credential is wrong, expired or revoked.
    CredentialDenied,
    /// The credential is right and lacks a permission.
    Forbidden,
    /// A quota of the account is used up.
    Quota,
    /// No such machine is free there.
    NoCapacity,
    /// The location is not known.
    BadLocation,
    /// The machine type is not known, or not offered at that location.
    BadMachineType,
    /// The image is not known, or not for this machine type.
    BadImage,
    /// Something else has the name: a machine of an earlier attempt, or somebody else's.
    NameTaken,
    /// Too many calls.
    RateLimited {
        /// When to call again, where the provider says so.
        retry_after: Option<Duration>,
    },
    /// The provider does not answer, or says that it can't just now.
    Unavailable,
    /// None of these; the message says what.
    Unknown,
}

/// A fault, always with the provider's own words where it had any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Of which kind.
    pub kind: FaultKind,
    /// Whether the call has had its effect.
    pub happened: Happened,
    /// Who failed, for people.
    pub provider: &'static str,
    /// The provider's code, or the HTTP status where it gave none; empty where nothing was answered.
    pub code: Box<str>,
    /// The provider's words, or ours where it said nothing that can be read.
    pub message: Box<str>,
    /// What the provider's support asks for.
    pub request_id: Option<Box<str>>,
    /// What to do next, in a sentence.
    pub next_step: Box<str>,
    /// Where else it could be had, as the provider says; never chosen silently.
    pub alternatives: Box<[String]>,
}

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.provider, self.message)?;
        match (&*self.code, &self.request_id) {
            ("", None) => Ok(()),
            ("", Some(request)) => write!(f, " (request {request})"),
            (code, None) => write!(f, " ({code})"),
            (code, Some(request)) => write!(f, " ({code}, request {request})"),
        }
    }
}

impl Fault {
    /// A fault in these words; the text is cut and cleaned.
    #[must_use]
    pub fn new(provider: &'static str, kind: FaultKind, happened: Happened, code: impl Into<Box<str>>, message: &str) -> Self {
        let next_step = usual_step(&kind).into();
        let message = clean(message);
        let message = if message.is_empty() { "the provider gave no reason".into() } else { message.into() };
        Self { kind, happened, provider, code: code.into(), message, request_id: None, next_step, alternatives: Box::default() }
    }

    /// With another next step.
    #[must_use]
    pub fn with_step(mut self, next_step: impl Into<Box<str>>) -> Self {
        self.next_step = next_step.into();
        self
    }

    /// With the request's id.
    #[must_use]
    pub fn with_request(mut self, request_id: Option<String>) -> Self {
        self.request_id = request_id.map(|id| clean(&id).into());
        self
    }

    /// With places where it could be had.
    #[must_use]
    pub fn with_alternatives(mut self, alternatives: Vec<String>) -> Self {
        self.alternatives = alternatives.into();
        self
    }

    /// As a call that had no effect, whatever it was: what failed came before the effect.
    #[must_use]
    pub const fn before_the_effect(mut self) -> Self {
        self.happened = Happened::No;
        self
    }

    /// Whether the same call may succeed later without anybody doing anything. Capacity is not counted: waiting for it is
    /// something to be decided.
    #[must_use]
    pub const fn passes(&self) -> bool {
        matches!(self.kind, FaultKind::RateLimited { .. } | FaultKind::Unavailable)
    }

    /// The class that goes into the log.
    #[must_use]
    pub const fn class(&self) -> ProvisionErrorClass {
        match self.kind {
            FaultKind::CredentialDenied => ProvisionErrorClass::Denied,
            FaultKind::Forbidden => ProvisionErrorClass::Forbidden,
            FaultKind::Quota => ProvisionErrorClass::Quota,
            FaultKind::NoCapacity => ProvisionErrorClass::NoCapacity,
            FaultKind::BadLocation | FaultKind::BadMachineType | FaultKind::BadImage => ProvisionErrorClass::BadInput,
            FaultKind::NameTaken => ProvisionErrorClass::NameTaken,
            FaultKind::RateLimited { .. } => ProvisionErrorClass::RateLimited,
            FaultKind::Unavailable => ProvisionErrorClass::Unavailable,
            FaultKind::Unknown => ProvisionErrorClass::Unknown,
        }
    }
}

const fn usual_step(kind: &FaultKind) -> &'static str {
    match kind {
        FaultKind::CredentialDenied => "Add a new credential and retry with it.",
        FaultKind::Forbidden => "Give the credential the permission that is named, then retry.",
        FaultKind::Quota => "Delete what is no longer needed or ask the provider for a higher limit, then retry.",
        FaultKind::NoCapacity => "Retry later, or choose another location or machine type.",
        FaultKind::BadLocation => "Choose another location.",
        FaultKind::BadMachineType => "Choose another machine type, or another location for it.",
        FaultKind::BadImage => "Choose another image.",
        FaultKind::NameTaken => "Delete what has the name, then retry.",
        FaultKind::RateLimited { .. } => "Wait until the provider takes calls again; other tools in the same account count too.",
        FaultKind::Unavailable => "Retry later; the provider's status page may say more.",
        FaultKind::Unknown => "Read the provider's message; if it does not help, its support can look the request up.",
    }
}

/// One line without control characters, not longer than is kept.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::new();
    for (place, word) in text.split(|char: char| char.is_control() || char.is_whitespace()).filter(|word| !word.is_empty()).enumerate() {
        if place > 0 {
            clean.push(' ');
        }
        clean.push_str(word);
        if clean.len() > MESSAGE_CHARS_MAX * 4 {
            break;
        }
    }
    if clean.chars().count() > MESSAGE_CHARS_MAX {
        clean = clean.chars().take(MESSAGE_CHARS_MAX).chain(['…']).collect();
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_reads_as_a_sentence_and_is_never_long_or_empty() {
        let long = "ä ".repeat(10_000);
        let fault = Fault::new("Hetzner Cloud", FaultKind::Quota, Happened::No, "resource_limit_exceeded", "server\n limit\u{7} exceeded");
        let told = fault.with_request(Some("a1b2".into())).to_string();
        assert_eq!(told, "Hetzner Cloud: server limit exceeded (resource_limit_exceeded, request a1b2)");
        assert_eq!(clean(&long).chars().count(), MESSAGE_CHARS_MAX + 1);
        let silent = Fault::new("Google Cloud", FaultKind::Unknown, Happened::Unknown, "", " \n");
        assert_eq!(silent.to_string(), "Google Cloud: the provider gave no reason");
    }
}
