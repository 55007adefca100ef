#![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]

use history::{Dice, History, ORGS, project, things};
use spunto_core::extract::Extract;
use spunto_core::record::Record;
use spunto_events::slice::SliceReader;

use super::*;
mod history;

#[test]
fn one_thing_s_past_equals_the_whole_fold_at_every_position() {
    let history = History::new(7);
    let (things, directory) = (things(&history), &history.directory);
    let (mut seen, mut gone, mut not_yet) = ([0; 3], 0, 0);
    history.each(|whole| {
        let point = Point::after(whole.seq);
        for (org, stream) in &things {
            let org = *org;
            // Workers at every ninth position: there are hundreds.
            if !matches!(stream, StreamId::Node(_)) && !(whole.seq + directory.view().timeline(*stream)[0]).is_multiple_of(9) {
                continue;
            }
            let known = whole.orgs.get(&org);
            let (told, there, kind) = match *stream {
                StreamId::Node(id) => {
                    let told = node(directory, org, id, point);
                    let expected = known.and_then(|org| org.fleet.node(id));
                    if let (Ok(then), Some(expected)) = (&told, expected) {
                        assert_eq!(then.org().unwrap().fleet.node(id), Some(expected), "{id} after {}", whole.seq);
                        let on_it = known.unwrap().workers.iter().filter(|(_, worker)| worker.unit.node == id);
                        assert!(then.org().unwrap().workers.iter().eq(on_it), "what ran on {id} after {}", whole.seq);
                    }
                    (told, expected.is_some(), 0)
                }
                StreamId::Worker(id) => {
                    let told = worker(directory, org, project(org), id, point);
                    let expected = known.and_then(|org| org.workers.get(&id));
                    if let (Ok(then), Some(expected)) = (&told, expected) {
                        assert_eq!(then.org().unwrap().workers.get(&id), Some(expected), "{id} after {}", whole.seq);
                        let connected = |org: &Org| org.fleet.node(expected.unit.node).map(spunto_core::state::Node::is_connected);
                        assert_eq!(connected(then.org().unwrap()), connected(known.unwrap()));
                    }
                    (told, expected.is_some(), 1)
                }
                StreamId::Deployment(id) => {
                    let told = deployment(directory, org, project(org), id, point);
                    let expected = known.and_then(|org| org.deployments.get(&id));
                    if let (Ok(then), Some(expected)) = (&told, expected) {
                        assert_eq!(then.org().unwrap().deployments.get(&id), Some(expected), "{id} after {}", whole.seq);
                    }
                    (told, expected.is_some(), 2)
                }
                StreamId::System | StreamId::Org(_) => continue,
            };
            match told {
                Ok(_) if there => seen[kind] += 1,
                Err(PastError::NotYet { position, .. }) if !there => {
                    assert!(position.seq > whole.seq);
                    not_yet += 1;
                }
                Err(PastError::Gone { position, .. }) if !there => {
                    assert!(position.seq <= whole.seq);
                    gone += 1;
                }
                other => panic!("{stream:?} after {}, there: {there}: {other:?}", whole.seq),
            }
        }
    });
    println!("{} events; seen: {seen:?}, gone: {gone}, not yet: {not_yet}", history.records.len());
    assert!(history.records.len() > 500 && seen.iter().all(|times| *times > 300) && gone > 1_000 && not_yet > 1_000, "too little to see");
}

