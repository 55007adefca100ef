//! `verify`: whether a log is what was written, and holds together.
//!
//! Four layers, each checked on its own: the storage (checksums, roots, the noted head) when it is opened; the chain of groups, hashed
//! anew; every event's kind, version and shape; and the invariants of the state that they make. Says the exact event where one fails.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde::Serialize;
use spunto_core::check::{Finding, check, check_next};
use spunto_core::event::KINDS;
use spunto_core::explain::{placement, rerun};
use spunto_core::record::{Record, StreamId};
use spunto_core::state::State;
use spunto_core::time::Timestamp;
use spunto_events::frame;
use spunto_events::group::{Group, Hash};

use crate::answer::{Answer, Page};
use crate::failure::{EXIT_DAMAGED, EXIT_OK, Failure};
use crate::source::{Kind, Source};

/// Events between two checks of the whole state; what one finds is looked for event by event since the one before.
const WHOLE_CHECK_EVENTS: u64 = 10_000;
/// Findings that are told; one bad event often makes many.
const FINDINGS_MAX: usize = 20;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// The event at which it was seen first.
    pub seq: u64,
    /// Number of the invariant.
    pub invariant: &'static str,
    /// What was found.
    pub what: String,
}

/// Where a log is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The first event that can't be trusted.
    pub seq: u64,
    /// The last event that can be trusted, with all before it.
    pub sound_to: u64,
    /// Which part of the storage, and what is wrong with it.
    pub what: String,
}

/// How often a version of a kind is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// The kind.
    pub kind: &'static str,
    /// Its version on disk.
    pub version: u16,
    /// How often.
    pub events: u64,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Verdict {
    /// Whether everything is as it should be.
    pub sound: bool,
    /// What was looked at.
    pub kind: Option<Kind>,
    /// Events that were looked at.
    pub events: u64,
    /// Groups that were looked at; none of a slice.
    pub groups: u64,
    /// The last event.
    pub last: u64,
    /// Time of the last event.
    pub last_at: Timestamp,
    /// Hash of the last group.
    pub head: String,
    /// Placements that were taken again, and came out the same.
    pub placements: u64,
    /// Kinds and versions.
    pub versions: Vec<Versions>,
    /// Where it is damaged.
    pub damage: Option<Damage>,
    /// What to do about the damage.
    pub next: Option<&'static str>,
    /// What does not hold.
    pub broken: Vec<Broken>,
}

/// Verifies what was opened. `placements`: every placement is taken again too, which looks at all nodes for each.
///
/// # Errors
/// It can't be read at all. Damage is no error here, but the answer.
pub fn verify(opened: Result<Source, Failure>, placements: bool) -> Result<Verdict, Failure> {
    let mut verdict = Verdict::default();
    let looked = opened.and_then(|source| {
        verdict.kind = Some(source.kind());
        look(&source, placements, &mut verdict)
    });
    match looked {
        Ok(()) => {}
        Err(Failure::Damaged { at, sound_to, what }) => verdict.damage = Some(Damage { seq: at, sound_to, what }),
        Err(other) => return Err(other),
    }
    verdict.sound = verdict.damage.is_none() && verdict.broken.is_empty();
    Ok(verdict)
}

impl Verdict {
    /// The same, with what to do where it is damaged.
    #[must_use]
    pub fn advised(self, next: &'static str) -> Self {
        let next = self.damage.is_some().then_some(next);
        Self { next, ..self }
    }
}

