//! `placement`: a decision taken again from the log, node by node; and what it would have been had something been otherwise.

use std::ops::ControlFlow;
use std::str::FromStr;

use serde::Serialize;
use spunto_core::explain::{self, Change, Comparison, Row, Table, placement};
use spunto_core::id::NodeId;
use spunto_core::place::Decider;
use spunto_core::record::{Record, StreamId};
use spunto_core::state::{Org, State};

use crate::answer::{Answer, Page};
use crate::failure::{EXIT_NO, EXIT_OK, Failure};
use crate::history::History;
use crate::subject;

/// Something that might have been otherwise, as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WhatIf {
    /// `not-draining=NODE`
    NotDraining(String),
    /// `not-in-maintenance=NODE`
    NotInMaintenance(String),
    /// `ready=NODE`
    Ready(String),
    /// `absent=NODE`
    Absent(String),
    /// `load=NODE:NUMBER`
    Load(String, u32),
    /// `without-label=KEY`
    WithoutLabel(String),
    /// `label=KEY:VALUE`
    WithLabel(String, String),
    /// `any-node`
    AnyNode,
    /// `policy=NAME`
    Policy(Comparison),
}

/// How a what-if is written.
pub const WHAT_IF_HELP: &str = "not-draining=NODE, not-in-maintenance=NODE, ready=NODE, absent=NODE, load=NODE:NUMBER, label=KEY:VALUE, \
    without-label=KEY, any-node, policy=least-loaded|most-loaded|longest-ago";

impl FromStr for WhatIf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("not a what-if; write one of: {WHAT_IF_HELP}");
        if text == "any-node" {
            return Ok(Self::AnyNode);
        }
        let (what, of) = text.split_once('=').ok_or_else(unknown)?;
        let of = of.to_owned();
        let pair = || of.rsplit_once(':').map(|(left, right)| (left.to_owned(), right.to_owned())).ok_or_else(unknown);
        Ok(match what {
            "not-draining" => Self::NotDraining(of),
            "not-in-maintenance" => Self::NotInMaintenance(of),
            "ready" => Self::Ready(of),
            "absent" => Self::Absent(of),
            "load" => {
                let (node, load) = pair()?;
                Self::Load(node, load.parse().map_err(|_| unknown())?)
            }
            "without-label" => Self::WithoutLabel(of),
            "label" => {
                let (key, value) = pair()?;
                Self::WithLabel(key, value)
            }
            "policy" => Self::Policy(match of.as_str() {
                "least-loaded" => Comparison::LeastLoaded,
                "most-loaded" => Comparison::MostLoaded,
                "longest-ago" => Comparison::LongestAgo,
                _ => return Err(unknown()),
            }),
            _ => return Err(unknown()),
        })
    }
}

/// A decision taken again.
#[derive(Debug, Serialize)]
pub struct Decision {
    /// The event that tells of it.
    pub seq: u64,
    /// What was placed, with its kind.
    pub placed: String,
    /// Its id.
    pub id: String,
    /// The node that it got.
    pub chosen: NodeId,
    /// The node's name.
    pub chosen_name: String,
    /// The event up to which the decision saw the log.
    pub decided_at: u64,
    /// Every node as the decision saw it, best first.
    pub table: Table,
    /// Whether the decision comes out the same.
    pub same: bool,
    /// Where it does not, in words.
    pub differences: Vec<String>,
    /// Whether all that was asked for is in the log; of old events the labels' text is not.
    pub complete: bool,
    /// What it would have been.
    pub what_if: Option<Otherwise>,
}

/// What a decision would have been.
#[derive(Debug, Serialize)]
pub struct Otherwise {
    /// The node; none when no node could have taken it.
    pub chosen: Option<NodeId>,
    /// Its name.
    pub chosen_name: Option<String>,
    /// Every node.
    pub table: Table,
}

