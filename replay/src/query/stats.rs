//! `stats`: how long steps take, how often nodes are lost, how soon they are back.

use serde::Serialize;
use spunto_core::stats::{Reliability, Step, StepRow};
use spunto_core::story::duration;
use spunto_core::time::Timestamp;

use crate::answer::{Answer, Page};
use crate::failure::Failure;
use crate::history::History;

/// Numbers of a history.
#[derive(Debug, Serialize)]
pub struct Stats {
    /// Events in it.
    pub events: u64,
    /// Time of its first event.
    pub first: Option<Timestamp>,
    /// Time of its last event.
    pub last: Option<Timestamp>,
    /// Each step in each place.
    pub steps: Vec<StepRow>,
    /// How reliable nodes were.
    pub reliability: Reliability,
    /// Events of each kind, the most frequent first.
    pub kinds: Vec<(&'static str, u64)>,
    #[serde(skip)]
    worst: Vec<(String, u64)>,
}

/// Measures a history.
///
/// # Errors
/// The log can't be read.
pub fn measure(history: &History) -> Result<Stats, Failure> {
    let mut kinds = std::collections::BTreeMap::<&'static str, u64>::new();
    let (mut events, mut first, mut last) = (0, None, None);
    let survey = history.survey(|_, record| {
        events += 1;
        first.get_or_insert(record.at);
        last = Some(record.at);
        *kinds.entry(record.event.name()).or_default() += 1;
        Ok(())
    })?;
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let reliability = survey.statistics.reliability();
    let worst = reliability.worst.iter().map(|(node, count)| (survey.names.node(*node), *count)).collect();
    Ok(Stats { events, first, last, steps: survey.statistics.steps(), reliability, kinds, worst })
}

impl Answer for Stats {
    fn page(&self, page: &mut Page) {
        let (Some(first), Some(last)) = (self.first, self.last) else { return page.line("the log is empty") };
        page.line(format!("{} events in {}, from {first} to {last}", self.events, duration(last.ms_since(first))));
        page.line("");
        let row = |row: &StepRow| {
            let ms = |ms| duration(ms);
            vec![row.step.words().to_owned(), row.place.clone(), row.count.to_string(), ms(row.p50_ms), ms(row.p95_ms), ms(row.max_ms)]
        };
        page.table(&["step", "place", "times", "p50", "p95", "longest"], &self.steps.iter().map(row).collect::<Vec<_>>());
        page.line("");
        let Reliability { nodes, lost, node_days, flap_rate, .. } = &self.reliability;
        page.line(format!(
            "{nodes} nodes were ever online, for {node_days:.1} days together; connections lost: {lost}, {flap_rate:.3} a node and day"
        ));
        let recover: Vec<&StepRow> = self.steps.iter().filter(|row| row.step == Step::Recover).collect();
        for row in recover {
            page.line(format!(
                "time to recover ({}): {} in half of all, {} in 95 of 100",
                row.place,
                duration(row.p50_ms),
                duration(row.p95_ms)
            ));
        }
        let worst: Vec<String> = self.worst.iter().map(|(name, count)| format!("{name} {count}")).collect();
        if !worst.is_empty() {
            page.line(format!("lost most often: {}", worst.join(", ")));
        }
        page.line("");
        page.table(
            &["kind", "events"],
            &self.kinds.iter().map(|(name, count)| vec![(*name).to_owned(), count.to_string()]).collect::<Vec<_>>(),
        );
    }
}
