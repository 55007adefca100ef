//! The durable steps of the log, one by one, for whoever wants to see their order or make one fail.

use std::io;

/// A step after which the disk holds more than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// sled holds the group in memory.
    GroupApplied,
    /// sled has written it to its file.
    GroupFlushed,
    /// That file is synced.
    SegmentSynced,
    /// The head file says where the log ends.
    HeadWritten,
    /// The head file is synced; from here on the group is acknowledged.
    HeadSynced,
    /// A segment's directory, its files and their entries are synced.
    SegmentMade,
    /// A sealed segment is written.
    SealedWritten,
    /// It is synced.
    SealedSynced,
    /// It has its name, and the directory is synced.
    SealedNamed,
    /// The segment after it is made.
    NextSegmentMade,
    /// The form it had before is removed.
    OldSegmentRemoved,
}

/// Sees each step when it is done. An error makes the step fail; a test may also end the process.
pub trait Watch: Send + Sync {
    /// The step is done.
    ///
    /// # Errors
    /// The step is to be taken as failed.
    fn passes(&self, step: Step) -> io::Result<()>;
}

/// Nobody watches.
impl Watch for () {
    fn passes(&self, _: Step) -> io::Result<()> {
        Ok(())
    }
}
