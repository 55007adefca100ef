//! Connections that were refused, counted in memory so that the log gets one event per reason, address and hour.

use std::collections::BTreeMap;

use spunto_core::event::ConnectionRefusal;
use spunto_core::protocol::Retry;
use spunto_core::time::Timestamp;

/// Addresses and reasons counted at a time; beyond that nothing more is counted or recorded until some are an hour old.
const COUNTED_MAX: usize = 64;
/// One event per reason and address in this time.
const RECORD_EVERY_MS: u64 = 60 * 60 * 1000;

/// What a refused agent is told.
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    pub(super) retry: Retry,
}

pub(super) const fn words(reason: ConnectionRefusal) -> Words {
    match reason {
        ConnectionRefusal::TokenRotated => Words {
            code: "token_rotated",
            message: "this token was rotated; run the commands that the rotation showed: remove the container, then run it with the new NODE_TOKEN",
            retry: Retry::Later,
        },
        ConnectionRefusal::WrongToken => Words {
            code: "wrong_token",
            message: "this token is not this node's; copy the NODE_TOKEN again, whole, or rotate the node's token",
            retry: Retry::Later,
        },
        ConnectionRefusal::AlreadyConnected => Words {
            code: "already_connected",
            message: "another agent with this token is connected and answers; stop it, or create a node of its own for this machine",
            retry: Retry::Soon,
        },
        ConnectionRefusal::UnsupportedProtocol => Words {
            code: "unsupported_protocol",
            message: "this agent's protocol is not one that the control plane speaks; run the agent image that the node's page shows",
            retry: Retry::Later,
        },
        ConnectionRefusal::WrongEnrolment => Words {
            code: "enrolment_unknown",
            message: "this enrolment token is of no machine that is being made; delete this machine, and retry the node",
            retry: Retry::Later,
        },
        ConnectionRefusal::EnrolmentUsed => Words {
            code: "enrolment_used",
            message: "this enrolment token was used; rotate the node's token, and run the commands that the rotation shows",
            retry: Retry::Later,
        },
        ConnectionRefusal::EnrolmentExpired => {
            Words { code: "enrolment_expired", message: "this enrolment token's time is over; retry the node", retry: Retry::Later }
        }
        ConnectionRefusal::MachineRemoved => Words {
            code: "machine_goes",
            message: "this machine is being removed at its provider; its node gets another one by a retry",
            retry: Retry::Later,
        },
    }
}

/// Counts per reason and address.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    counted: BTreeMap<(ConnectionRefusal, String), (u32, Option<Timestamp>)>,
}

impl Refusals {
    /// Counts one; says how many attempts to record now, when it is time to.
    pub(super) fn count(&mut self, reason: ConnectionRefusal, address: &str, now: Timestamp) -> Option<u32> {
        if self.counted.len() >= COUNTED_MAX {
            self.counted.retain(|_, (_, recorded)| recorded.is_some_and(|at| now.ms_since(at) < RECORD_EVERY_MS));
        }
        let key = (reason, address.to_owned());
        if self.counted.len() >= COUNTED_MAX && !self.counted.contains_key(&key) {
            return None;
        }
        let (count, recorded) = self.counted.entry(key).or_default();
        *count = count.saturating_add(1);
        if recorded.is_some_and(|at| now.ms_since(at) < RECORD_EVERY_MS) {
            return None;
        }
        *recorded = Some(now);
        Some(std::mem::take(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_an_hour_with_the_count_of_those_between() {
        let mut refusals = Refusals::default();
        let mut ask = |ms| refusals.count(ConnectionRefusal::TokenRotated, "203.0.113.9", Timestamp::from_ms(ms));
        assert_eq!(ask(0), Some(1));
        assert!((1..100).all(|n| ask(n * 1000).is_none()));
        assert_eq!(ask(RECORD_EVERY_MS), Some(100));
    }

    #[test]
    fn addresses_are_bounded() {
        let mut refusals = Refusals::default();
        let recorded = (0..1000).filter_map(|n| refusals.count(ConnectionRefusal::WrongToken, &n.to_string(), Timestamp::from_ms(1)));
        assert_eq!(recorded.count(), COUNTED_MAX);
    }
}
