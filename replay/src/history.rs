//! A log that can be folded to any point: with checkpoints on the way, so that going back costs little.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use spunto_core::names::Names;
use spunto_core::record::Record;
use spunto_core::state::State;
use spunto_core::stats::Statistics;

use crate::failure::Failure;
use crate::source::Source;

/// States that are kept on the way; with more, every other one goes and the distance doubles.
const CHECKPOINTS_MAX: usize = 16;
/// Distance of the first checkpoints: folding this many events takes a few milliseconds.
const DISTANCE_MIN: u64 = 8192;

/// A log and what was folded of it so far.
pub struct History {
    source: Source,
    checkpoints: RefCell<Checkpoints>,
}

struct Checkpoints {
    distance: u64,
    states: BTreeMap<u64, Arc<State>>,
}

impl Checkpoints {
    fn offer(&mut self, state: &State) {
        if !state.seq.is_multiple_of(self.distance) || self.states.contains_key(&state.seq) {
            return;
        }
        self.states.insert(state.seq, Arc::new(state.clone()));
        if self.states.len() > CHECKPOINTS_MAX {
            self.distance *= 2;
            let distance = self.distance;
            self.states.retain(|seq, _| seq.is_multiple_of(distance));
        }
    }
}

/// What one pass over all events gives besides the state at the end.
#[derive(Debug, Default)]
pub struct Survey {
    /// What everything is called.
    pub names: Names,
    /// How long steps take.
    pub statistics: Statistics,
    /// The fold of all.
    pub state: State,
}

impl History {
    /// A history of which nothing was folded yet.
    #[must_use]
    pub const fn new(source: Source) -> Self {
        Self { source, checkpoints: RefCell::new(Checkpoints { distance: DISTANCE_MIN, states: BTreeMap::new() }) }
    }

    /// Where the events come from.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The state after event `seq`. Of a slice: as far as its events tell.
    ///
    /// # Errors
    /// The log can't be read.
    pub fn state_at(&self, seq: u64) -> Result<State, Failure> {
        let nearest = self.checkpoints.borrow().states.range(..=seq).next_back().map(|(_, state)| Arc::clone(state));
        let state = nearest.map_or_else(State::default, |state| State::clone(&state));
        if state.seq >= seq {
            return Ok(state);
        }
        self.fold(state, seq, |_, _| Ok(ControlFlow::Continue(())))
    }

    /// Folds from `state` up to event `to`; shows each event with the state before it.
    ///
    /// # Errors
    /// The log can't be read; what `each` says.
    pub fn fold(
        &self,
        mut state: State,
        to: u64,
        mut each: impl FnMut(&State, &Record) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<State, Failure> {
        if state.seq >= to {
            return Ok(state);
        }
        self.source.visit(state.seq + 1, |record| {
            if record.seq > to || each(&state, &record)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            state.apply(&record);
            self.checkpoints.borrow_mut().offer(&state);
            Ok(if record.seq >= to { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        Ok(state)
    }

    /// One pass over all events.
    ///
    /// # Errors
    /// The log can't be read; what `each` says.
    pub fn survey(&self, mut each: impl FnMut(&Survey, &Record) -> Result<(), Failure>) -> Result<Survey, Failure> {
        let mut survey = Survey::default();
        self.source.visit(1, |record| {
            survey.names.observe(&record);
            survey.statistics.observe(&record);
            each(&survey, &record)?;
            survey.state.apply(&record);
            self.checkpoints.borrow_mut().offer(&survey.state);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(survey)
    }
}
