//! `bisect`: the first event that made something true.
//!
//! A predicate is about one thing: `node web-1 status.state = draining`, `node web-1 load > 5`, `worker api exists`, `org ACME counts.nodes >= 20`.
//! Fields are those that `state` shows; a field with a `state` of its own stands for it (`node web-1 status = draining`).

use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;
use spunto_core::record::{Record, StreamId};
use spunto_core::state::State;

use super::story::concerns;
use super::timeline::Entry;
use crate::answer::{Answer, Page, date, inline};
use crate::failure::{EXIT_NO, EXIT_OK, Failure};
use crate::history::History;
use crate::point::Point;
use crate::subject;

/// How a predicate is written.
pub const PREDICATE_HELP: &str = "KIND NAME FIELD OP VALUE or KIND NAME exists|gone, such as \"node web-1 status = draining\", \
    \"node web-1 load > 5\", \"worker api unit.run = failed\", \"org ACME counts.nodes >= 20\", \"worker api exists\"; OP is one of = != < <= > >=";

/// Something that is true or false of a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicate {
    subject: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Exists,
    Gone,
    Compare { field: String, operator: Operator, value: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl FromStr for Predicate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("not a predicate; write {PREDICATE_HELP}");
        let words: Vec<&str> = text.split_whitespace().collect();
        let (subject, rest) = match words.as_slice() {
            [kind @ ("node" | "worker" | "deployment" | "org"), name, rest @ ..] => {
                let is_id = ["nod_", "wkr_", "dep_", "org_"].iter().any(|prefix| name.starts_with(prefix));
                (if is_id { (*name).to_owned() } else { format!("{kind}:{name}") }, rest)
            }
            _ => return Err(wrong()),
        };
        let test = match rest {
            ["exists"] => Test::Exists,
            ["gone"] => Test::Gone,
            [field, operator, value @ ..] if !value.is_empty() => {
                let operator = match *operator {
                    "=" | "==" | "is" => Operator::Equal,
                    "!=" => Operator::Unequal,
                    "<" => Operator::Less,
                    "<=" => Operator::AtMost,
                    ">" => Operator::More,
                    ">=" => Operator::AtLeast,
                    _ => return Err(wrong()),
                };
                Test::Compare { field: (*field).to_owned(), operator, value: value.join(" ") }
            }
            _ => return Err(wrong()),
        };
        Ok(Self { subject, test })
    }
}

/// The value of a field; none when it is not there.
fn field<'a>(tree: &'a Value, path: &str) -> Option<&'a Value> {
    let mut value = tree;
    for name in path.split('.') {
        value = value.get(name)?;
    }
    // `status` and `run` are states that carry their data; people mean the state.
    Some(value.get("state").filter(|state| state.is_string()).unwrap_or(value))
}

fn holds(test: &Test, tree: Option<&Value>) -> bool {
    match test {
        Test::Exists => tree.is_some(),
        Test::Gone => tree.is_none(),
        Test::Compare { field: path, operator, value } => {
            let Some(found) = tree.and_then(|tree| field(tree, path)) else { return false };
            compare(found, value).is_some_and(|order| match operator {
                Operator::Equal => order == Ordering::Equal,
                Operator::Unequal => order != Ordering::Equal,
                Operator::Less => order == Ordering::Less,
                Operator::AtMost => order != Ordering::Greater,
                Operator::More => order == Ordering::Greater,
                Operator::AtLeast => order != Ordering::Less,
            })
        }
    }
}

/// Compares a value with a text; lists and groups by how many are in them.
fn compare(found: &Value, with: &str) -> Option<Ordering> {
    match found {
        Value::Number(number) => number.as_f64()?.partial_cmp(&with.parse::<f64>().ok()?),
        Value::Array(items) => Some(items.len().cmp(&with.parse().ok()?)),
        Value::Object(map) => Some(map.len().cmp(&with.parse().ok()?)),
        other => Some(inline(other).as_str().cmp(with)),
    }
}

/// The first event that made a predicate true.
#[derive(Debug, Serialize)]
pub struct Turn {
    /// The event; none when it never came true.
    pub event: Option<Entry>,
    /// Whether it was true from the very beginning of what was looked at.
    pub already: bool,
    /// How often it became false again after that.
    pub turned_back: u64,
    /// Whether it is true at the end.
    pub at_end: bool,
}

