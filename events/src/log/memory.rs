//! The log in memory: for tests and simulation. Survives nothing.

use std::sync::Arc;

use parking_lot::RwLock;

use super::{AppendError, EventLog, Head, ReadError};
use crate::group::{Group, Hash};

/// A log that lives as long as its value.
#[derive(Debug)]
pub struct MemoryLog {
    incarnation: u64,
    groups: RwLock<Vec<Arc<Group>>>,
}

impl MemoryLog {
    /// An empty log.
    #[must_use]
    pub const fn new(incarnation: u64) -> Self {
        Self { incarnation, groups: RwLock::new(Vec::new()) }
    }
}

fn head_of(incarnation: u64, groups: &[Arc<Group>]) -> Head {
    groups.last().map_or(Head { incarnation, seq: 0, hash: Hash::default() }, |group| Head {
        incarnation,
        seq: group.last,
        hash: group.hash,
    })
}

impl EventLog for MemoryLog {
    fn head(&self) -> Head {
        head_of(self.incarnation, &self.groups.read())
    }

    fn append(&self, group: Group) -> Result<Head, AppendError> {
        let mut groups = self.groups.write();
        let head = head_of(self.incarnation, &groups);
        super::admit(&group, head)?;
        groups.push(Arc::new(group));
        Ok(head_of(self.incarnation, &groups))
    }

    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        let groups = self.groups.read();
        let start = groups.partition_point(|group| group.last < from);
        let mut bytes = 0;
        let fits = |group: &&Arc<Group>| {
            let room = bytes < bytes_max || bytes == 0;
            bytes += group.frames.len();
            room
        };
        Ok(groups[start..].iter().take_while(fits).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::MemoryLog;
    use crate::log::conformance;

    #[test]
    fn keeps_what_every_log_promises() {
        conformance::check(|| MemoryLog::new(7));
    }
}
