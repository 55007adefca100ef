//! When operations end: after the time they take, unless they are held.

use std::time::{Duration, Instant};

/// How long what takes time takes. Every fake has one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// How long an operation takes; none, so that it has ended when it is first looked at, unless it is said otherwise.
    pub takes: Duration,
    /// Whether operations go on until they are released.
    pub held: bool,
}

impl Pace {
    /// Whether what began then has ended.
    #[must_use]
    pub fn is_over(&self, began: Instant) -> bool {
        !self.held && began.elapsed() >= self.takes
    }
}

/// A time as APIs write it.
#[must_use]
pub fn now() -> String {
    time::OffsetDateTime::now_utc().format(&time::format_description::well_known::Rfc3339).unwrap_or_default()
}
