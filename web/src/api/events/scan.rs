//! Looks for events of one kind among all of the log, in either direction, and says where to go on.

use spunto_actors::feed::Feed;
use spunto_actors::journal::ReplayError;
use spunto_core::record::Record;

/// Events looked at for one page; with few of one's own among many of others' a page may be short, and says where to go on.
const SCANNED_MAX: u64 = 20_000;
/// Events that are read at a time on the way back: the log itself is read forwards.
const STEP: u64 = 1_000;

/// What was found.
pub(super) struct Scanned {
    /// The events, in the order of the scan.
    pub(super) found: Vec<Record>,
    /// Where the next page goes on; none at the end.
    pub(super) next: Option<u64>,
}

/// Events after `after` up to `end`, oldest first.
pub(super) fn forwards(feed: &Feed, after: u64, end: u64, limit: usize, takes: impl Fn(&Record) -> bool) -> Result<Scanned, ReplayError> {
    let (mut found, mut seq) = (Vec::new(), after);
    while seq < end.min(after + SCANNED_MAX) && found.len() < limit {
        for record in feed.read(seq + 1)?.records() {
            seq = record.seq;
            if takes(record) {
                found.push(record.clone());
            }
            if found.len() >= limit || seq >= end {
                break;
            }
        }
    }
    Ok(Scanned { found, next: (seq < end).then_some(seq) })
}

/// Events before `before`, newest first.
pub(super) fn backwards(feed: &Feed, before: u64, limit: usize, takes: impl Fn(&Record) -> bool) -> Result<Scanned, ReplayError> {
    let (mut found, mut seq) = (Vec::new(), before);
    while seq > 1 && before - seq < SCANNED_MAX && found.len() < limit {
        let (start, mut window) = (seq.saturating_sub(STEP).max(1), Vec::new());
        let mut next = start;
        while next < seq {
            for record in feed.read(next)?.records().take_while(|record| record.seq < seq) {
                next = record.seq + 1;
                if takes(record) {
                    window.push(record.clone());
                }
            }
        }
        seq = start;
        for record in window.into_iter().rev() {
            if found.len() >= limit {
                break;
            }
            seq = if found.len() + 1 == limit { record.seq } else { start };
            found.push(record);
        }
    }
    Ok(Scanned { found, next: (seq > 1).then_some(seq) })
}
