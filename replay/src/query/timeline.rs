//! `timeline` and `tail`: events one a line, of everything or of one thing.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use serde::Serialize;
use spunto_core::names::Names;
use spunto_core::record::{Record, StreamId};
use spunto_core::story::{Sentence, Tone, sentence};
use spunto_core::time::Timestamp;

use crate::answer::{Answer, Page, clock, date};
use crate::failure::Failure;
use crate::history::History;
use crate::point::Point;
use crate::subject;

/// Which events.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Only of this thing.
    pub subject: Option<String>,
    /// Only after this point.
    pub from: Point,
    /// Only up to this point.
    pub to: Point,
    /// Only of kinds that start with this, such as `node.`.
    pub kind: Option<String>,
    /// Only failures.
    pub failures: bool,
    /// The last so many; all when none.
    pub last: Option<usize>,
}

/// One event.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Place in the log.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Its kind.
    pub kind: &'static str,
    /// What it is about: the id.
    pub stream: String,
    /// What it is about, by name.
    pub about: String,
    /// Who caused it.
    pub actor: String,
    /// What happened.
    #[serde(flatten)]
    pub sentence: Sentence,
}

impl Entry {
    /// Of this event.
    #[must_use]
    pub fn new(record: &Record, names: &Names) -> Self {
        Self {
            seq: record.seq,
            at: record.at,
            kind: record.event.name(),
            stream: subject::id_of(record.stream),
            about: names.stream(record.stream),
            actor: names.actor(record.actor),
            sentence: sentence(&record.event, names),
        }
    }

    /// The entry in one line, without the date.
    #[must_use]
    pub fn line(&self, page: &Page) -> String {
        let text = match self.sentence.tone {
            Tone::Failure => page.red(&self.sentence.text),
            Tone::Warning => page.yellow(&self.sentence.text),
            Tone::Good => page.green(&self.sentence.text),
            Tone::Plain => self.sentence.text.clone(),
        };
        format!("{:>7}  {}  {}: {text} {}", self.seq, clock(self.at), self.about, page.dim(&format!("— {}", self.actor)))
    }
}

/// Events, oldest first.
#[derive(Debug, Serialize)]
pub struct Timeline {
    /// The events.
    pub events: Vec<Entry>,
    /// How many more there were before these.
    pub before: u64,
}

/// Lists events.
///
/// # Errors
/// There is nothing of that name; the log can't be read.
pub fn list(history: &History, wanted: &Wanted) -> Result<Timeline, Failure> {
    let source = history.source();
    let (from, to) = (wanted.from.resolve(source)?, wanted.to.resolve(source)?);
    let stream: Option<StreamId> = match &wanted.subject {
        None => None,
        Some(text) => {
            let survey = history.survey(|_, _| Ok(()))?;
            Some(subject::find(text, &survey.state, &survey.names)?)
        }
    };
    let mut names = Names::default();
    let (mut events, mut before) = (VecDeque::new(), 0);
    source.visit(1, |record| {
        if record.seq > to {
            return Ok(ControlFlow::Break(()));
        }
        names.observe(&record);
        let of_it = stream.is_none_or(|stream| stream == record.stream || matches!(stream, StreamId::Org(org) if record.org == Some(org)));
        let of_kind = wanted.kind.as_ref().is_none_or(|kind| record.event.name().starts_with(kind.as_str()));
        if record.seq > from && of_it && of_kind {
            let entry = Entry::new(&record, &names);
            if !wanted.failures || entry.sentence.tone == Tone::Failure {
                events.push_back(entry);
            }
        }
        if wanted.last.is_some_and(|last| events.len() > last) {
            events.pop_front();
            before += 1;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(Timeline { events: events.into(), before })
}

impl Answer for Timeline {
    fn page(&self, page: &mut Page) {
        if self.before > 0 {
            page.line(page.dim(&format!("({} earlier ones)", self.before)));
        }
        let mut day = String::new();
        for entry in &self.events {
            if date(entry.at) != day {
                day = date(entry.at);
                page.line(page.dim(&format!("{day} (UTC)")));
            }
            page.line(entry.line(page));
        }
        if self.events.is_empty() {
            page.line("no such events");
        }
    }
}
