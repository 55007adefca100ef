//! One thing's past, folded of its own events: for a node also of those of what was on it, for what runs on a node also of the node's.
//!
//! What was placed on a node and was gone by then adds nothing to how the node stood, with one exception: when something was placed on
//! it last. So of all that is gone only the last to come is folded.

use spunto_core::event::Event;
use spunto_core::id::{NodeId, OrgId, ProjectId};
use spunto_core::record::StreamId;
use spunto_core::state::State;

use super::pick::Picker;
use super::{EVENTS_MAX, PastError, Point, Then};
use crate::directory::{Directory, View};

/// Folds what the past of `stream` is made of, up to a point. It must be of this organisation and project.
pub(super) fn fold(
    directory: &Directory,
    org: OrgId,
    project: Option<ProjectId>,
    stream: StreamId,
    point: Point,
) -> Result<Then, PastError> {
    let mut picker = Picker::new(directory.feed().log());
    let placed = born(directory, &mut picker, org, stream, point)?;
    if placed.map(|(project, _)| project) != project {
        return Err(PastError::Unknown);
    }
    let seqs = {
        let view = directory.view();
        let streams = match stream {
            StreamId::Node(node) => {
                let mut streams = tenants(&view, org, node, point.seq);
                streams.push(stream);
                streams
            }
            _ => placed.map(|(_, node)| StreamId::Node(node)).into_iter().chain([stream]).collect(),
        };
        places(&view, org, &streams, point.seq)?
    };
    let mut state = State::default();
    for (number, seq) in seqs.iter().enumerate() {
        state.apply(&picker.record(*seq, seqs.get(number + 1).copied())?);
    }
    Ok(point.then(directory, org, state))
}

/// Checks that a thing belongs to the organisation and was there already; its project and the node that it was placed on, unless it is
/// a node.
fn born(
    directory: &Directory,
    picker: &mut Picker<'_>,
    org: OrgId,
    stream: StreamId,
    point: Point,
) -> Result<Option<(ProjectId, NodeId)>, PastError> {
    let first = directory.view().timeline(stream).first().copied().ok_or(PastError::Unknown)?;
    let record = picker.record(first, None)?;
    if record.org != Some(org) {
        return Err(PastError::Unknown);
    }
    if first > point.seq {
        return Err(PastError::NotYet { at: record.at, position: directory.feed().at(first) });
    }
    Ok(match record.event {
        Event::WorkerCreated(e) => Some((e.project, e.node)),
        Event::DeploymentCreated(e) => Some((e.project, e.node)),
        _ => None,
    })
}

/// What was on a node at a point, and what came last before it.
fn tenants(view: &View, org: OrgId, node: NodeId, seq: u64) -> Vec<StreamId> {
    let all = view.tenants(node);
    let come = all.partition_point(|stream| view.timeline(*stream).first().is_some_and(|first| *first <= seq));
    let known = view.state.orgs.get(&org);
    let lives = |stream: StreamId| match stream {
        StreamId::Worker(id) => known.is_some_and(|org| org.workers.contains_key(&id)),
        StreamId::Deployment(id) => known.is_some_and(|org| org.deployments.contains_key(&id)),
        StreamId::System | StreamId::Org(_) | StreamId::Node(_) => false,
    };
    // Nothing comes after the end of something that is gone, so its last event tells when that was.
    let was_there = |stream: StreamId| lives(stream) || view.timeline(stream).last().is_some_and(|last| *last > seq);
    let there = all[..come].iter().enumerate().filter(|(number, stream)| number + 1 == come || was_there(**stream));
    there.map(|(_, stream)| *stream).collect()
}

/// Where the events of these histories stand up to a point, in order; first the one that made the organisation.
fn places(view: &View, org: OrgId, streams: &[StreamId], seq: u64) -> Result<Vec<u64>, PastError> {
    let until = |stream: &StreamId| {
        let all = view.timeline(*stream);
        &all[..all.partition_point(|place| *place <= seq)]
    };
    let events = 1 + streams.iter().map(|stream| until(stream).len()).sum::<usize>();
    if events > EVENTS_MAX {
        return Err(PastError::TooLong { events });
    }
    let mut seqs = Vec::with_capacity(events);
    seqs.extend(view.timeline(StreamId::Org(org)).first());
    streams.iter().for_each(|stream| seqs.extend(until(stream)));
    seqs.sort_unstable();
    Ok(seqs)
}

/// That something was there no more; its last event tells since when.
pub(super) fn gone(directory: &Directory, stream: StreamId, point: Point) -> PastError {
    let last = directory.view().timeline(stream).iter().rev().find(|seq| **seq <= point.seq).copied();
    let told = last.map(|seq| Picker::new(directory.feed().log()).time(seq).map(|at| (at, directory.feed().at(seq))));
    match told {
        None => PastError::Unknown,
        Some(Ok((at, position))) => PastError::Gone { at, position },
        Some(Err(error)) => error,
    }
}
