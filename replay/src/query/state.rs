//! `state`: how something stood at a point of the log; without a name, what there was.

use serde::Serialize;
use serde_json::Value;
use spunto_core::names::Names;
use spunto_core::state::State;
use spunto_core::story::{node_stands, unit_stands};
use spunto_core::time::Timestamp;

use crate::answer::{Answer, Page};
use crate::failure::Failure;
use crate::history::History;
use crate::point::Point;
use crate::subject;

/// How something stood.
#[derive(Debug, Serialize)]
pub struct Stood {
    /// After this event.
    pub seq: u64,
    /// Time of that event.
    pub at: Timestamp,
    /// What was asked for; none when everything was.
    pub subject: Option<String>,
    /// How it stood.
    pub state: Value,
    /// Whether the log is whole; of a slice only what its events tell is known.
    pub whole: bool,
    #[serde(skip)]
    overview: Vec<Section>,
}

/// A kind of thing, with a row each.
#[derive(Debug)]
struct Section {
    title: String,
    rows: Vec<Vec<String>>,
}

/// How something stood at a point.
///
/// # Errors
/// It was not there then, or never; the log can't be read.
pub fn at(history: &History, text: Option<&str>, point: Point) -> Result<Stood, Failure> {
    let source = history.source();
    let seq = point.resolve(source)?;
    let mut names = Names::default();
    let state = history.fold(State::default(), seq, |_, record| {
        names.observe(record);
        Ok(std::ops::ControlFlow::Continue(()))
    })?;
    let (whole, at) = (source.is_whole(), state.at);
    let Some(text) = text else {
        let value = spunto_core::readable::state(&state);
        return Ok(Stood { seq, at, subject: None, state: value, whole, overview: overview(&state) });
    };
    let stream = match subject::find(text, &state, &names) {
        Ok(stream) => stream,
        Err(error) => {
            // Perhaps it came later: say so instead of "never".
            let survey = history.survey(|_, _| Ok(()))?;
            subject::find(text, &survey.state, &survey.names).map_err(|_| error)?;
            return Err(Failure::NotFound(format!("{text} was not there yet after event {seq} ({at})")));
        }
    };
    let found = subject::tree(&state, stream);
    let value =
        found.ok_or_else(|| Failure::NotFound(format!("{text} was not there after event {seq} ({at}); `story {text}` tells its life")))?;
    Ok(Stood { seq, at, subject: Some(subject::id_of(stream)), state: value, whole, overview: Vec::new() })
}

fn overview(state: &State) -> Vec<Section> {
    let mut sections = Vec::new();
    for (id, org) in &state.orgs {
        let mut rows = Vec::new();
        for (node, known) in org.fleet.nodes() {
            rows.push(vec!["node".into(), known.name.clone(), node.to_string(), format!("{}; load {}", node_stands(known), known.load)]);
        }
        for (worker, known) in &org.workers {
            rows.push(vec!["worker".into(), known.name.clone(), worker.to_string(), unit_stands(&known.unit)]);
        }
        for (deployment, known) in &org.deployments {
            let services: Vec<String> = known.services.values().map(|one| format!("{} {}", one.name, one.unit.run.name())).collect();
            rows.push(vec!["deployment".into(), known.name.clone(), deployment.to_string(), services.join(", ")]);
        }
        sections.push(Section { title: format!("{} ({id})", org.name), rows });
    }
    sections
}

impl Answer for Stood {
    fn page(&self, page: &mut Page) {
        page.line(page.dim(&format!("after event {} ({})", self.seq, self.at)));
        if !self.whole {
            page.line(page.yellow("this is a slice: only what its events tell is known"));
        }
        if self.subject.is_some() {
            page.tree(&self.state);
            return;
        }
        for section in &self.overview {
            page.line("");
            page.line(page.bold(&section.title));
            page.table(&["what", "name", "id", "stands"], &section.rows);
        }
        if self.overview.is_empty() {
            page.line("nothing was there yet");
        }
    }
}