#[test]
fn an_organisation_s_past_equals_the_whole_fold_whatever_is_kept() {
    let history = History::new(11);
    let archive = Archive::default();
    let mut wholes: Vec<State> = Vec::new();
    history.each(|whole| wholes.push(whole.clone()));
    let (mut dice, mut compared) = (Dice(1), 0);
    for _ in 0..400 {
        let whole = &wholes[usize::try_from(dice.roll(wholes.len() as u64)).unwrap()];
        for org in ORGS {
            match archive.org(&history.directory, org, Point::after(whole.seq)) {
                Ok(then) => {
                    assert_eq!(then.state.orgs.get(&org), whole.orgs.get(&org), "{org} after {}", whole.seq);
                    compared += 1;
                }
                Err(PastError::NotYet { position, .. }) => assert!(!whole.orgs.contains_key(&org) && position.seq > whole.seq),
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(compared > 400, "{compared}");
    let never = archive.org(&history.directory, OrgId::from_u64(9), Point::after(5));
    assert!(matches!(never, Err(PastError::Unknown)), "{never:?}");
}

#[test]
fn a_moment_is_found_by_position_and_time_or_refused_with_the_reason() {
    let history = History::new(3);
    let directory = &history.directory;
    let end = directory.feed().position();
    let now = Timestamp::from_ms(1 << 40);
    let find = |moment| Point::find(directory, moment, now);
    let (first, last) = (history.records[0].at, history.records.last().unwrap().at);
    for ms in (first.ms() - 3..last.ms() + 3).step_by(97) {
        let at = Timestamp::from_ms(ms);
        let expected = history.records.iter().rev().find(|record| record.at <= at).map_or(0, |record| record.seq);
        assert_eq!(find(Moment::Time(at)).unwrap(), Point { seq: expected, asked: Some(at) });
    }
    assert_eq!(find(Moment::Position(end)).unwrap(), Point::after(end.seq));
    let future = find(Moment::Position(Position { seq: end.seq + 1, ..end }));
    assert!(matches!(&future, Err(PastError::Future { end: told }) if *told == end), "{future:?}");
    assert!(matches!(find(Moment::Time(now.plus_ms(1))), Err(PastError::Future { .. })));
    assert!(matches!(find(Moment::Position(Position { incarnation: 1, ..end })), Err(PastError::OtherLog)));
    for text in ["", "yesterday", "12", "2026-11-24", "0000000000000abc.0"] {
        assert_eq!(text.parse::<Moment>(), Err(InvalidMoment), "{text}");
    }
    assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Moment::Time(Timestamp::from_ms(1000))));
    assert_eq!(end.to_string().parse(), Ok(Moment::Position(end)));
}

#[test]
fn what_is_of_another_organisation_is_unknown_at_any_time() {
    let history = History::new(7);
    let (org, stream) = things(&history).into_iter().find(|(org, stream)| *org == ORGS[0] && matches!(stream, StreamId::Node(_))).unwrap();
    let StreamId::Node(id) = stream else { panic!("it was looked for") };
    for seq in [1, 60, history.records.len() as u64] {
        assert!(matches!(node(&history.directory, ORGS[1], id, Point::after(seq)), Err(PastError::Unknown)));
    }
    assert!(check_node(&history.directory, org, id).is_ok() && check_node(&history.directory, ORGS[1], id).is_err());
    let wrong = story(&history.directory, &Archive::default(), ORGS[1], id).map(|told| told.name);
    assert!(matches!(wrong, Err(PastError::Unknown)), "{wrong:?}");
}

#[test]
fn enough_readers_are_enough() {
    let history = History::new(3);
    let archive = Archive::default();
    let held: Vec<_> = (0..8).map(|_| archive.room().unwrap()).collect();
    assert!(matches!(archive.room(), Err(PastError::Busy)));
    drop(held);
    assert!(archive.room().is_ok() && archive.org(&history.directory, ORGS[0], Point::after(9)).is_ok());
}

#[test]
fn a_node_s_story_is_the_one_that_a_whole_reading_tells() {
    use spunto_core::names::Names;
    use spunto_core::stats::Statistics;
    use spunto_core::story::Story;
    let history = History::new(7);
    let archive = Archive::default();
    for (org, stream) in things(&history) {
        let StreamId::Node(id) = stream else { continue };
        let told = story(&history.directory, &archive, org, id).unwrap();
        let (mut names, mut statistics, mut whole) = (Names::default(), Statistics::default(), Story::of(stream));
        let ours: Vec<&Record> = history.records.iter().filter(|record| record.org == Some(org)).collect();
        for record in &ours {
            names.observe(record);
            let took = statistics.observe(record);
            if record.stream == stream {
                whole.tell(record, &names, took);
            }
        }
        whole.compare(|step, place| statistics.usual(*step, place));
        assert_eq!((told.story, told.omitted), (whole, 0));
    }
}

#[test]
fn a_node_s_slice_folds_to_the_node_and_holds_what_it_needs_and_no_more() {
    let history = History::new(7);
    for (org, stream) in things(&history) {
        let StreamId::Node(id) = stream else { continue };
        let mut bytes = Vec::new();
        let first = history.directory.view().timeline(StreamId::Org(org))[0];
        crate::excerpt::write_node(&*history.log, org, id, first, &mut bytes).unwrap();
        let (mut reader, mut state, mut kept) = (SliceReader::open(bytes.as_slice()).unwrap(), State::default(), Vec::new());
        while let Some(group) = reader.next_group().unwrap() {
            for (_, frame) in group {
                let record = spunto_events::codec::decode(spunto_events::frame::decode(&frame).unwrap().0).unwrap();
                state.apply(&record);
                kept.push(record);
            }
        }
        let whole = history.directory.read(|state| state.orgs.get(&org).and_then(|org| org.fleet.node(id).cloned()));
        assert_eq!(state.orgs.get(&org).and_then(|org| org.fleet.node(id).cloned()), whole);
        let mut extract = Extract::about(stream);
        history.records.iter().for_each(|record| extract.see(record));
        let takes = |record: &Record| {
            extract.takes_stream(record.stream).unwrap_or_else(|| extract.takes(&record.event)) && record.org == Some(org)
        };
        let expected: Vec<&Record> = history.records.iter().filter(|record| record.seq <= extract.last() && takes(record)).collect();
        assert!(kept.iter().eq(expected), "{id}");
        assert!(kept.iter().all(|record| record.org == Some(org)));
        let members = kept.iter().filter(|record| record.event.name().starts_with("member.")).count();
        assert_eq!(members, 0, "who belongs to the organisation is nobody's business");
    }
    let foreign = crate::excerpt::write_node(&*history.log, ORGS[1], NodeId::from_u64(100), 1, Vec::new());
    assert!(foreign.is_err());
}
