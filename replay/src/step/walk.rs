//! Where a walk stands: which events it passes, which one is looked at, and the state on both sides of it. Knows no terminal.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde_json::Value;
use spunto_core::diff::{self, Change};
use spunto_core::names::Names;
use spunto_core::record::{Record, StreamId};
use spunto_core::state::State;
use spunto_core::story::Tone;

use crate::answer::inline;
use crate::failure::Failure;
use crate::history::History;
use crate::point::Point;
use crate::query::timeline::Entry;
use crate::subject;

/// Events around the present one that a screen may show.
const AROUND: usize = 24;

/// What keys mean at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They walk.
    Walking,
    /// They spell a filter.
    Typing(String),
}

/// A field of the thing that the event is about, before and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where: names from the outside in, with dots.
    pub path: String,
    /// Before the event; none when it was not there.
    pub before: Option<String>,
    /// After it; none when it is not there.
    pub after: Option<String>,
}

impl Field {
    /// Whether the event changed it.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.before != self.after
    }
}

/// A walk through the events of a log.
pub struct Walk<'a> {
    history: &'a History,
    names: Names,
    subject: Option<StreamId>,
    /// Text that events must hold; empty for any.
    wanted: String,
    /// Sequences of the events that are passed.
    seqs: Vec<u64>,
    failures: BTreeSet<u64>,
    /// Index into `seqs`.
    at: usize,
    /// What keys mean at present.
    pub mode: Mode,
    /// Events around the present one, and which of them it is.
    pub around: Vec<Entry>,
    /// Index of the present one.
    pub here: usize,
    /// The fields of what the event is about: those that changed first.
    pub fields: Vec<Field>,
    /// What the event is about, by name.
    pub about: String,
}

impl<'a> Walk<'a> {
    /// Begins at a point, or at the first event after it.
    ///
    /// # Errors
    /// There is nothing of that name; the log can't be read.
    pub fn start(history: &'a History, name: Option<&str>, at: Point) -> Result<Self, Failure> {
        let survey = history.survey(|_, _| Ok(()))?;
        let subject = name.map(|name| subject::find(name, &survey.state, &survey.names)).transpose()?;
        let seq = at.resolve(history.source())?;
        let mut walk = Self {
            history,
            names: survey.names,
            subject,
            wanted: String::new(),
            seqs: Vec::new(),
            failures: BTreeSet::new(),
            at: 0,
            mode: Mode::Walking,
            around: Vec::new(),
            here: 0,
            fields: Vec::new(),
            about: String::new(),
        };
        walk.collect()?;
        walk.at = walk.seqs.partition_point(|found| *found < seq.max(1));
        walk.look()?;
        Ok(walk)
    }

    /// Which event it is of how many; none when no event is passed.
    #[must_use]
    pub fn place(&self) -> Option<(usize, usize)> {
        (!self.seqs.is_empty()).then_some((self.at + 1, self.seqs.len()))
    }

    /// What events must hold, for people; empty for any.
    #[must_use]
    pub fn filter_words(&self) -> String {
        let subject = self.subject.map(|subject| self.names.stream(subject));
        [subject.unwrap_or_default(), self.wanted.clone()].into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>().join(", ")
    }

