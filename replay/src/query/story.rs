//! `story`: the life of a node, worker or deployment in plain sentences.

use std::ops::ControlFlow;

use serde::Serialize;
use spunto_core::event::Event;
use spunto_core::id::{NodeId, UnitId};
use spunto_core::names::Names;
use spunto_core::record::{Record, StreamId};
use spunto_core::state::State;
use spunto_core::stats::Statistics;
use spunto_core::story::{FailedStep, Line, Story, Tone, deployment_advice, duration, node_advice, node_stands, unit_advice, unit_stands};

use crate::answer::{Answer, Page, clock, date};
use crate::failure::Failure;
use crate::history::{History, Survey};
use crate::subject;

/// A life, told.
#[derive(Debug, Serialize)]
pub struct Told {
    /// Its id.
    pub id: String,
    /// What it is called, with its kind.
    pub name: String,
    /// The organisation that it belongs to.
    pub org: Option<String>,
    /// Where it stands at the end of the log.
    pub stands: String,
    /// What happened.
    #[serde(flatten)]
    pub story: Story,
    /// The step to take next; none when there is nothing to do.
    pub next: Option<String>,
}

/// Tells the life of what `text` means. With `units`, a node's story holds those of what ran on it.
///
/// # Errors
/// There is nothing of that name; the log can't be read.
pub fn tell(history: &History, text: &str, units: bool) -> Result<Told, Failure> {
    let Survey { names: all, statistics: usual, state } = history.survey(|_, _| Ok(()))?;
    let stream = subject::find(text, &state, &all)?;
    let mut teller = Teller { stream, units, story: Story::of(stream), names: Names::default(), statistics: Statistics::default() };
    let mut org = None;
    let mut before = State::default();
    history.source().visit(1, |record| {
        teller.hear(&before, &record);
        if record.stream == stream {
            org = record.org.or(org);
        }
        before.apply(&record);
        Ok(ControlFlow::Continue(()))
    })?;
    let mut story = teller.story;
    if story.lines.is_empty() {
        return Err(Failure::NotFound(format!("nothing is told of {text} in this log")));
    }
    story.compare(|step, place| usual.usual(*step, place));
    let (stands, next) = stands(&state, stream);
    Ok(Told { id: subject::id_of(stream), name: all.stream(stream), org: org.map(|org| all.org(org)), stands, story, next })
}

struct Teller {
    stream: StreamId,
    units: bool,
    story: Story,
    names: Names,
    statistics: Statistics,
}

impl Teller {
    fn hear(&mut self, before: &State, record: &Record) {
        self.names.observe(record);
        let took = self.statistics.observe(record);
        let own = record.stream == self.stream;
        let on_it = || matches!(self.stream, StreamId::Node(node) if self.units && concerns(before, record, node));
        if own || on_it() {
            self.story.tell(record, &self.names, took);
        }
    }
}

/// Whether an event tells of something that runs on this node.
#[must_use]
pub fn concerns(before: &State, record: &Record, node: NodeId) -> bool {
    match &record.event {
        Event::WorkerCreated(e) => return e.node == node,
        Event::DeploymentCreated(e) => return e.node == node,
        _ => {}
    }
    let Some(org) = record.org.and_then(|org| before.orgs.get(&org)) else { return false };
    match record.stream {
        StreamId::Worker(id) => org.unit(UnitId::Worker(id)).is_some_and(|unit| unit.node == node),
        StreamId::Deployment(id) => org.deployments.get(&id).is_some_and(|deployment| deployment.node == node),
        StreamId::System | StreamId::Org(_) | StreamId::Node(_) => false,
    }
}

/// Where something stands, and what to do next.
fn stands(state: &State, stream: StreamId) -> (String, Option<String>) {
    let gone = || ("deleted".to_owned(), None);
    let Some((_, org)) = subject::org_of(state, stream) else { return gone() };
    match stream {
        StreamId::Node(id) => org.fleet.node(id).map(|node| (node_stands(node), node_advice(node))),
        StreamId::Worker(id) => org.workers.get(&id).map(|worker| (unit_stands(&worker.unit), unit_advice(&worker.unit, state.at))),
        StreamId::Deployment(id) => org.deployments.get(&id).map(|deployment| {
            let services = deployment.services.values().map(|service| format!("{} {}", service.name, unit_stands(&service.unit)));
            (services.collect::<Vec<_>>().join("; "), deployment_advice(deployment, state.at))
        }),
        StreamId::Org(_) | StreamId::System => Some((format!("{} nodes, {} workers", org.fleet.nodes().len(), org.workers.len()), None)),
    }
    .unwrap_or_else(gone)
}

/// How long the step took that a line ended, beside what is usual.
fn took(line: &Line) -> String {
    match (&line.took, line.usual) {
        (Some(took), Some(usual)) => format!(" (took {}, usually {})", duration(took.ms), duration(usual.p50_ms)),
        (Some(took), None) => format!(" (took {})", duration(took.ms)),
        (None, _) => String::new(),
    }
}

/// One line of a story for people; `own` says whether it is about the subject itself.
fn line(page: &Page, line: &Line, own: bool) -> String {
    let gap = line.gap_ms.filter(|ms| *ms > 0).map_or_else(String::new, |ms| format!("+{}", duration(ms)));
    let (mark, text) = match line.sentence.tone {
        Tone::Failure => (page.red("✗"), page.red(&line.sentence.text)),
        Tone::Good => (page.green("✓"), line.sentence.text.clone()),
        Tone::Warning => (page.yellow("!"), line.sentence.text.clone()),
        Tone::Plain => (" ".to_owned(), line.sentence.text.clone()),
    };
    let whose = if own { String::new() } else { format!("{}: ", line.about) };
    let by = page.dim(&format!("— {}, #{}", line.actor, line.seq));
    format!("{mark} {}  {gap:<12} {whose}{text}{} {by}", clock(line.at), took(line))
}

/// What the provider's support asks for.
fn reference(failure: &FailedStep) -> String {
    let code = Some(&failure.code).filter(|code| !code.is_empty()).map(|code| format!("code {code}"));
    let request = failure.request_id.as_ref().map(|id| format!("request {id}"));
    let parts: Vec<String> = code.into_iter().chain(request).collect();
    format!("{:26}{}", "", parts.join(", "))
}

impl Answer for Told {
    fn page(&self, page: &mut Page) {
        let org = self.org.as_ref().map_or_else(String::new, |org| format!(" of {org}"));
        page.line(page.bold(&format!("{} ({}){org}", self.name, self.id)));
        page.line(format!("now: {}", self.stands));
        let mut day = String::new();
        for (number, told) in self.story.lines.iter().enumerate() {
            if date(told.at) != day {
                day = date(told.at);
                page.line("");
                page.line(page.dim(&format!("{day} (UTC)")));
            }
            let apart = self.story.failed == Some(number);
            if apart {
                page.line("");
            }
            page.line(line(page, told, told.stream == self.story.subject));
            if let Some(failure) = self.story.failure.as_ref().filter(|_| apart) {
                page.line(reference(failure));
            }
            if apart && number + 1 < self.story.lines.len() {
                page.line("");
            }
        }
        if let Some(next) = &self.next {
            page.line("");
            page.line(format!("{} {next}", page.bold("next:")));
        }
    }
}