/// Takes the placement of what `text` means again.
///
/// # Errors
/// There is none; the log can't be read or is a slice, which does not show all nodes.
pub fn decide_again(history: &History, text: &str, what_ifs: &[WhatIf]) -> Result<Decision, Failure> {
    let source = history.source();
    if !source.is_whole() {
        return Err(Failure::Usage(
            "a placement is compared with every node; a slice does not show them all: ask the whole log".to_owned(),
        ));
    }
    let survey = history.survey(|_, _| Ok(()))?;
    let stream = subject::find(text, &survey.state, &survey.names)?;
    if !matches!(stream, StreamId::Worker(_) | StreamId::Deployment(_)) {
        return Err(Failure::Usage(format!("{text} is a {}: workers and deployments are placed", subject::kind_of(stream))));
    }
    let mut found: Option<Record> = None;
    source.visit(1, |record| {
        if record.stream == stream && placement(&record.event).is_some() {
            found = Some(record);
            return Ok(ControlFlow::Break(()));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let record = found.ok_or_else(|| Failure::NotFound(format!("no placement of {text} is in this log")))?;
    let placed = placement(&record.event).ok_or_else(|| Failure::NotFound(format!("no placement of {text} is in this log")))?;
    let state = history.state_at(placed.receipt.decided_at)?;
    let org = org_of(&state, &record)?;
    let rerun = explain::rerun(&org.fleet, &placed);
    let what_if = if what_ifs.is_empty() {
        None
    } else {
        let changes = what_ifs.iter().map(|what_if| change(org, what_if)).collect::<Result<Vec<_>, _>>()?;
        let table = explain::table(&org.fleet, &placed.asked, &changes);
        let chosen = table.chosen();
        let chosen_name = chosen.map(|node| name_of(org, node));
        Some(Otherwise { chosen, chosen_name, table })
    };
    Ok(Decision {
        seq: record.seq,
        placed: survey.names.stream(stream),
        id: subject::id_of(stream),
        chosen: placed.node,
        chosen_name: name_of(org, placed.node),
        decided_at: placed.receipt.decided_at,
        same: rerun.differences.is_empty(),
        table: rerun.table,
        differences: rerun.differences,
        complete: rerun.complete,
        what_if,
    })
}

fn org_of<'a>(state: &'a State, record: &Record) -> Result<&'a Org, Failure> {
    let org = record.org.and_then(|org| state.orgs.get(&org));
    org.ok_or_else(|| Failure::NotFound("the organisation was not there when the decision was taken".to_owned()))
}

fn name_of(org: &Org, node: NodeId) -> String {
    org.fleet.node(node).map_or_else(|| node.to_string(), |known| known.name.clone())
}

/// A what-if with its node found among those of that time.
fn change(org: &Org, what_if: &WhatIf) -> Result<Change, Failure> {
    let node = |text: &String| {
        let found = text.parse().ok().filter(|id| org.fleet.node(*id).is_some()).or_else(|| org.fleet.named(text));
        found.ok_or_else(|| {
            let there: Vec<&str> = org.fleet.nodes().take(20).map(|(_, node)| node.name.as_str()).collect();
            Failure::NotFound(format!("there was no node \"{text}\" when the decision was taken; there were: {}", there.join(", ")))
        })
    };
    Ok(match what_if {
        WhatIf::NotDraining(text) => Change::NotDraining(node(text)?),
        WhatIf::NotInMaintenance(text) => Change::NotInMaintenance(node(text)?),
        WhatIf::Ready(text) => Change::Ready(node(text)?),
        WhatIf::Absent(text) => Change::Absent(node(text)?),
        WhatIf::Load(text, load) => Change::Load(node(text)?, *load),
        WhatIf::WithoutLabel(key) => Change::WithoutLabel(key.clone()),
        WhatIf::WithLabel(key, value) => Change::WithLabel(key.clone(), value.clone()),
        WhatIf::AnyNode => Change::AnyNode,
        WhatIf::Policy(comparison) => Change::Compare(*comparison),
    })
}

/// Lines of a table that people see; programs get all.
const ROWS_SHOWN: usize = 30;

fn print_table(page: &mut Page, table: &Table) {
    let cells = |row: &Row| {
        let place = row.place.map_or_else(|| "-".to_owned(), |place| place.to_string());
        let placed = if row.last_placed == 0 { "never".to_owned() } else { format!("#{}", row.last_placed) };
        let why = row.ineligible.map_or_else(String::new, |why| why.words().to_owned());
        vec![
            place,
            row.name.clone(),
            row.load.to_string(),
            placed,
            format!("{:.1}", row.cpu_millis_free as f64 / 1000.0),
            mib(row.memory_bytes_free),
            why,
        ]
    };
    let rows: Vec<Vec<String>> = table.rows.iter().take(ROWS_SHOWN).map(cells).collect();
    page.table(&["place", "node", "load", "last placed on", "free CPU", "free memory", "could not take it because"], &rows);
    if table.rows.len() > ROWS_SHOWN {
        page.line(page.dim(&format!("and {} more (all with --json)", table.rows.len() - ROWS_SHOWN)));
    }
    let why = match table.decided_by {
        None => "no node could take it",
        Some(Decider::OnlyCandidate) => "no other node could take it",
        Some(Decider::Load) => "the load decided",
        Some(Decider::PlacedLongestAgo) => "the load was equal; the one placed on longest ago won",
        Some(Decider::Id) => "load and history were equal; the smaller id won",
    };
    page.line(why);
}

fn mib(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

impl Answer for Decision {
    fn page(&self, page: &mut Page) {
        let Self { seq, placed, id, chosen_name, decided_at, .. } = self;
        page.line(page.bold(&format!("{placed} ({id}) was placed on {chosen_name} by #{seq}, on what was known after #{decided_at}")));
        print_table(page, &self.table);
        page.line("");
        if self.same && self.complete {
            page.line(page.green("taken again from the log, it comes out the same"));
        } else if self.same {
            page.line(
                page.yellow("it fits; the log does not hold the labels that were asked for then, so it could not be taken again exactly"),
            );
        } else {
            page.line(page.red("taken again from the log, it comes out otherwise:"));
            self.differences.iter().for_each(|difference| page.line(format!("  {difference}")));
        }
        if let Some(otherwise) = &self.what_if {
            page.line("");
            let verdict = match &otherwise.chosen_name {
                None => "what if: no node could have taken it".to_owned(),
                Some(name) if otherwise.chosen == Some(self.chosen) => format!("what if: it would have been {name} too"),
                Some(name) => format!("what if: it would have been {name}"),
            };
            page.line(page.bold(&verdict));
            print_table(page, &otherwise.table);
        }
    }

    fn exit(&self) -> u8 {
        if self.same { EXIT_OK } else { EXIT_NO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ifs_are_written_as_the_help_says() {
        for (text, expected) in [
            ("not-draining=web-1", WhatIf::NotDraining("web-1".into())),
            ("load=web-1:7", WhatIf::Load("web-1".into(), 7)),
            ("label=zone:eu", WhatIf::WithLabel("zone".into(), "eu".into())),
            ("policy=most-loaded", WhatIf::Policy(Comparison::MostLoaded)),
            ("any-node", WhatIf::AnyNode),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["", "ready", "load=web-1", "load=web-1:x", "policy=best", "draining=web-1"] {
            assert!(text.parse::<WhatIf>().is_err_and(|error| error.contains("not-draining=NODE")), "{text}");
        }
    }
}
