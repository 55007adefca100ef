//! Packs: stored groups one after the other, as values of one key-value tree. Must not know which tree.

use std::ops::ControlFlow;

use super::store::{PACK_BYTES_MAX, TREE_VALUES_MAX};
use crate::group::{Group, GroupError};
use crate::log::stored::{self, Check};

/// Size of a value, unless a pack needs larger ones to fit into one tree.
const VALUE_BYTES: usize = 64 << 10;

/// Cuts a pack into values: no more than a tree takes, or, of a group that is larger than a pack, of [`VALUE_BYTES`].
pub(super) fn cut_into(pack: &[u8]) -> std::slice::Chunks<'_, u8> {
    let even = if pack.len() <= PACK_BYTES_MAX { pack.len().div_ceil(TREE_VALUES_MAX) } else { 0 };
    pack.chunks(even.max(VALUE_BYTES))
}

/// Puts groups together again, value by value.
pub(super) struct Unpacking {
    from: u64,
    check: Check,
    /// First event of the pack at hand, and number of the value that was taken last; none before the first.
    place: Option<(u64, u16)>,
    /// Event that the next group of the pack starts with.
    next: u64,
    /// What was taken and belongs to a group that is not whole yet.
    bytes: Vec<u8>,
}

impl Unpacking {
    /// Starts at the pack of event `start`; groups that end before event `from` are passed over.
    pub(super) const fn new(start: u64, from: u64, check: Check) -> Self {
        Self { from, check, place: None, next: start, bytes: Vec::new() }
    }

    /// Takes the value at `place` (first event of its pack, number of the value) and shows the groups that are whole with it.
    ///
    /// # Errors
    /// A value is missing or has no place here; a group is damaged.
    pub(super) fn take(
        &mut self,
        place: Option<(u64, u16)>,
        value: &[u8],
        each: &mut impl FnMut(Group) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, GroupError> {
        let Some((first, number)) = place else { return Err(GroupError::Header { first: self.next }) };
        let goes_on = self.place.is_some_and(|(pack, last)| pack == first && last.checked_add(1) == Some(number));
        if !goes_on {
            if number != 0 || !self.bytes.is_empty() {
                return Err(GroupError::Header { first: self.next });
            }
            self.next = first;
        }
        self.place = place;
        if self.bytes.is_empty() {
            let left = self.show(value, each)?;
            return Ok(left.map_continue(|used| self.bytes.extend_from_slice(&value[used..])));
        }
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.extend_from_slice(value);
        Ok(self.show(&bytes, each)?.map_continue(|used| {
            bytes.drain(..used);
            self.bytes = bytes;
        }))
    }

    /// Shows the whole groups at the start of `bytes`; says how many bytes they take.
    fn show(&mut self, bytes: &[u8], each: &mut impl FnMut(Group) -> ControlFlow<()>) -> Result<ControlFlow<(), usize>, GroupError> {
        let mut rest = bytes;
        while rest.len() >= stored::HEAD_BYTES {
            let heading = stored::heading(rest, self.next)?;
            if heading.first != self.next || heading.last < heading.first {
                return Err(GroupError::Header { first: self.next });
            }
            let Some((whole, after)) = rest.split_at_checked(stored::HEAD_BYTES + heading.bytes) else { break };
            if heading.last >= self.from {
                let (_, group, _) = stored::decode(whole, self.next, self.check)?;
                if each(group).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            self.next = heading.last + 1;
            rest = after;
        }
        Ok(ControlFlow::Continue(bytes.len() - rest.len()))
    }

    /// All values were taken.
    ///
    /// # Errors
    /// The last group is not whole.
    pub(super) fn end(&self) -> Result<(), GroupError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(GroupError::Header { first: self.next }) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a pack that can't be read is a failed test")]

    use super::*;
    use crate::group::Hash;
    use crate::log::{Head, conformance};

    /// Packs of these groups, as keys and values.
    fn pack(groups: &[Group]) -> Vec<((u64, u16), Vec<u8>)> {
        let mut bytes = Vec::new();
        groups.iter().for_each(|group| stored::encode(group, 0, &mut bytes));
        let first = groups.first().unwrap().first;
        (0..).zip(cut_into(&bytes)).map(|(number, value)| ((first, number), value.to_vec())).collect()
    }

    fn groups(sizes: &[u64]) -> Vec<Group> {
        let mut head = Head { incarnation: 0, seq: 0, hash: Hash::default() };
        let next = |size: &u64| {
            let group = conformance::next(head, *size);
            head = Head { seq: group.last, hash: group.hash, ..head };
            group
        };
        sizes.iter().map(next).collect()
    }

    fn unpack(values: &[((u64, u16), Vec<u8>)], from: u64) -> Result<Vec<Group>, GroupError> {
        let (mut found, mut unpacking) = (Vec::new(), Unpacking::new(1, from, Check::Chain));
        for (place, value) in values {
            let _ = unpacking.take(Some(*place), value, &mut |group| {
                found.push(group);
                ControlFlow::Continue(())
            })?;
        }
        unpacking.end().map(|()| found)
    }

    #[test]
    fn groups_come_out_as_they_went_in_wherever_the_values_end() {
        let groups = groups(&[1, 4000, 3, 700, 2, 2, 4000, 1]);
        let mut values = pack(&groups[..5]);
        assert!(values.len() > 3 && values.len() <= TREE_VALUES_MAX, "{}", values.len());
        values.extend(pack(&groups[5..]));
        assert_eq!(unpack(&values, 1).unwrap(), groups);
        assert_eq!(unpack(&values, groups[2].last).unwrap(), groups[2..]);
    }

    #[test]
    fn a_pack_as_large_as_one_may_be_fits_into_a_tree_and_a_larger_group_is_cut_small() {
        assert_eq!(cut_into(&vec![0; PACK_BYTES_MAX]).len(), TREE_VALUES_MAX);
        assert!(cut_into(&vec![0; PACK_BYTES_MAX + 1]).all(|value| value.len() <= VALUE_BYTES));
        assert_eq!(cut_into(&[0; 1]).len(), 1);
    }

    #[test]
    fn a_value_that_is_missing_or_out_of_place_is_found() {
        let groups = groups(&[1, 4000, 3, 4000]);
        let values = pack(&groups);
        assert!(values.len() > 3);
        for gone in 0..values.len() {
            let mut rest = values.clone();
            rest.remove(gone);
            assert!(unpack(&rest, 1).is_err(), "value {gone}");
        }
        let mut swapped = values.clone();
        swapped.swap(1, 2);
        assert!(unpack(&swapped, 1).is_err());
        let mut unpacking = Unpacking::new(1, 1, Check::Chain);
        assert!(unpacking.take(None, &values[0].1, &mut |_| ControlFlow::Continue(())).is_err());
    }
}
