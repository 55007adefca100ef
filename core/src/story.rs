//! A life in plain sentences: what happened, when, who caused it, how long it took, what failed, what to do next.
//!
//! Pure: the command line, the API and the page tell the same story because they tell it with this. Every kind of event has
//! its sentence in one of the files beside this one; a new kind does not compile without one.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::event::*;
use crate::id::ServiceId;
use crate::names::Names;
use crate::record::{Record, StreamId};
use crate::stats::{Step, Took};
use crate::time::Timestamp;

mod account;
mod advice;
mod attempt;
mod credential;
mod node;
mod provision;
mod unit;

pub use advice::{deployment_advice, node_advice, node_stands, unit_advice, unit_stands};
pub use attempt::{Attempt, FailedStep};

/// How an event is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "StoryTone")]
pub enum Tone {
    /// As it goes.
    Plain,
    /// Something works (again).
    Good,
    /// Worth a look.
    Warning,
    /// Something failed.
    Failure,
}

/// One event in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sentence {
    /// The words, without time and author; no full stop.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

impl Sentence {
    fn new(tone: Tone, text: impl Into<String>) -> Self {
        Self { text: text.into(), tone }
    }
}

macro_rules! define_telling {
    ($($number:literal $name:literal $variant:ident;)*) => {
        /// What happened, in a sentence.
        #[must_use]
        pub fn sentence(event: &Event, names: &Names) -> Sentence {
            match event { $(Event::$variant(payload) => payload.told(names),)* }
        }
    };
}

crate::for_each_event!(define_telling);

/// How long a step usually takes, from the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usual {
    /// Half of all took no longer.
    pub p50_ms: u64,
    /// 95 of 100 took no longer.
    pub p95_ms: u64,
}

/// One event of a story.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// Place in the log.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Since the line before; none for the first.
    pub gap_ms: Option<u64>,
    /// Name of the kind.
    pub kind: &'static str,
    /// Whose history it belongs to.
    pub stream: StreamId,
    /// The same by name, such as `node web-1`.
    pub about: String,
    /// Who caused it, for people.
    pub actor: String,
    /// The same by id.
    pub by: String,
    /// Sequence of the event that led to it; none when a request or a report did.
    pub causation: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub sentence: Sentence,
    /// The step that it ended, and how long that took.
    pub took: Option<Took>,
    /// How long that step usually takes.
    pub usual: Option<Usual>,
}

/// A story.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Story {
    /// Whose.
    pub subject: StreamId,
    /// What happened, oldest first.
    pub lines: Vec<Line>,
    /// The last failure of the subject itself that was not made good, as an index into `lines`.
    pub failed: Option<usize>,
    /// The same set apart, where it is a machine that could not be made.
    pub failure: Option<FailedStep>,
    /// Attempts to make the machine of a node, oldest first.
    pub attempts: Vec<Attempt>,
    /// Failures that were not made good: of the subject, or of one of its services.
    #[serde(skip)]
    open: BTreeMap<Option<ServiceId>, usize>,
}

/// The service that an event tells of, where it tells of one alone.
const fn service_of(event: &Event) -> Option<ServiceId> {
    match event {
        Event::ServiceStarted(e) => Some(e.service),
        Event::ServiceFailed(e) => Some(e.service),
        Event::ServiceExited(e) => Some(e.service),
        Event::ServiceLost(e) => Some(e.service),
        _ => None,
    }
}

/// What every payload can do: say in a sentence what happened.
trait Told {
    fn told(&self, names: &Names) -> Sentence;
}

impl Story {
    /// A story that nothing was told of yet.
    #[must_use]
    pub const fn of(subject: StreamId) -> Self {
        Self { subject, lines: Vec::new(), failed: None, failure: None, attempts: Vec::new(), open: BTreeMap::new() }
    }

    /// Tells one event more. `took` is the step that it ended.
    pub fn tell(&mut self, record: &Record, names: &Names, took: Option<Took>) {
        let sentence = sentence(&record.event, names);
        if record.stream == self.subject {
            match sentence.tone {
                Tone::Failure => drop(self.open.insert(service_of(&record.event), self.lines.len())),
                Tone::Good => drop(self.open.remove(&service_of(&record.event))),
                Tone::Plain | Tone::Warning => {}
            }
            self.failed = self.open.values().max().copied();
            Attempt::note(&mut self.attempts, record);
        }
        self.lines.push(Line {
            seq: record.seq,
            at: record.at,
            gap_ms: self.lines.last().map(|line| record.at.ms_since(line.at)),
            kind: record.event.name(),
            stream: record.stream,
            about: names.stream(record.stream),
            actor: names.actor(record.actor),
            by: record.actor.to_string(),
            causation: (record.causation > 0).then_some(record.causation),
            sentence,
            took,
            usual: None,
        });
        let failed = self.failed.and_then(|place| self.lines.get(place)).map(|line| line.seq);
        let standing = |attempt: &Attempt| attempt.failure.clone().filter(|failure| Some(failure.seq) == failed);
        self.failure = self.attempts.iter().rev().find_map(standing);
    }

    /// Forgets the oldest lines but `most`; says how many. Attempts stay.
    pub fn shorten(&mut self, most: usize) -> usize {
        let surplus = self.lines.len().saturating_sub(most);
        self.lines.drain(..surplus);
        self.failed = self.failed.and_then(|place| place.checked_sub(surplus));
        self.open.retain(|_, place| *place >= surplus);
        self.open.values_mut().for_each(|place| *place -= surplus);
        surplus
    }

    /// Puts beside each step how long it usually takes.
    pub fn compare(&mut self, usual: impl Fn(&Step, &str) -> Option<Usual>) {
        for line in &mut self.lines {
            line.usual = line.took.as_ref().and_then(|took| usual(&took.step, &took.place));
        }
    }
}

/// A duration for people, in at most two units: `850 ms`, `41 s`, `2 min 10 s`, `3 h 5 min`, `12 d 4 h`.
#[must_use]
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0 => format!("{ms} ms"),
        1..10 => format!("{seconds}.{} s", ms % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..86_400 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 { format!("{large} {large_unit}") } else { format!("{large} {large_unit} {small} {small_unit}") }
}

#[cfg(test)]
pub(crate) mod tests;
