//! The absorbing thread: moves groups from the tail into sled, makes them durable there, and seals segments that are full.
//!
//! Everything it does can be done again: what it has not finished when the process ends is found in the tail.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::{Progress, RECENT_BYTES_MAX, Shared, roll};
use crate::group::Group;
use crate::log::file::SegmentWriter;

/// The active segment, as far as it is absorbed.
struct Segment {
    fill: Fill,
    /// Its sealed file, written along. None after a start amid a segment: then the file is written from sled when it is full.
    draft: Option<SegmentWriter>,
}

/// How full the active segment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fill {
    pub(super) events: u64,
    pub(super) bytes: u64,
}

/// Starts the thread; it ends when the log is closed or poisoned.
pub(super) fn start(shared: Arc<Shared>, fill: Fill) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("log-absorber".to_owned()).spawn(move || {
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&shared, fill)));
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(why)) => drop(shared.poison(why)),
            Err(_) => drop(shared.poison("the absorbing thread panicked".to_owned())),
        }
    })
}

fn run(shared: &Shared, fill: Fill) -> Result<(), String> {
    let mut segment = Segment { fill, draft: None };
    loop {
        let (absorbed, closing) = wait(shared, &mut shared.progress.lock());
        let waiting = waiting(shared, absorbed);
        let Some(last) = waiting.last().map(|group| group.last) else {
            if closing {
                return Ok(());
            }
            shared.progress.lock().urged = false;
            continue;
        };
        let mut rest = waiting.as_slice();
        while !rest.is_empty() {
            rest = absorb(shared, rest, &mut segment)?;
        }
        let active = Arc::clone(&shared.view.read().active);
        active.settle(&shared.disk)?;
        forget(shared, last);
        let bytes: usize = waiting.iter().map(|group| group.frames.len()).sum();
        let mut progress = shared.progress.lock();
        progress.absorbed = last;
        progress.waiting_bytes = progress.waiting_bytes.saturating_sub(bytes as u64);
        progress.urged = false;
        shared.moved.notify_all();
    }
}

/// Waits until there is enough to do, or somebody waits for it, or the log is closed.
fn wait(shared: &Shared, progress: &mut parking_lot::MutexGuard<'_, Progress>) -> (u64, bool) {
    while progress.waiting_bytes < shared.options.absorb_bytes && !progress.urged && !progress.closing && progress.poison.is_none() {
        shared.work.wait(progress);
    }
    (progress.absorbed, progress.closing || progress.poison.is_some())
}

fn waiting(shared: &Shared, absorbed: u64) -> Vec<Arc<Group>> {
    let view = shared.view.read();
    let start = view.recent.partition_point(|group| group.last <= absorbed);
    view.recent.range(start..).cloned().collect()
}

/// Puts the first of these groups into the active segment, as many as fit into it; says what is left.
fn absorb<'a>(shared: &Shared, groups: &'a [Arc<Group>], segment: &mut Segment) -> Result<&'a [Arc<Group>], String> {
    if segment.fill.events > 0 && !fits(shared, segment.fill, &groups[0]) {
        roll::roll(shared, groups[0].first, segment.draft.take())?;
        segment.fill = Fill::default();
    }
    let active = Arc::clone(&shared.view.read().active);
    if segment.fill.events == 0 {
        segment.draft = Some(roll::begin_draft(shared, &groups[0])?);
    }
    let mut count = 0;
    for group in groups {
        if count > 0 && !fits(shared, segment.fill, group) {
            break;
        }
        segment.fill.events += group.last - group.first + 1;
        segment.fill.bytes += group.frames.len() as u64;
        count += 1;
    }
    let (batch, rest) = groups.split_at(count);
    active.insert(&shared.disk, batch)?;
    if let Some(draft) = &mut segment.draft {
        batch.iter().try_for_each(|group| draft.push(group)).map_err(|error| error.to_string())?;
    }
    Ok(rest)
}

fn fits(shared: &Shared, fill: Fill, group: &Group) -> bool {
    fill.events + (group.last - group.first + 1) <= shared.options.segment_events_max
        && fill.bytes + group.frames.len() as u64 <= shared.options.segment_bytes_max
}

/// Lets go of the oldest groups in memory that sled holds.
fn forget(shared: &Shared, absorbed: u64) {
    let mut view = shared.view.write();
    while view.recent_bytes > RECENT_BYTES_MAX && view.recent.front().is_some_and(|group| group.last <= absorbed) {
        let gone = view.recent.pop_front().map_or(0, |group| group.frames.len());
        view.recent_bytes -= gone;
    }
}
