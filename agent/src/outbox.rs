//! Observations that the server has not acknowledged. The result of an order is never dropped nor merged away; of what nobody
//! asked for, the latest of each unit is enough.

use std::collections::BTreeMap;

use spunto_core::id::{OperationId, UnitId};
use spunto_core::observe::Observed;
use spunto_core::protocol::FromAgent;

struct Entry {
    unit: UnitId,
    operation: OperationId,
    observed: Observed,
    solicited: bool,
}

/// See the module.
#[derive(Default)]
pub struct Outbox {
    next: u64,
    entries: BTreeMap<u64, Entry>,
}

impl Outbox {
    /// The result of an order. The same result again is not sent twice.
    pub fn result(&mut self, unit: UnitId, operation: OperationId, observed: Observed) {
        let known = self.entries.values().any(|entry| entry.solicited && entry.operation == operation && entry.observed == observed);
        if !known {
            self.push(Entry { unit, operation, observed, solicited: true });
        }
    }

    /// Something that happened to a unit by itself.
    pub fn happened(&mut self, unit: UnitId, operation: OperationId, observed: Observed) {
        self.entries.retain(|_, entry| entry.solicited || entry.unit != unit);
        self.push(Entry { unit, operation, observed, solicited: false });
    }

    fn push(&mut self, entry: Entry) {
        self.next += 1;
        self.entries.insert(self.next, entry);
    }

    /// The server has it.
    pub fn acknowledged(&mut self, id: u64) {
        self.entries.remove(&id);
    }

    /// Forgets what an inventory is about to tell anyway.
    pub fn forget_happenings(&mut self) {
        self.entries.retain(|_, entry| entry.solicited);
    }

    /// Frames of everything after `sent`, in order, and the last one's number.
    #[must_use]
    pub fn after(&self, sent: u64) -> (Vec<FromAgent>, u64) {
        let frames = self.entries.range(sent + 1..).map(|(id, entry)| FromAgent::Observation {
            id: *id,
            unit: entry.unit,
            operation: entry.operation,
            observed: entry.observed.clone(),
        });
        (frames.collect(), self.entries.keys().next_back().copied().unwrap_or(sent).max(sent))
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spunto_core::id::WorkerId;

    const U: UnitId = UnitId::Worker(WorkerId::from_u64(1));
    const V: UnitId = UnitId::Worker(WorkerId::from_u64(2));

    fn op(number: u64) -> OperationId {
        OperationId::from_u64(number)
    }

    fn ids(outbox: &Outbox, sent: u64) -> Vec<u64> {
        let number = |frame: &FromAgent| if let FromAgent::Observation { id, .. } = frame { *id } else { 0 };
        outbox.after(sent).0.iter().map(number).collect()
    }

    #[test]
    fn results_stay_until_acknowledged_and_happenings_are_merged() {
        let mut outbox = Outbox::default();
        outbox.result(U, op(1), Observed::Stopped);
        outbox.result(U, op(2), Observed::Removed);
        outbox.result(U, op(2), Observed::Removed);
        for _ in 0..100 {
            outbox.happened(U, op(1), Observed::Stopped);
        }
        outbox.happened(V, op(3), Observed::Stopped);
        assert_eq!(ids(&outbox, 0), [1, 2, 102, 103]);
        outbox.acknowledged(1);
        assert_eq!(ids(&outbox, 0), [2, 102, 103]);
        assert_eq!(ids(&outbox, 102), [103]);
        outbox.forget_happenings();
        assert_eq!(ids(&outbox, 0), [2]);
        assert_eq!(outbox.after(2), (vec![], 2));
    }
}