fn look(source: &Source, placements: bool, verdict: &mut Verdict) -> Result<(), Failure> {
    let mut versions = BTreeMap::<(u16, u16), u64>::new();
    let mut chain = (0, Hash::default());
    if source.is_whole() {
        source.groups(1, |group| {
            follow(&mut chain, group)?;
            verdict.groups += 1;
            count_versions(group, &mut versions);
            Ok(ControlFlow::Continue(()))
        })?;
        verdict.head = format!("{:?}", chain.1);
        if chain.0 != source.end() {
            let what = format!("the log ends with event {}, but {} was acknowledged", chain.0, source.end());
            return Err(Failure::Damaged { at: chain.0 + 1, sound_to: chain.0, what });
        }
    }
    verdict.versions = named(&versions);
    let mut invariants =
        Invariants { whole: source.is_whole(), placements, state: State::default(), last_sound: State::default(), slice: BTreeMap::new() };
    source.visit(1, |record| {
        invariants.see(source, &record, verdict)?;
        let enough = verdict.broken.len() >= FINDINGS_MAX;
        Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    invariants.check_whole(source, verdict)
}

/// Hashes a group anew and compares it with the chain.
fn follow(chain: &mut (u64, Hash), group: &Group) -> Result<(), Failure> {
    let (seq, hash) = *chain;
    group.verify(seq + 1, hash).map_err(|fault| Failure::Damaged {
        at: fault.at().unwrap_or(seq + 1),
        sound_to: seq,
        what: fault.to_string(),
    })?;
    *chain = (group.last, group.hash);
    Ok(())
}

fn count_versions(group: &Group, versions: &mut BTreeMap<(u16, u16), u64>) {
    let mut rest = group.frames.as_slice();
    while let Ok((found, after)) = frame::decode(rest) {
        *versions.entry((found.header.kind, found.header.version)).or_default() += 1;
        rest = after;
    }
}

fn named(versions: &BTreeMap<(u16, u16), u64>) -> Vec<Versions> {
    let name = |kind: u16| KINDS.iter().find(|(number, _)| *number == kind).map_or("unknown", |(_, name)| name);
    versions.iter().map(|(&(kind, version), &events)| Versions { kind: name(kind), version, events }).collect()
}

struct Invariants {
    whole: bool,
    placements: bool,
    state: State,
    /// At the last check of the whole state.
    last_sound: State,
    /// Of a slice: version and time of each history so far.
    slice: BTreeMap<StreamId, (u64, Timestamp)>,
}

impl Invariants {
    fn see(&mut self, source: &Source, record: &Record, verdict: &mut Verdict) -> Result<(), Failure> {
        verdict.events += 1;
        (verdict.last, verdict.last_at) = (record.seq, record.at);
        let tell = |findings: Vec<Finding>| {
            findings.into_iter().map(|found| Broken { seq: record.seq, invariant: found.invariant, what: found.what }).collect::<Vec<_>>()
        };
        if !self.whole {
            verdict.broken.extend(tell(self.check_slice(record)));
            return Ok(());
        }
        verdict.broken.extend(tell(check_next(&self.state, record)));
        if self.placements
            && let Some(placed) = placement(&record.event)
        {
            let fleet = record.org.and_then(|org| self.state.orgs.get(&org)).map(|org| &org.fleet);
            let rerun = fleet.map(|fleet| rerun(fleet, &placed));
            match rerun {
                Some(rerun) if rerun.differences.is_empty() => verdict.placements += 1,
                Some(rerun) => {
                    let what = format!("taken again, the placement comes out otherwise: {}", rerun.differences.join("; "));
                    verdict.broken.push(Broken { seq: record.seq, invariant: "INV-16", what });
                }
                None => {}
            }
        }
        self.state.apply(record);
        if self.state.seq.is_multiple_of(WHOLE_CHECK_EVENTS) {
            self.check_whole(source, verdict)?;
        }
        Ok(())
    }

    /// Checks the whole state; where something does not hold, finds the event since the last check that broke it.
    fn check_whole(&mut self, source: &Source, verdict: &mut Verdict) -> Result<(), Failure> {
        if !self.whole {
            return Ok(());
        }
        if check(&self.state).is_empty() {
            self.last_sound = self.state.clone();
            return Ok(());
        }
        let (mut state, to) = (self.last_sound.clone(), self.state.seq);
        source.visit(state.seq + 1, |record| {
            state.apply(&record);
            let found = check(&state);
            let any = !found.is_empty();
            verdict.broken.extend(found.into_iter().take(FINDINGS_MAX).map(|found| Broken {
                seq: record.seq,
                invariant: found.invariant,
                what: found.what,
            }));
            Ok(if any || record.seq >= to { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    }

    /// What holds of each history in a slice: its events follow one another in time, and their versions grow.
    fn check_slice(&mut self, record: &Record) -> Vec<Finding> {
        let before = self.slice.insert(record.stream, (record.stream_version, record.at));
        match before {
            Some((version, at)) if record.stream_version <= version || record.at < at => {
                let what = format!("version {} of {} follows version {version} of {at}", record.stream_version, record.at);
                vec![Finding { invariant: "INV-03", what }]
            }
            _ => Vec::new(),
        }
    }
}

impl Answer for Verdict {
    fn page(&self, page: &mut Page) {
        if let Some(Damage { seq, sound_to, what }) = &self.damage {
            page.line(page.red(&format!("damaged at event {seq}: {what}")));
            page.line(format!("sound up to event {sound_to}"));
            if let Some(next) = self.next {
                page.line(format!("next: {next}"));
            }
            return;
        }
        match &self.kind {
            Some(Kind::Slice { selection, kept, omitted }) => {
                page.line(format!("slice: {selection}"));
                page.line(format!("{kept} events, and the digests of {omitted} others that stood between them; the chain holds"));
            }
            _ => page.line(format!(
                "{} events in {} groups, up to #{} ({}); the chain holds",
                self.events, self.groups, self.last, self.last_at
            )),
        }
        if !self.head.is_empty() {
            page.line(format!("head {}", self.head));
        }
        let old: Vec<String> = self.versions.iter().map(|row| format!("{} v{} × {}", row.kind, row.version, row.events)).collect();
        if !old.is_empty() {
            page.line(page.dim(&format!("kinds and versions: {}", old.join(", "))));
        }
        if self.placements > 0 {
            page.line(format!("{} placements taken again: the same node each time", self.placements));
        }
        for broken in self.broken.iter().take(FINDINGS_MAX) {
            page.line(page.red(&format!("{} is broken at event {}: {}", broken.invariant, broken.seq, broken.what)));
        }
        page.line(if self.sound { page.green("sound") } else { page.red("not sound") });
    }

    fn exit(&self) -> u8 {
        if self.sound { EXIT_OK } else { EXIT_DAMAGED }
    }
}
