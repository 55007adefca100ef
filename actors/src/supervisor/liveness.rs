//! Whether an agent answers: pure bookkeeping of pings and answers, with the time passed in.
//!
//! Only an answer to a ping younger than the deadline renews; gauges, and bytes as such, are no sign of life.

use std::collections::VecDeque;
use std::time::Duration;

use spunto_core::id::NodeId;
use spunto_core::protocol::{DEADLINE_MS, PING_EVERY_MS, SUSPECT_AFTER_MS};
use tokio::time::Instant;

/// How long after a session's begin its first ping goes out: agents that come back all at once are not pinged all at once ever
/// after. Even over the nodes, and the same for a node every time.
pub(super) const fn phase(node: NodeId) -> Duration {
    // Fibonacci hashing: numbers in a row land far apart, and so do random ones.
    let scattered = node.as_u64().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    Duration::from_millis((scattered * PING_EVERY_MS) >> 32)
}

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vigor {
    /// It answers.
    Alive,
    /// It owes an answer.
    Suspect,
    /// It owed one for too long.
    Dead,
}

/// Pings that wait for an answer, and when the last answer came.
#[derive(Debug)]
pub(super) struct Liveness {
    pings: VecDeque<(u32, Instant)>,
    next_nonce: u32,
    renewed: Instant,
}

impl Liveness {
    /// A session that was accepted now: its hello was an answer.
    pub(super) fn new(now: Instant, first_nonce: u32) -> Self {
        Self { pings: VecDeque::new(), next_nonce: first_nonce, renewed: now }
    }

    /// The nonce to ping with, when it is time to.
    pub(super) fn ping(&mut self, now: Instant) -> Option<u32> {
        let every = Duration::from_millis(PING_EVERY_MS);
        if self.pings.back().is_some_and(|(_, sent)| now.duration_since(*sent) < every) {
            return None;
        }
        while self.pings.front().is_some_and(|(_, sent)| now.duration_since(*sent) >= Duration::from_millis(DEADLINE_MS)) {
            self.pings.pop_front();
        }
        let nonce = self.next_nonce;
        self.next_nonce = self.next_nonce.wrapping_add(1);
        self.pings.push_back((nonce, now));
        Some(nonce)
    }

    /// Takes an answer; tells the round trip when it renews.
    pub(super) fn pong(&mut self, nonce: u32, now: Instant) -> Option<Duration> {
        let place = self.pings.iter().position(|(sent, _)| *sent == nonce)?;
        let (_, sent) = self.pings[place];
        // The newest ping stays known even when answered, so that the next is not sent early.
        let answered = if place + 1 == self.pings.len() { place } else { place + 1 };
        self.pings.drain(..answered);
        let took = now.duration_since(sent);
        if took >= Duration::from_millis(DEADLINE_MS) {
            return None;
        }
        self.renewed = now;
        Some(took)
    }

    pub(super) fn vigor(&self, now: Instant) -> Vigor {
        match now.duration_since(self.renewed).as_millis() {
            silent if silent >= u128::from(DEADLINE_MS) => Vigor::Dead,
            silent if silent >= u128::from(SUSPECT_AFTER_MS) => Vigor::Suspect,
            _ => Vigor::Alive,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn first_pings_are_even_over_the_time_between_two() {
        let mut seconds = [0; 3];
        for number in 1..=3000 {
            let phase = phase(NodeId::from_u64(1_000_000 + number));
            seconds[usize::try_from(phase.as_secs()).expect("less than three")] += 1;
        }
        assert!(seconds.iter().all(|count| (900..1100).contains(count)), "{seconds:?}");
    }

    #[test]
    fn answers_keep_a_session_alive() {
        let start = Instant::now();
        let mut live = Liveness::new(start, 7);
        for second in 0..100 {
            if let Some(nonce) = live.ping(at(start, second * 1000)) {
                assert_eq!(second % 3, 0);
                assert_eq!(live.pong(nonce, at(start, second * 1000 + 20)), Some(Duration::from_millis(20)));
            }
            assert_eq!(live.vigor(at(start, second * 1000 + 20)), Vigor::Alive);
        }
    }

    #[test]
    fn silence_is_suspect_at_five_and_dead_at_eight() {
        let start = Instant::now();
        let mut live = Liveness::new(start, 0);
        for second in 0..9 {
            live.ping(at(start, second * 1000));
        }
        assert_eq!(live.vigor(at(start, 4_999)), Vigor::Alive);
        assert_eq!(live.vigor(at(start, 5_000)), Vigor::Suspect);
        assert_eq!(live.vigor(at(start, 8_000)), Vigor::Dead);
    }

    #[test]
    fn only_a_fresh_nonce_that_was_sent_renews() {
        let start = Instant::now();
        let mut live = Liveness::new(start, 0);
        let first = live.ping(start).expect("the first ping is due at once");
        assert_eq!(live.pong(first + 1, at(start, 10)), None, "a nonce that was never sent");
        assert_eq!(live.pong(first, at(start, 8_000)), None, "an answer that took too long");
        assert_eq!(live.vigor(at(start, 8_000)), Vigor::Dead);
    }

    #[test]
    fn a_late_answer_to_the_last_but_one_ping_counts_once() {
        let start = Instant::now();
        let mut live = Liveness::new(start, 0);
        let first = live.ping(start).expect("due");
        let second = live.ping(at(start, 3000)).expect("due");
        assert!(live.pong(first, at(start, 4000)).is_some());
        assert!(live.pong(first, at(start, 4001)).is_none(), "answered already");
        assert!(live.pong(second, at(start, 4002)).is_some());
        assert_eq!(live.ping(at(start, 4003)), None, "the next is due 3 s after the last");
    }
}
