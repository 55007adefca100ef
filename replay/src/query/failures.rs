//! `failures`: what failed, newest first, with the step, the class and the words of who refused.

use std::collections::HashMap;

use serde::Serialize;
use spunto_core::event::{Event, Failed, Provider};
use spunto_core::id::{NodeId, UnitId};
use spunto_core::record::{Record, StreamId};
use spunto_core::state::{NodeStatus, Run, State};
use spunto_core::story::duration;
use spunto_core::time::Timestamp;

use crate::answer::{Answer, Page, clock, date};
use crate::failure::Failure;
use crate::history::{History, Survey};
use crate::subject;

/// One failed attempt.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Place in the log.
    pub seq: u64,
    /// When it failed.
    pub at: Timestamp,
    /// What failed: the id of a node, worker or deployment.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its node's provider, such as `manual` or `hetzner`.
    pub provider: Option<String>,
    /// The step that was reached, by its name in the API.
    pub step: serde_json::Value,
    /// The class of the failure, by its name in the API; containers' failures have none.
    pub class: Option<serde_json::Value>,
    /// The provider's or Docker's own words.
    pub message: String,
    /// The provider's own code; containers' failures have none.
    pub code: Option<String>,
    /// The provider's number of the request, for its support.
    pub request_id: Option<String>,
    /// From the beginning of the attempt to its failure.
    pub duration_ms: Option<u64>,
    /// Which attempt it was, from 1.
    pub attempt: u32,
    /// Whether it still stands so at the end of the log.
    pub standing: bool,
}

/// What failed.
#[derive(Debug, Serialize)]
pub struct Failures {
    /// Newest first.
    pub failures: Vec<Row>,
}

/// Which failures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Which {
    /// Of nodes and of what runs on them.
    #[default]
    All,
    /// Provisions of nodes.
    Nodes,
    /// Orders to workers and services.
    Workers,
}

#[derive(Default)]
struct Collector {
    rows: Vec<Row>,
    /// When the present attempt of a node began.
    begun: HashMap<NodeId, Timestamp>,
    providers: HashMap<NodeId, String>,
    attempts: HashMap<UnitId, u32>,
}

impl Collector {
    fn see(&mut self, survey: &Survey, record: &Record) {
        match &record.event {
            Event::NodeCreated(e) => {
                self.begun.insert(e.node, record.at);
                let provider = match e.provider {
                    Provider::Manual => "manual",
                    // Until the request says which.
                    Provider::Cloud => "cloud",
                };
                self.providers.insert(e.node, provider.to_owned());
            }
            Event::NodeProvisionRequested(e) => {
                self.begun.insert(e.node, record.at);
                self.providers.insert(e.node, e.wish.provider.clone());
            }
            Event::NodeProvisioningFailed(e) => {
                let began = self.begun.insert(e.node, record.at);
                let row = Row {
                    provider: self.providers.get(&e.node).cloned(),
                    step: serde_json::json!(e.step),
                    class: Some(serde_json::json!(e.failure.class)),
                    message: e.failure.message.clone(),
                    code: Some(e.failure.code.clone()).filter(|code| !code.is_empty()),
                    request_id: e.failure.request_id.clone(),
                    duration_ms: began.map(|began| record.at.ms_since(began)),
                    attempt: e.attempt,
                    ..row(survey, record)
                };
                self.rows.push(row);
            }
            Event::WorkerFailed(e) => self.unit(survey, record, UnitId::Worker(e.worker), &e.run),
            Event::ServiceFailed(e) => self.unit(survey, record, UnitId::Service(e.service), &e.run),
            _ => {}
        }
    }

    fn unit(&mut self, survey: &Survey, record: &Record, id: UnitId, run: &Failed) {
        let attempt = self.attempts.entry(id).or_default();
        *attempt += 1;
        let unit = record.org.and_then(|org| survey.state.orgs.get(&org)).and_then(|org| org.unit(id));
        let node = unit.map(|unit| unit.node);
        let row = Row {
            provider: node.and_then(|node| self.providers.get(&node).cloned()),
            step: serde_json::json!(run.step),
            message: run.message.clone(),
            duration_ms: unit.map(|unit| record.at.ms_since(unit.since)),
            attempt: *attempt,
            ..row(survey, record)
        };
        self.rows.push(row);
    }
}

fn row(survey: &Survey, record: &Record) -> Row {
    Row {
        seq: record.seq,
        at: record.at,
        id: subject::id_of(record.stream),
        name: survey.names.stream(record.stream),
        provider: None,
        step: serde_json::Value::Null,
        class: None,
        message: String::new(),
        code: None,
        request_id: None,
        duration_ms: None,
        attempt: 1,
        standing: false,
    }
}

/// Collects failures.
///
/// # Errors
/// The log can't be read.
pub fn collect(history: &History, which: Which) -> Result<Failures, Failure> {
    let mut collector = Collector::default();
    let survey = history.survey(|survey, record| {
        collector.see(survey, record);
        Ok(())
    })?;
    let mut failures = collector.rows;
    let is_node = |row: &Row| row.id.starts_with(NodeId::PREFIX);
    failures.retain(|row| match which {
        Which::All => true,
        Which::Nodes => is_node(row),
        Which::Workers => !is_node(row),
    });
    failures.reverse();
    let mut told = std::collections::HashSet::new();
    for row in &mut failures {
        // Only the last failure of something can be what it still stands at.
        row.standing = told.insert(row.id.clone()) && stands_failed(&survey.state, &row.id);
    }
    Ok(Failures { failures })
}

fn stands_failed(state: &State, id: &str) -> bool {
    let names = spunto_core::names::Names::default();
    let Ok(stream) = subject::find(id, state, &names) else { return false };
    let Some((_, org)) = subject::org_of(state, stream) else { return false };
    let failed = |run: &Run| matches!(run, Run::Failed { .. });
    match stream {
        StreamId::Node(id) => org.fleet.node(id).is_some_and(|node| matches!(node.status, NodeStatus::ProvisioningFailed { .. })),
        StreamId::Worker(id) => org.workers.get(&id).is_some_and(|worker| failed(&worker.unit.run)),
        StreamId::Deployment(id) => {
            org.deployments.get(&id).is_some_and(|deployment| deployment.services.values().any(|service| failed(&service.unit.run)))
        }
        StreamId::System | StreamId::Org(_) => false,
    }
}

impl Answer for Failures {
    fn page(&self, page: &mut Page) {
        for row in &self.failures {
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let class = row.class.as_ref().map_or_else(String::new, |class| format!(", {}", text(class)));
            let on = row.provider.as_ref().map_or_else(String::new, |provider| format!(" ({provider})"));
            let took = row.duration_ms.map_or_else(String::new, |ms| format!(" after {}", duration(ms)));
            let standing = if row.standing { "" } else { ", since then otherwise" };
            let mark = if row.standing { page.red("✗") } else { page.dim("✗") };
            page.line(format!(
                "{mark} {} {}  {}{on}: {}{class}, attempt {}{took}{standing} {}",
                date(row.at),
                clock(row.at),
                page.bold(&row.name),
                text(&row.step),
                row.attempt,
                page.dim(&format!("#{}", row.seq))
            ));
            page.line(format!("    {}", row.message));
        }
        if self.failures.is_empty() {
            page.line("nothing failed");
        } else {
            page.line("");
            page.line(page.dim("`story NAME` tells how each came about, and what to do next"));
        }
    }
}
