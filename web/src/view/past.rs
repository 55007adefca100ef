//! The past as clients see it: the moment that something is shown as of, and a node's story.

use schemars::JsonSchema;
use serde::Serialize;
use spunto_actors::past::{NodeStory, Then};
use spunto_core::event::{ProvisionErrorClass, ProvisionStep};
use spunto_core::id::NodeId;
use spunto_core::record::Position;
use spunto_core::stats::{Step, Took};
use spunto_core::story::{Attempt, FailedStep, Line, Tone, Usual};
use spunto_core::time::Timestamp;

/// A moment of the past.
#[derive(Clone, Serialize, JsonSchema)]
pub struct AsOf {
    /// Where the log stood; pass it as `as_of` to read more of the same moment.
    position: String,
    /// The time that was asked for; of a position, when the last of the events happened that the answer is made of.
    at: Timestamp,
}

impl AsOf {
    /// Of what was folded.
    #[must_use]
    pub fn new(then: &Then) -> Self {
        Self { position: then.position.to_string(), at: then.at }
    }
}

/// A step that an event ended.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoryTook")]
struct TookView {
    step: Step,
    /// The step in words.
    words: &'static str,
    /// Provider and place.
    place: String,
    ms: u64,
}

/// How long the step usually takes in that place.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoryUsual")]
struct UsualView {
    /// Half took no longer.
    p50_ms: u64,
    /// 95 of 100 took no longer.
    p95_ms: u64,
}

/// An event in words.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoryLine")]
struct LineView {
    position: String,
    at: Timestamp,
    /// Since the line before; none for the first.
    gap_ms: Option<u64>,
    /// Name of the event's kind.
    kind: &'static str,
    /// Who caused it, by id: a person, a key, a node, `system` or `operator`.
    actor: String,
    /// The same in words, such as `API key ci`; people by id.
    who: String,
    /// Position of the event that led to it; none when a request or a report did.
    causation: Option<String>,
    /// What happened, in a sentence.
    text: String,
    tone: Tone,
    /// The step that it ended, and how long that took.
    took: Option<TookView>,
    /// None before the step ended three times there.
    usual: Option<UsualView>,
}

/// A step that failed, set apart.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoryFailure")]
struct FailureView {
    position: String,
    at: Timestamp,
    /// Which attempt, from 1.
    attempt: u32,
    /// The step that was reached.
    step: ProvisionStep,
    class: ProvisionErrorClass,
    /// The provider's own words.
    message: String,
    /// The provider's own code; empty when it gave none.
    code: String,
    /// The provider's number of the request, for its support.
    request_id: Option<String>,
    /// What to do next.
    next_step: String,
    /// From the request for a machine to the failure.
    took_ms: u64,
}

/// An attempt to make the node's machine.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "StoryAttempt")]
struct AttemptView {
    /// Which, from 1.
    attempt: u32,
    /// Position of its request.
    position: String,
    at: Timestamp,
    /// When its agent was first online; none where it never was.
    online_at: Option<Timestamp>,
    /// How it failed; none where it did not.
    failure: Option<FailureView>,
}

/// A node's life in plain sentences: what happened, when, who caused it, how long it took, what failed, what to do next.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NodeStory")]
pub struct StoryView {
    node: NodeId,
    /// What it is, or was, called.
    name: String,
    /// Where it stands now.
    stands: String,
    /// The step to take next; none when there is nothing to do.
    next: Option<String>,
    /// What happened, oldest first.
    lines: Vec<LineView>,
    /// Older lines that are left out; the node's events have them all.
    omitted: usize,
    /// The last failure that was not made good, as an index into `lines`.
    failed: Option<usize>,
    /// The same set apart, where it is a machine that could not be made.
    failure: Option<FailureView>,
    /// Attempts to make its machine, oldest first; none of a node that somebody runs a command for.
    attempts: Vec<AttemptView>,
}

impl StoryView {
    /// Of this story; `at` gives an event's position.
    #[must_use]
    pub fn new(node: NodeId, told: NodeStory, at: impl Fn(u64) -> Position) -> Self {
        let place = |seq: u64| at(seq).to_string();
        let NodeStory { name, stands, next, story, omitted } = told;
        Self {
            node,
            name,
            stands,
            next,
            lines: story.lines.into_iter().map(|line| LineView::new(line, &place)).collect(),
            omitted,
            failed: story.failed,
            failure: story.failure.map(|failure| FailureView::new(failure, &place)),
            attempts: story.attempts.into_iter().map(|attempt| AttemptView::new(attempt, &place)).collect(),
        }
    }
}

impl LineView {
    fn new(line: Line, place: &impl Fn(u64) -> String) -> Self {
        let took = |Took { step, place, ms }| TookView { step, words: step.words(), place, ms };
        Self {
            position: place(line.seq),
            at: line.at,
            gap_ms: line.gap_ms,
            kind: line.kind,
            actor: line.by,
            who: line.actor,
            causation: line.causation.map(place),
            text: line.sentence.text,
            tone: line.sentence.tone,
            took: line.took.map(took),
            usual: line.usual.map(|Usual { p50_ms, p95_ms }| UsualView { p50_ms, p95_ms }),
        }
    }
}

impl FailureView {
    fn new(failure: FailedStep, place: &impl Fn(u64) -> String) -> Self {
        let FailedStep { seq, at, attempt, step, class, message, code, request_id, next_step, took_ms } = failure;
        Self { position: place(seq), at, attempt, step, class, message, code, request_id, next_step, took_ms }
    }
}

impl AttemptView {
    fn new(attempt: Attempt, place: &impl Fn(u64) -> String) -> Self {
        let Attempt { attempt, seq, at, online_at, failure } = attempt;
        Self { attempt, position: place(seq), at, online_at, failure: failure.map(|failure| FailureView::new(failure, place)) }
    }
}
