//! Bugs planted on purpose, one at a time, to see that the simulation finds them. Built in only with the feature `planted`, which no
//! server or agent is built with: without it every question here is the constant "no".

/// A bug that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A new session gets the number of the one before.
    StaleEpoch,
    /// A draining node still takes new units.
    DrainLeaks,
    /// An agent whose token was rotated while it knocked is let in.
    LostFence,
    /// A unit that ended by itself still counts.
    LoadDrifts,
    /// A repeated request is carried out again.
    RepeatForgotten,
    /// The most loaded node is chosen.
    WorstNode,
    /// A command is acknowledged before it is written.
    SkippedSync,
    /// A container that is gone is not told as lost.
    LossUntold,
    /// A container that belongs to nothing is left alone.
    OrphanKept,
    /// An order that comes again makes another container.
    DoubleSpawn,
    /// An order that comes late, after another of its unit, is carried out again.
    LateOrder,
    /// The feed loses a commit now and then.
    FeedGap,
    /// An event's time goes back with the clock.
    ClockGoesBack,
    /// A machine is asked for before it is written down that one will be.
    NoIntent,
    /// The same order is made under another key each time.
    AnotherKey,
    /// An empty list is believed though a call may still act.
    EmptyListTrusted,
}

/// Every bug.
pub const BUGS: &[Bug] = &[
    Bug::StaleEpoch,
    Bug::DrainLeaks,
    Bug::LostFence,
    Bug::LoadDrifts,
    Bug::RepeatForgotten,
    Bug::WorstNode,
    Bug::SkippedSync,
    Bug::LossUntold,
    Bug::OrphanKept,
    Bug::DoubleSpawn,
    Bug::LateOrder,
    Bug::FeedGap,
    Bug::ClockGoesBack,
    Bug::NoIntent,
    Bug::AnotherKey,
    Bug::EmptyListTrusted,
];

#[cfg(feature = "planted")]
mod chosen {
    use std::cell::Cell;

    thread_local! {
        static CHOSEN: Cell<Option<super::Bug>> = const { Cell::new(None) };
    }

    /// From here on, this thread has this bug, and no other.
    pub fn plant(bug: Option<super::Bug>) {
        CHOSEN.set(bug);
    }

    /// Whether this thread has this bug.
    #[must_use]
    pub fn is(bug: super::Bug) -> bool {
        CHOSEN.get() == Some(bug)
    }
}

#[cfg(feature = "planted")]
pub use chosen::{is, plant};

/// No.
#[cfg(not(feature = "planted"))]
#[must_use]
pub const fn is(_: Bug) -> bool {
    false
}
