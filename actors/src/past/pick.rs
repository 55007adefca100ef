//! Picks single events out of the log: reads the group that holds one, not what stands around it, and decodes no other.

use std::sync::Arc;

use spunto_core::record::Record;
use spunto_core::time::Timestamp;
use spunto_events::codec;
use spunto_events::frame::{self, FrameRef};
use spunto_events::group::{Group, GroupError};
use spunto_events::log::{EventLog, ReadError};

use super::PastError;

/// Events that stand no further apart than this are read in one stride.
const NEAR_EVENTS: u64 = 128;
/// Bytes of such a stride.
const STRIDE_BYTES: usize = 64 << 10;

/// Reads single events; cheapest when they are asked for in order.
pub(super) struct Picker<'a> {
    log: &'a dyn EventLog,
    /// The groups that were read last, in order.
    held: Vec<Arc<Group>>,
}

impl<'a> Picker<'a> {
    pub(super) const fn new(log: &'a dyn EventLog) -> Self {
        Self { log, held: Vec::new() }
    }

    /// The event with this sequence; `next` is the one that will be asked for after it, where that is known.
    pub(super) fn record(&mut self, seq: u64, next: Option<u64>) -> Result<Record, PastError> {
        let near = next.is_some_and(|next| next.saturating_sub(seq) <= NEAR_EVENTS);
        self.frame(seq, if near { STRIDE_BYTES } else { 1 }, |frame| codec::decode(frame).map_err(PastError::from))?
    }

    /// When the event with this sequence happened.
    pub(super) fn time(&mut self, seq: u64) -> Result<Timestamp, PastError> {
        self.frame(seq, 1, |frame| frame.header.at)
    }

    fn frame<T>(&mut self, seq: u64, bytes: usize, look: impl FnOnce(FrameRef<'_>) -> T) -> Result<T, PastError> {
        let holds = |group: &&Arc<Group>| group.first <= seq && seq <= group.last;
        if self.held.iter().find(holds).is_none() {
            self.held = self.log.read(seq, bytes)?;
        }
        let missing = || ReadError::Damaged { sound_to: seq - 1, fault: GroupError::Gap { expected: seq, actual: seq + 1 } };
        let group = self.held.iter().find(holds).ok_or_else(missing)?;
        let damaged = |fault| ReadError::Damaged { sound_to: seq - 1, fault: GroupError::Frame { seq, fault } };
        let mut rest = group.frames.as_slice();
        loop {
            // The frames were checked when the group was read; those before it are only passed over.
            let (found, after) = frame::measure(rest).map_err(damaged)?;
            if found == seq {
                return Ok(look(frame::decode(rest).map_err(damaged)?.0));
            }
            rest = after;
        }
    }
}
