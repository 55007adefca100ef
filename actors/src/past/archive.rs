//! Organisations as they were: folds of all their events, kept for a while, few at a time.

use std::ops::ControlFlow;
use std::sync::Arc;

use parking_lot::Mutex;
use spunto_core::id::OrgId;
use spunto_core::names::Names;
use spunto_core::record::StreamId;
use spunto_core::state::{Org, State};
use spunto_core::stats::Statistics;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::scan::scan;
use super::{PastError, Point, Then};
use crate::directory::Directory;

/// Organisations that are folded at a time: each reads from the last checkpoint on, in the worst case the whole log.
const FOLDS_MAX: usize = 2;
/// Things of one kind or other that are read at a time: a node's past, a story.
const LIVES_MAX: usize = 8;
/// Folds that are kept.
const KEPT_MAX: usize = 16;
/// Nodes, workers, services and remembered requests in all folds that are kept: about 1 KiB each.
const KEPT_THINGS_MAX: usize = 65_536;
/// Least distance of the folds that are kept on the way, in events of the log.
const DISTANCE_MIN: u64 = 8_192;
/// Folds that are kept on the way to one that is far.
const ON_THE_WAY: u64 = 4;
/// Organisations whose names and usual times are kept.
const CHRONICLES_MAX: usize = 4;

/// Folds of organisations, and the bounds on making them. One a server.
pub struct Archive {
    folds: Semaphore,
    lives: Semaphore,
    kept: Mutex<Kept>,
    chronicles: Mutex<Vec<Arc<Chronicle>>>,
}

/// Folds, the one that was used last at the end.
#[derive(Default)]
struct Kept(Vec<Fold>);

/// An organisation's state after event `through`.
#[derive(Clone)]
struct Fold {
    org: OrgId,
    through: u64,
    things: usize,
    state: Arc<State>,
}

/// What all events of an organisation tell besides its state, up to event `through`.
#[derive(Clone, Default)]
pub(super) struct Chronicle {
    org: Option<OrgId>,
    through: u64,
    /// What the organisation's own history gives names to: keys, credentials, projects.
    pub(super) names: Names,
    pub(super) statistics: Statistics,
}

impl Default for Archive {
    fn default() -> Self {
        let (folds, lives) = (Semaphore::new(FOLDS_MAX), Semaphore::new(LIVES_MAX));
        Self { folds, lives, kept: Mutex::default(), chronicles: Mutex::default() }
    }
}

fn things(org: &Org) -> usize {
    let services: usize = org.deployments.values().map(|deployment| deployment.services.len()).sum();
    1 + org.fleet.nodes().len() + org.workers.len() + services + org.requests.len() + org.members.len() + org.projects.len()
}

impl Kept {
    /// The last fold of an organisation that is not past a point.
    fn nearest(&mut self, org: OrgId, to: u64) -> Option<Fold> {
        let fits = |fold: &&Fold| fold.org == org && fold.through <= to;
        let through = self.0.iter().filter(fits).map(|fold| fold.through).max()?;
        let place = self.0.iter().position(|fold| fold.org == org && fold.through == through)?;
        let fold = self.0.remove(place);
        self.0.push(fold.clone());
        Some(fold)
    }

    fn keep(&mut self, fold: Fold) {
        if fold.things > KEPT_THINGS_MAX {
            return;
        }
        self.0.retain(|known| (known.org, known.through) != (fold.org, fold.through));
        self.0.push(fold);
        while self.0.len() > KEPT_MAX || self.0.iter().map(|fold| fold.things).sum::<usize>() > KEPT_THINGS_MAX {
            self.0.remove(0);
        }
    }
}

impl Archive {
    /// Room to read one thing's past.
    ///
    /// # Errors
    /// Enough is being read.
    pub fn room(&self) -> Result<SemaphorePermit<'_>, PastError> {
        self.lives.try_acquire().map_err(|_| PastError::Busy)
    }

    /// An organisation as it was, with all that is in it.
    ///
    /// # Errors
    /// It was not there; enough is being folded; the log can't be read.
    pub fn org(&self, directory: &Directory, org: OrgId, point: Point) -> Result<Then, PastError> {
        let first = directory.view().timeline(StreamId::Org(org)).first().copied().ok_or(PastError::Unknown)?;
        if first > point.seq {
            let at = super::pick::Picker::new(directory.feed().log()).time(first)?;
            return Err(PastError::NotYet { at, position: directory.feed().at(first) });
        }
        let nearest = self.kept.lock().nearest(org, point.seq);
        if let Some(fold) = nearest.as_ref().filter(|fold| fold.through == point.seq) {
            return Ok(point.then(directory, org, State::clone(&fold.state)));
        }
        let _room = self.folds.try_acquire().map_err(|_| PastError::Busy)?;
        let (mut through, mut state) =
            nearest.map_or_else(|| (first - 1, State::default()), |fold| (fold.through, State::clone(&fold.state)));
        let distance = DISTANCE_MIN.max((point.seq - through) / ON_THE_WAY);
        scan(directory.feed().log(), org, through, point.seq, |record| {
            if record.seq - through > distance {
                // The events of other organisations in between change nothing here.
                through = record.seq - 1;
                self.keep(org, through, &state);
            }
            state.apply(&record);
            ControlFlow::Continue(())
        })?;
        self.keep(org, point.seq, &state);
        Ok(point.then(directory, org, state))
    }

    fn keep(&self, org: OrgId, through: u64, state: &State) {
        let Some(things) = state.orgs.get(&org).map(things) else { return };
        self.kept.lock().keep(Fold { org, through, things, state: Arc::new(state.clone()) });
    }

    /// What all events of an organisation tell up to now. The first time it reads them all, then those that came since.
    pub(super) fn chronicle(&self, directory: &Directory, org: OrgId) -> Result<Arc<Chronicle>, PastError> {
        let end = directory.feed().position().seq;
        let known = self.chronicles.lock().iter().find(|known| known.org == Some(org)).cloned();
        if let Some(known) = known.as_ref().filter(|known| known.through == end) {
            return Ok(Arc::clone(known));
        }
        let _room = self.folds.try_acquire().map_err(|_| PastError::Busy)?;
        let first = directory.view().timeline(StreamId::Org(org)).first().copied().ok_or(PastError::Unknown)?;
        let start = || Chronicle { org: Some(org), through: first - 1, ..Chronicle::default() };
        let mut chronicle = known.map_or_else(start, |known| Chronicle::clone(&known));
        scan(directory.feed().log(), org, chronicle.through, end, |record| {
            chronicle.statistics.observe(&record);
            if matches!(record.stream, StreamId::Org(_)) {
                chronicle.names.observe(&record);
            }
            ControlFlow::Continue(())
        })?;
        chronicle.through = end;
        let chronicle = Arc::new(chronicle);
        let mut chronicles = self.chronicles.lock();
        chronicles.retain(|known| known.org != Some(org));
        chronicles.push(Arc::clone(&chronicle));
        if chronicles.len() > CHRONICLES_MAX {
            chronicles.remove(0);
        }
        Ok(chronicle)
    }
}
