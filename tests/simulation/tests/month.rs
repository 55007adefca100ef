//! A month of a large fleet, with all faults: at any point the log tells the state that was live then, the projections of readers come
//! out of it byte by byte, and every placement comes out the same again. `SPUNTO_MONTH_EVENTS` says how many events; `make test-full`
//! asks for a million on a thousand nodes.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::time::Instant;

use spunto_actors::directory::View;
use spunto_replay::history::History;
use spunto_replay::source::Source;
use spunto_replay::verify::verify;
use spunto_simulation::run::month::{Month, Seen, hash_of, live};
use spunto_simulation::seed::Seed;

/// Events of the short form.
const EVENTS: u64 = 12_000;

#[test]
fn the_log_of_a_month_tells_what_was_live() {
    let events = std::env::var("SPUNTO_MONTH_EVENTS").map_or(EVENTS, |events| events.parse().unwrap());
    let (nodes, looks) = if events >= 1_000_000 { (1000, 1000) } else { (60, 100) };
    let directory = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let month = live(&directory.path().join("log"), nodes, events, looks).unwrap();
    println!("{} events of {} nodes, {} sessions, lived in {:.1?}", month.events, month.nodes, month.sessions, began.elapsed());
    assert!(month.events >= events && month.seen.len() as u64 > looks * 9 / 10, "{} looks", month.seen.len());
    states_are_what_they_were(&month, Source::directory(directory.path()).unwrap());
    projections_are_what_they_were(&month, &Source::directory(directory.path()).unwrap());
    placements_are_the_same(&month, Source::directory(directory.path()));
}

/// Asked for in no order, as somebody who debugs does.
fn states_are_what_they_were(month: &Month, source: Source) {
    let began = Instant::now();
    let history = History::new(source);
    let seed = Seed::new(1);
    let mut seen = month.seen.clone();
    seen.sort_by_cached_key(|_| seed.number());
    for Seen { seq, state, .. } in &seen {
        assert_eq!(hash_of(&history.state_at(*seq).unwrap()).unwrap(), *state, "the state after event {seq}");
    }
    println!("{} states equal in {:.1?}", seen.len(), began.elapsed());
}

fn projections_are_what_they_were(month: &Month, source: &Source) {
    let began = Instant::now();
    let mut view = View::default();
    let mut left = month.seen.iter().peekable();
    source
        .visit(1, |record| {
            view.apply(&record);
            while let Some(seen) = left.next_if(|seen| seen.seq == record.seq) {
                assert_eq!(blake3::hash(&view.encode().unwrap()), seen.view, "the view after event {}", seen.seq);
            }
            Ok(std::ops::ControlFlow::Continue(()))
        })
        .unwrap();
    assert_eq!(left.next(), None);
    println!("{} views equal, byte by byte, in {:.1?}", month.seen.len(), began.elapsed());
}

fn placements_are_the_same(month: &Month, source: Result<Source, spunto_replay::failure::Failure>) {
    let began = Instant::now();
    let verdict = verify(source, true).unwrap();
    assert!(verdict.sound, "{:?} {:?}", verdict.damage, verdict.broken);
    let placed = verdict.versions.iter().filter(|row| row.kind == "worker.created" || row.kind == "deployment.created");
    assert_eq!(verdict.placements, placed.map(|row| row.events).sum::<u64>());
    assert!(verdict.placements > month.events / 50, "{} placements", verdict.placements);
    println!("verified, {} placements the same, in {:.1?}", verdict.placements, began.elapsed());
}
