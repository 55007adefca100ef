//! `show`: one event with all that surrounds it, and what it changed.

use serde::Serialize;
use serde_json::Value;
use spunto_core::diff::{self, Difference};
use spunto_core::names::Names;
use spunto_core::record::StreamId;
use spunto_core::state::State;
use spunto_core::time::Timestamp;

use super::diff::print_differences;
use super::timeline::Entry;
use crate::answer::{Answer, Page};
use crate::failure::Failure;
use crate::history::History;

/// One event.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// What it says.
    #[serde(flatten)]
    pub entry: Entry,
    /// The organisation.
    pub org: Option<String>,
    /// Its place in its history.
    pub stream_version: u64,
    /// The request or attempt that it is part of.
    pub correlation: String,
    /// The event that led to it.
    pub causation: Option<u64>,
    /// Its content.
    pub payload: Value,
    /// What it changed.
    pub changes: Vec<Difference>,
}

/// Shows the event with this sequence.
///
/// # Errors
/// There is none; the log can't be read.
pub fn show(history: &History, seq: u64) -> Result<Shown, Failure> {
    let source = history.source();
    let record = source.record(seq)?.ok_or_else(|| match source.end() {
        end if seq == 0 || seq > end => Failure::NotFound(format!("there is no event {seq}: the log has events 1 to {end}")),
        _ => Failure::NotFound(format!("event {seq} is not in this slice; only its digest is")),
    })?;
    let mut names = Names::default();
    let before = history.fold(State::default(), seq - 1, |_, record| {
        names.observe(record);
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    names.observe(&record);
    let mut after = before.clone();
    after.apply(&record);
    let causation = (record.causation > 0).then_some(record.causation);
    let payload = serde_json::to_value(&record.event).map_err(|error| Failure::io("the event can't be shown", error))?;
    Ok(Shown {
        entry: Entry::new(&record, &names),
        org: record.org.map(|org| org.to_string()),
        stream_version: record.stream_version,
        correlation: format!("{:016x}", record.correlation),
        causation,
        payload,
        changes: without_versions(diff::states(&before, &after), record.stream),
    })
}

/// Without the versions that every event of a history counts up.
fn without_versions(mut changes: Vec<Difference>, stream: StreamId) -> Vec<Difference> {
    for difference in changes.iter_mut().filter(|difference| difference.subject == stream) {
        difference.changes.retain(|change| change.path() != "version");
    }
    changes.retain(|difference| !difference.changes.is_empty());
    changes
}

impl Answer for Shown {
    fn page(&self, page: &mut Page) {
        let Entry { seq, at, kind, stream, about, actor, sentence } = &self.entry;
        page.line(page.bold(&format!("#{seq} {kind}")));
        page.line(sentence.text.as_str());
        page.line("");
        let at: &Timestamp = at;
        page.line(format!("at           {at}"));
        page.line(format!("about        {about} ({stream}), its event {}", self.stream_version));
        page.line(format!("by           {actor}"));
        page.line(format!("request      {}", self.correlation));
        if let Some(causation) = self.causation {
            page.line(format!("because of   #{causation}"));
        }
        page.line("");
        page.line(page.dim("content"));
        page.tree(&self.payload);
        page.line("");
        page.line(page.dim("what it changed"));
        print_differences(page, &self.changes);
    }
}
