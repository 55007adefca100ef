//! Snapshots of the view: what saves a start the replay of what is long past. Never needed, and never trusted further than the
//! log: one that is damaged, of another log, of another program or ahead of the log is passed over.

use std::sync::Arc;

use spunto_events::group::Hash;
use spunto_events::log::EventLog;
use spunto_events::snapshot::{Snapshot, Snapshots};
use tracing::{info, warn};

use crate::directory::Directory;
use crate::journal::{REPLAY_BYTES, ReplayError};
use crate::view::View;

/// A server makes a snapshot when so many events came after the last one: a start replays no more than these and what came meanwhile.
/// Making one holds readers and the fold up for a few hundredths of a second.
pub const SNAPSHOT_EVENTS: u64 = 200_000;

/// Says which program makes the bytes: a hash of everything that decides what a view holds (see `build.rs`). A program that
/// folds otherwise, or keeps another shape, has another.
fn schema() -> Hash {
    Hash(*blake3::hash(env!("SPUNTO_VIEW_SOURCES").as_bytes()).as_bytes())
}

/// The view of a whole log: from the newest snapshot that fits, where there is one, and the events after it. Says too at which
/// event the snapshot was; 0 for none.
///
/// # Errors
/// The log is damaged, or holds an event that this version does not know.
pub fn restore(log: &dyn EventLog, snapshots: &Snapshots) -> Result<(View, u64), ReplayError> {
    let end = log.head().seq;
    let mut view = newest(log, snapshots).unwrap_or_default();
    let from = view.state.seq;
    while view.state.seq < end {
        for group in log.read(view.state.seq + 1, REPLAY_BYTES)? {
            for record in group.records() {
                view.apply(&record?);
            }
        }
    }
    info!(snapshot = from, replayed = end - from, "the log is replayed");
    Ok((view, from))
}

fn newest(log: &dyn EventLog, snapshots: &Snapshots) -> Option<View> {
    let found = match snapshots.newest(log.head().seq, schema(), |seq, hash| ends(log, seq) == Some(hash)) {
        Ok(found) => found?,
        Err(error) => {
            warn!(%error, "snapshots can't be read; the whole log is replayed instead");
            return None;
        }
    };
    match View::decode(&found.bytes) {
        Ok(view) if view.state.seq == found.seq => Some(view),
        Ok(_) => {
            warn!(seq = found.seq, "a snapshot holds another state than it says; the whole log is replayed instead");
            None
        }
        Err(error) => {
            warn!(seq = found.seq, %error, "a snapshot can't be read; the whole log is replayed instead");
            None
        }
    }
}

/// The hash of the group that ends with event `seq`; none when no group does.
fn ends(log: &dyn EventLog, seq: u64) -> Option<Hash> {
    let group = log.read(seq, 1).ok()?.into_iter().next()?;
    (group.last == seq).then_some(group.hash)
}

/// Keeps a view as a snapshot. It must stand at the end of a group, as views do between deliveries.
///
/// # Errors
/// Why there is none: it is too large, the disk failed, the log can't be read.
pub fn keep(log: &dyn EventLog, snapshots: &Snapshots, seq: u64, bytes: Vec<u8>) -> std::io::Result<()> {
    let hash = ends(log, seq).ok_or_else(|| std::io::Error::other(format!("no group ends with event {seq}")))?;
    snapshots.write(&Snapshot { seq, hash, schema: schema(), bytes })
}

/// Follows the directory and keeps a snapshot every so many events, on a thread of its own. `kept` is the event at which one is
/// there already.
pub fn follow(directory: Directory, log: Arc<dyn EventLog>, snapshots: Snapshots, kept: u64, every: u64) {
    let run = async move {
        let mut kept = kept;
        while directory.pass(kept + every - 1).await.is_some() {
            let (seq, bytes) = {
                let view = directory.view();
                (view.state.seq, view.encode())
            };
            // A disk that is full must not be filled by what nobody needs.
            let made = bytes.map_err(std::io::Error::other).and_then(|bytes| {
                log.room().map_err(std::io::Error::other)?;
                keep(log.as_ref(), &snapshots, seq, bytes)
            });
            match made {
                Ok(()) => info!(seq, "a snapshot is kept"),
                Err(error) => warn!(seq, %error, "no snapshot is kept; the next start replays more of the log"),
            }
            kept = seq;
        }
    };
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers needs nothing");
        runtime.block_on(run);
    };
    std::thread::Builder::new()
        .name("snapshots".into())
        .spawn(run)
        .expect("the operating system gives the process one more thread at start");
}

#[cfg(test)]
mod tests;
