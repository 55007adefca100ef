//! The latest order of each unit, so that an older one that comes again, late, is not carried out a second time: what was removed must
//! not come back. Bounded: of units that have had no order for long nothing is known, as after a restart.

use std::collections::{HashMap, HashSet, VecDeque};

use spunto_core::id::{OperationId, UnitId};

/// Orders remembered as over.
const OVER_MAX: usize = 4096;
/// Units whose latest order is known.
const UNITS_MAX: usize = 4096;

/// See the module.
#[derive(Default)]
pub struct Latest {
    of_unit: HashMap<UnitId, OperationId>,
    units: VecDeque<UnitId>,
    over: HashSet<OperationId>,
    oldest: VecDeque<OperationId>,
}

impl Latest {
    /// Takes an order for a unit in; true when another has come after it already.
    pub fn is_over(&mut self, unit: UnitId, operation: OperationId) -> bool {
        if self.over.contains(&operation) {
            return true;
        }
        match self.of_unit.insert(unit, operation) {
            Some(before) if before != operation => {
                self.over.insert(before);
                self.oldest.push_back(before);
            }
            Some(_) => {}
            None => self.units.push_back(unit),
        }
        if self.oldest.len() > OVER_MAX
            && let Some(forgotten) = self.oldest.pop_front()
        {
            self.over.remove(&forgotten);
        }
        if self.units.len() > UNITS_MAX
            && let Some(forgotten) = self.units.pop_front()
        {
            self.of_unit.remove(&forgotten);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spunto_core::id::WorkerId;

    const U: UnitId = UnitId::Worker(WorkerId::from_u64(1));

    fn op(number: u64) -> OperationId {
        OperationId::from_u64(number)
    }

    #[test]
    fn the_same_order_again_is_not_over_an_older_one_is() {
        let mut latest = Latest::default();
        assert!(!latest.is_over(U, op(1)));
        assert!(!latest.is_over(U, op(1)), "sent again, as its answer was lost");
        assert!(!latest.is_over(U, op(2)));
        assert!(latest.is_over(U, op(1)), "it would undo the second");
        assert!(!latest.is_over(U, op(2)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut latest = Latest::default();
        for number in 0..20_000 {
            latest.is_over(UnitId::Worker(WorkerId::from_u64(number)), op(2 * number));
            latest.is_over(U, op(2 * number + 1));
        }
        assert!(latest.over.len() <= OVER_MAX && latest.of_unit.len() <= UNITS_MAX + 1);
    }
}