/// Looks for the first event in (`from`, `to`] that made a predicate true. All of them are looked at, as it may turn back and forth.
///
/// # Errors
/// There is nothing of that name; no such field; the log can't be read.
pub fn search(history: &History, predicate: &Predicate, from: Point, to: Point) -> Result<Turn, Failure> {
    let source = history.source();
    let (from, to) = (from.resolve(source)?, to.resolve(source)?);
    let survey = history.survey(|_, _| Ok(()))?;
    let stream = subject::find(&predicate.subject, &survey.state, &survey.names)?;
    let mut state = history.state_at(from)?;
    let mut searcher = Searcher { stream, test: &predicate.test, was: false, known_field: false, turn: None, turned_back: 0 };
    let already = searcher.look(&state);
    searcher.was = already;
    source.visit(from + 1, |record| {
        if record.seq > to {
            return Ok(ControlFlow::Break(()));
        }
        let touches = searcher.touches(&state, &record);
        state.apply(&record);
        if touches {
            searcher.step(&state, &record);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    if let (Test::Compare { field, .. }, false) = (&predicate.test, searcher.known_field) {
        return Err(Failure::Usage(format!("there is no field \"{field}\"; `state {}` shows them", predicate.subject)));
    }
    let event = searcher.turn.as_ref().map(|record| Entry::new(record, &survey.names));
    Ok(Turn { event, already, turned_back: searcher.turned_back, at_end: searcher.was })
}

struct Searcher<'a> {
    stream: StreamId,
    test: &'a Test,
    was: bool,
    known_field: bool,
    turn: Option<Record>,
    turned_back: u64,
}

impl Searcher<'_> {
    /// Whether an event may change the subject: its own do, and those of what runs on it or belongs to it.
    fn touches(&self, before: &State, record: &Record) -> bool {
        record.stream == self.stream
            || match self.stream {
                StreamId::Node(node) => concerns(before, record, node),
                StreamId::Org(org) => record.org == Some(org),
                _ => false,
            }
    }

    fn look(&mut self, state: &State) -> bool {
        let tree = match self.stream {
            // The things in an organisation are many and counted in `counts`.
            StreamId::Org(id) => state.orgs.get(&id).map(|org| spunto_core::readable::org_alone(id, org)),
            stream => subject::tree(state, stream),
        };
        if let Test::Compare { field: path, .. } = self.test {
            self.known_field |= tree.as_ref().is_some_and(|tree| field(tree, path).is_some());
        }
        holds(self.test, tree.as_ref())
    }

    fn step(&mut self, after: &State, record: &Record) {
        let is = self.look(after);
        if is && !self.was && self.turn.is_none() {
            self.turn = Some(record.clone());
        }
        self.turned_back += u64::from(!is && self.was && self.turn.is_some());
        self.was = is;
    }
}

impl Answer for Turn {
    fn page(&self, page: &mut Page) {
        match &self.event {
            Some(entry) => {
                page.line(page.dim(&format!("{} (UTC)", date(entry.at))));
                page.line(entry.line(page));
                let since = if self.at_end { "it is true at the end" } else { "it is not true at the end" };
                let back = match self.turned_back {
                    0 => "it never turned false again".to_owned(),
                    1 => "it turned false again once".to_owned(),
                    times => format!("it turned false again {times} times"),
                };
                page.line(format!("{since}; {back}"));
            }
            None if self.already => page.line("it was true from the beginning of what was looked at"),
            None => page.line("it never came true"),
        }
    }

    fn exit(&self) -> u8 {
        if self.event.is_some() || self.already { EXIT_OK } else { EXIT_NO }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn predicates_are_read_and_wrong_ones_explained() {
        for text in ["node web-1 status = draining", "node nod_aaaaaaaaaaaaa load >= 5", "worker api exists", "org A counts.nodes > 2"] {
            assert!(text.parse::<Predicate>().is_ok(), "{text}");
        }
        for text in ["", "node", "node web-1", "node web-1 load", "node web-1 load ~ 5", "cat tom exists", "node web-1 load >"] {
            assert!(text.parse::<Predicate>().is_err_and(|error| error.contains("KIND NAME")), "{text}");
        }
    }

    #[test]
    fn values_compare_as_what_they_are() {
        let tree = json!({ "status": { "state": "online" }, "load": 10, "units": ["a", "b"], "maintenance": null });
        for (predicate, expected) in [
            ("status = online", true),
            ("status.state != online", false),
            ("load > 9", true),
            ("load < 9", false),
            ("load <= 10", true),
            ("units >= 2", true),
            ("maintenance = none", true),
            ("absent = 1", false),
            ("load = many", false),
        ] {
            let parsed: Predicate = format!("node n {predicate}").parse().expect("a predicate");
            assert_eq!(holds(&parsed.test, Some(&tree)), expected, "{predicate}");
        }
        assert!(!holds(&Test::Exists, None) && holds(&Test::Gone, None));
    }
}
