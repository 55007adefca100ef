//! The attempts to make a node's machine, and the step at which one failed, set apart from the sentences: for programs, and for a page
//! that answers "why did this fail?".

use serde::Serialize;

use crate::event::{Event, NodeProvisioningFailed, ProvisionErrorClass, ProvisionStep};
use crate::record::Record;
use crate::time::Timestamp;

/// A step that failed: where, of what kind, and in whose words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailedStep {
    /// Place in the log.
    pub seq: u64,
    /// When it failed.
    pub at: Timestamp,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The step that was reached.
    pub step: ProvisionStep,
    /// What kind of failure.
    pub class: ProvisionErrorClass,
    /// The provider's own words.
    pub message: String,
    /// The provider's own code; empty when it gave none.
    pub code: String,
    /// The provider's number of the request, for its support.
    pub request_id: Option<String>,
    /// What to do next.
    pub next_step: String,
    /// From the request for a machine to the failure.
    pub took_ms: u64,
}

/// An attempt to make a node's machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Which, from 1.
    pub attempt: u32,
    /// Place of its request in the log.
    pub seq: u64,
    /// When it was asked for.
    pub at: Timestamp,
    /// When its agent was first online; none where it never was.
    pub online_at: Option<Timestamp>,
    /// How it failed; none where it did not. A machine that calls late may be online all the same.
    pub failure: Option<FailedStep>,
}

impl Attempt {
    /// Takes in what an event tells of a node's attempts.
    pub(super) fn note(attempts: &mut Vec<Self>, record: &Record) {
        match &record.event {
            Event::NodeProvisionRequested(e) => {
                attempts.push(Self { attempt: e.attempt, seq: record.seq, at: record.at, online_at: None, failure: None });
            }
            Event::NodeProvisioningFailed(e) => {
                if let Some(attempt) = attempts.iter_mut().rev().find(|attempt| attempt.attempt == e.attempt) {
                    attempt.failure = Some(FailedStep::new(e, record, attempt.at));
                }
            }
            Event::NodeOnline(_) => {
                if let Some(attempt) = attempts.last_mut() {
                    attempt.online_at.get_or_insert(record.at);
                }
            }
            _ => {}
        }
    }
}

impl FailedStep {
    fn new(event: &NodeProvisioningFailed, record: &Record, begun: Timestamp) -> Self {
        let failure = event.failure.clone();
        Self {
            seq: record.seq,
            at: record.at,
            attempt: event.attempt,
            step: event.step,
            class: failure.class,
            message: failure.message,
            code: failure.code,
            request_id: failure.request_id,
            next_step: failure.next_step,
            took_ms: record.at.ms_since(begun),
        }
    }
}