    /// Passes only events that hold this text in their kind, their words, or the name of what they are about.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn filter(&mut self, wanted: String) -> Result<(), Failure> {
        let seq = self.seqs.get(self.at).copied().unwrap_or(1);
        self.wanted = wanted;
        self.collect()?;
        self.at = self.seqs.partition_point(|found| *found < seq);
        self.look()
    }

    /// Goes on by so many events, or to the last.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn forward(&mut self, events: usize) -> Result<(), Failure> {
        self.at = self.at.saturating_add(events);
        self.look()
    }

    /// Goes back by so many events, or to the first.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn back(&mut self, events: usize) -> Result<(), Failure> {
        self.at = self.at.saturating_sub(events);
        self.look()
    }

    /// Goes on to the next failure, if there is one.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn next_failure(&mut self) -> Result<(), Failure> {
        let seq = self.seqs.get(self.at).copied().unwrap_or(0);
        let next = self.failures.range(seq + 1..).next().copied();
        self.go(next)
    }

    /// Goes back to the failure before, if there is one.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn previous_failure(&mut self) -> Result<(), Failure> {
        let seq = self.seqs.get(self.at).copied().unwrap_or(0);
        let before = self.failures.range(..seq).next_back().copied();
        self.go(before)
    }

    fn go(&mut self, seq: Option<u64>) -> Result<(), Failure> {
        if let Some(seq) = seq {
            self.at = self.seqs.partition_point(|found| *found < seq);
            self.look()?;
        }
        Ok(())
    }

    /// Finds the events that are passed.
    fn collect(&mut self) -> Result<(), Failure> {
        let (mut seqs, mut failures) = (Vec::new(), BTreeSet::new());
        self.history.source().visit(1, |record| {
            let of_it = match self.subject {
                None => true,
                Some(StreamId::Org(org)) => record.org == Some(org),
                Some(stream) => record.stream == stream,
            };
            if of_it {
                let entry = Entry::new(&record, &self.names);
                let holds = |text: &str| text.contains(self.wanted.as_str());
                if self.wanted.is_empty() || holds(entry.kind) || holds(&entry.sentence.text) || holds(&entry.about) {
                    if entry.sentence.tone == Tone::Failure {
                        failures.insert(record.seq);
                    }
                    seqs.push(record.seq);
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        (self.seqs, self.failures) = (seqs, failures);
        Ok(())
    }

    /// Looks at the present event: what is around it, and the state on both sides.
    fn look(&mut self) -> Result<(), Failure> {
        self.at = self.at.min(self.seqs.len().saturating_sub(1));
        let start = self.at.saturating_sub(AROUND / 2);
        let shown = &self.seqs[start..self.seqs.len().min(start + AROUND)];
        let (mut around, mut present) = (Vec::new(), None);
        for seq in shown {
            if let Some(record) = self.history.source().record(*seq)? {
                around.push(Entry::new(&record, &self.names));
                if self.seqs.get(self.at) == Some(seq) {
                    present = Some(record);
                }
            }
        }
        (self.around, self.here) = (around, self.at - start);
        (self.fields, self.about) = match present {
            None => (Vec::new(), String::new()),
            Some(record) => (self.sides(&record)?, self.names.stream(record.stream)),
        };
        Ok(())
    }

    fn sides(&self, record: &Record) -> Result<Vec<Field>, Failure> {
        let before = self.history.state_at(record.seq - 1)?;
        let mut after = before.clone();
        after.apply(record);
        let tree = |state: &State| match record.stream {
            StreamId::Org(id) => state.orgs.get(&id).map(|org| spunto_core::readable::org_alone(id, org)),
            stream => subject::tree(state, stream),
        };
        Ok(fields(tree(&before).as_ref(), tree(&after).as_ref()))
    }
}

/// The fields of two trees side by side, those that differ first.
fn fields(before: Option<&Value>, after: Option<&Value>) -> Vec<Field> {
    let (mut old, mut new) = (Vec::new(), Vec::new());
    let empty = Value::Null;
    flatten("", before.unwrap_or(&empty), &mut old);
    flatten("", after.unwrap_or(&empty), &mut new);
    let paths: BTreeSet<&String> = old.iter().chain(&new).map(|(path, _)| path).collect();
    let value = |side: &[(String, String)], path: &String| side.iter().find(|(found, _)| found == path).map(|(_, value)| value.clone());
    let mut fields: Vec<Field> =
        paths.into_iter().map(|path| Field { path: path.clone(), before: value(&old, path), after: value(&new, path) }).collect();
    // How it stands is what a person looks for first.
    fields.sort_by_key(|field| (!field.is_changed(), !field.path.starts_with("status")));
    fields
}

/// A tree as paths and values, without what is absent.
fn flatten(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    for change in diff::trees(&Value::Object(serde_json::Map::new()), value) {
        let Change::Added { path: inner, value } = change else { continue };
        let full = if path.is_empty() { inner } else { format!("{path}.{inner}") };
        match &value {
            Value::Object(_) => flatten(&full, &value, into),
            Value::Array(items) if items.is_empty() => {}
            _ => into.push((full, inline(&value))),
        }
    }
}
