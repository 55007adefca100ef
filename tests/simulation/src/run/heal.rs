//! The end of a run: all is well again, and time passes until it looks so.

use std::time::Duration;

use spunto_actors::clock::Clock;
use tokio::time::{Instant, sleep};

use super::World;
use crate::log::NextWrite;

/// How long all must be well until it looks so: an agent that was told to wait waits a minute.
const HEALS_WITHIN: Duration = Duration::from_secs(150);

/// How long it takes after a long while until all that was due then is done.
const SETTLES_WITHIN: Duration = Duration::from_secs(120);
/// How long such a while is: longer than any deadline of a provision.
const LAPSE_MS: i64 = 31 * 60 * 1000;
/// How many of them are needed at most: one to give a machine up, one to remove it, one more.
const LAPSES_MAX: usize = 3;

impl World {
    /// From here on all is well: every path open, every agent fresh with the right token, and time.
    pub(super) async fn heal(&mut self) {
        self.faults.heal();
        self.disk.arrange(NextWrite::Stored);
        self.disk.fill(false);
        self.network.mend();
        for slot in self.slots.values_mut() {
            slot.second = None;
            slot.process = None;
            slot.starts_at = Instant::now();
        }
        // Set right again: no event is of a later time.
        let behind = self.verdict.state.at.ms_since(self.clock.now());
        self.clock.jump(i64::try_from(behind).unwrap_or(0));
        self.pass(HEALS_WITHIN).await;
        for _ in 0..LAPSES_MAX {
            if self.verdict.is_settled() {
                return;
            }
            // A machine that never calls is given up, and removed, only after a long while: the server sleeps through it.
            self.kill_server();
            self.clock.jump(LAPSE_MS);
            self.pass(SETTLES_WITHIN).await;
        }
    }

    async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.keep_server();
            // The directory of a run is the log: nodes that were just made get their agents too.
            if self.verdict.follow(&self.disk, &self.network).is_err() {
                return;
            }
            self.keep_agents();
            sleep(Duration::from_secs(1)).await;
        }
    }
}
