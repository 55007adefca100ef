//! Reads an organisation's events in order and decodes no others.

use std::ops::ControlFlow;

use spunto_core::id::OrgId;
use spunto_core::record::Record;
use spunto_events::codec;
use spunto_events::frame;
use spunto_events::group::GroupError;
use spunto_events::log::{EventLog, ReadError};

use super::PastError;

/// Bytes of the log read at a time.
const STRIDE_BYTES: usize = 1 << 20;

/// Shows an organisation's events after event `after`, up to event `to`, until `each` has enough.
pub(crate) fn scan(
    log: &dyn EventLog,
    org: OrgId,
    after: u64,
    to: u64,
    mut each: impl FnMut(Record) -> ControlFlow<()>,
) -> Result<(), PastError> {
    let mut next = after + 1;
    while next <= to {
        let groups = log.read(next, STRIDE_BYTES)?;
        let Some(last) = groups.last().map(|group| group.last) else { break };
        for group in groups {
            let mut rest = group.frames.as_slice();
            while !rest.is_empty() {
                let damaged = |fault| ReadError::Damaged { sound_to: next - 1, fault: GroupError::Frame { seq: next, fault } };
                let (found, more) = frame::decode(rest).map_err(damaged)?;
                rest = more;
                let wanted = found.header.org == Some(org) && found.header.seq > after && found.header.seq <= to;
                if wanted && each(codec::decode(found)?).is_break() {
                    return Ok(());
                }
            }
        }
        next = last + 1;
    }
    Ok(())
}
