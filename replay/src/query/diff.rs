//! `diff`: what is different between two points of the log, as readable changes.

use serde::Serialize;
use serde_json::Value;
use spunto_core::diff::{self, Change, Difference, Fate};
use spunto_core::record::StreamId;

use crate::answer::{Answer, Page, inline};
use crate::failure::Failure;
use crate::history::History;
use crate::point::Point;
use crate::subject;

/// The changes between two points.
#[derive(Debug, Serialize)]
pub struct Changes {
    /// After this event.
    pub from: u64,
    /// Up to this one.
    pub to: u64,
    /// What is different.
    pub differences: Vec<Difference>,
}

/// Compares two points; of everything, or of one thing.
///
/// # Errors
/// There is no such point or thing; the log can't be read.
pub fn compare(history: &History, from: Point, to: Point, text: Option<&str>) -> Result<Changes, Failure> {
    let source = history.source();
    let (from, to) = (from.resolve(source)?, to.resolve(source)?);
    let wanted = match text {
        None => None,
        Some(text) => {
            let survey = history.survey(|_, _| Ok(()))?;
            Some(subject::find(text, &survey.state, &survey.names)?)
        }
    };
    let (before, after) = (history.state_at(from)?, history.state_at(to)?);
    let mut differences = diff::states(&before, &after);
    if let Some(wanted) = wanted {
        differences.retain(|difference| difference.subject == wanted);
    }
    Ok(Changes { from, to, differences })
}

/// Prints changes: what came and went in a line, what changed value by value.
pub fn print_differences(page: &mut Page, differences: &[Difference]) {
    for difference in differences {
        let id = subject::id_of(difference.subject);
        let what = match difference.subject {
            StreamId::System => difference.name.clone(),
            stream => format!("{} {} ({id})", subject::kind_of(stream), difference.name),
        };
        match difference.fate {
            Fate::Created => page.line(format!("{} {what}{}", page.green("+"), glance(&difference.changes))),
            Fate::Deleted => page.line(format!("{} {what}{}", page.red("-"), glance(&difference.changes))),
            Fate::Changed => {
                page.line(format!("{} {what}", page.yellow("~")));
                for change in &difference.changes {
                    let words = words(page, change);
                    page.line(format!("    {words}"));
                }
            }
        }
    }
    if differences.is_empty() {
        page.line("nothing is different");
    }
}

/// The most telling values of something that came or went.
fn glance(changes: &[Change]) -> String {
    let value = |wanted: &str| {
        changes.iter().find(|change| change.path() == wanted).map(|change| match change {
            Change::Added { value, .. } | Change::Removed { value, .. } => inline(value),
            Change::Changed { after, .. } => inline(after),
        })
    };
    let state = value("status").or_else(|| value("unit").map(|_| String::new()));
    let state = state.filter(|state| !state.is_empty());
    state.map_or_else(String::new, |state| format!(": {state}"))
}

/// A change in words: `status.state: online → draining`.
#[must_use]
pub fn words(page: &Page, change: &Change) -> String {
    match change {
        Change::Added { path, value } => page.green(&format!("{path}: + {}", inline(value))),
        Change::Removed { path, value } => page.red(&format!("{path}: - {}", inline(value))),
        Change::Changed { path, before: Value::Number(old), after: Value::Number(new) } => format!("{path}: {old} → {new}"),
        Change::Changed { path, before, after } => format!("{path}: {} → {}", inline(before), inline(after)),
    }
}

impl Answer for Changes {
    fn page(&self, page: &mut Page) {
        page.line(page.bold(&format!("from #{} to #{}", self.from, self.to)));
        print_differences(page, &self.differences);
    }
}
