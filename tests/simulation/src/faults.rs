//! The kinds of faults, and how often each was made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use crate::seed::Seed;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "said by the names; what each does is where it is made")]
pub enum Fault {
    MessageDropped,
    MessageLate,
    MessageDuplicated,
    MessageReordered,
    ConnectionCut,
    Partition,
    HalfOpen,
    DialFailed,
    ServerKilled,
    CrashAfterAppend,
    FailedWrite,
    DiskFull,
    AgentKilled,
    SecondAgent,
    EngineRefused,
    EngineAnswerLost,
    EngineRestarted,
    ContainerExited,
    ContainerRemovedByHand,
    ClockJump,
    CloudRefused,
    CloudLimited,
    CloudCallLost,
    CloudAnswerLost,
    CloudAnswerLate,
    CloudActsLate,
    CloudFull,
    CredentialDenied,
    CreationFailed,
    ListLags,
    MachineLate,
    MachineNeverCalls,
}

/// Every kind.
pub const FAULTS: &[Fault] = &[
    Fault::MessageDropped,
    Fault::MessageLate,
    Fault::MessageDuplicated,
    Fault::MessageReordered,
    Fault::ConnectionCut,
    Fault::Partition,
    Fault::HalfOpen,
    Fault::DialFailed,
    Fault::ServerKilled,
    Fault::CrashAfterAppend,
    Fault::FailedWrite,
    Fault::DiskFull,
    Fault::AgentKilled,
    Fault::SecondAgent,
    Fault::EngineRefused,
    Fault::EngineAnswerLost,
    Fault::EngineRestarted,
    Fault::ContainerExited,
    Fault::ContainerRemovedByHand,
    Fault::ClockJump,
    Fault::CloudRefused,
    Fault::CloudLimited,
    Fault::CloudCallLost,
    Fault::CloudAnswerLost,
    Fault::CloudAnswerLate,
    Fault::CloudActsLate,
    Fault::CloudFull,
    Fault::CredentialDenied,
    Fault::CreationFailed,
    Fault::ListLags,
    Fault::MachineLate,
    Fault::MachineNeverCalls,
];

/// Makes faults, or none once the run heals. Clones share it.
#[derive(Clone)]
pub struct Faults {
    /// Where chance comes from.
    pub seed: Seed,
    made: Arc<Mutex<BTreeMap<Fault, u64>>>,
    on: Arc<AtomicBool>,
}

impl Faults {
    /// Faults of a seed.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self { seed, made: Arc::default(), on: Arc::new(AtomicBool::new(true)) }
    }

    /// Whether to make this fault now, with a chance in a thousand; counts it where so.
    #[must_use]
    pub fn strike(&self, fault: Fault, per_mille: u64) -> bool {
        let strikes = self.active() && self.seed.per_mille(per_mille);
        if strikes {
            self.count(fault);
        }
        strikes
    }

    /// Counts a fault that is made.
    pub fn count(&self, fault: Fault) {
        *self.made.lock().entry(fault).or_default() += 1;
    }

    /// From here on nothing goes wrong.
    pub fn heal(&self) {
        self.on.store(false, Ordering::Relaxed);
    }

    /// Whether faults are made.
    #[must_use]
    pub fn active(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// How often each was made.
    #[must_use]
    pub fn made(&self) -> BTreeMap<Fault, u64> {
        self.made.lock().clone()
    }
}
