//! The journal: the one writer. Takes the commands that wait, decides each against a working state in which the earlier ones
//! of the batch are applied, appends all as one group, publishes, replies.
//!
//! It lives on its own OS thread, because a disk sync would stall an arbiter and all its sessions. If a write fails its
//! working state is gone with it, and the process starts again by replay: the one recovery path.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use spunto_core::command::Request;
use spunto_core::decide::{Decision, decide};
use spunto_core::id::OrgId;
use spunto_core::outcome::Outcome;
use spunto_core::planted::{self, Bug};
use spunto_core::record::{Position, Record, StreamId};
use spunto_core::refusal::Refusal;
use spunto_core::state::State;
use spunto_events::codec;
use spunto_events::failpoint;
use spunto_events::group::{GROUP_EVENTS_MAX, Group};
pub use spunto_events::log::NoRoom;
use spunto_events::log::{AppendError, EventLog, ReadError};
use tokio::sync::{mpsc, oneshot, watch};
use tracing::{error, info, warn};

use crate::feed::{Commit, Feed};

/// Most commands that wait; a full queue answers [`CommandError::Busy`] or makes the asker wait.
pub const QUEUE_COMMANDS_MAX: usize = 4096;
/// Most commands decided in one batch.
const BATCH_COMMANDS_MAX: usize = 1024;
/// A batch takes no further command once it holds so many bytes.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Bytes read at a time when the log is replayed.
pub(crate) const REPLAY_BYTES: usize = 4 << 20;
/// A clock that goes back by more than this is told in the server's log, in milliseconds.
const CLOCK_JUMP_MS: u64 = 1_000;

/// What a command that was carried out tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// What it made.
    pub outcome: Outcome,
    /// Whether this repeats the answer of an earlier request.
    pub repeated: bool,
    /// Where the log stood after it; reads at or after this see it.
    pub position: Position,
}

/// Why a command was not carried out. Answers: did it happen?
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// It did not: the rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It did not: too many commands wait.
    #[error("the control plane is busy; nothing was changed, try again")]
    Busy,
    /// It did not: nothing can be written at present.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// Nobody knows: the journal has stopped. Read the state once it is back.
    #[error("the control plane lost its log while writing; read again before you repeat")]
    Unknown,
}

/// Why a log could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An event can't be decoded.
    #[error(transparent)]
    Decode(#[from] codec::DecodeError),
}

type Answer = Result<Committed, CommandError>;
type Reply = oneshot::Sender<Answer>;

struct Job {
    request: Request,
    reply: Reply,
}

/// Where commands go in. Clones share one journal; it stops when the last one is dropped.
#[derive(Clone)]
pub struct Journal {
    jobs: mpsc::Sender<Job>,
    log: Arc<dyn EventLog>,
}

/// The journal's thread, and how it ended.
pub struct JournalThread {
    /// Ends when the journal has stopped; joins with `Err` when the log failed.
    pub thread: JoinHandle<()>,
    /// Turns true when the log failed: the process must start again.
    pub failed: watch::Receiver<bool>,
}

/// Folds a whole log.
///
/// # Errors
/// The log is damaged, or holds an event that this version does not know.
pub fn replay(log: &dyn EventLog) -> Result<State, ReplayError> {
    let mut state = State::default();
    let end = log.head().seq;
    while state.seq < end {
        for group in log.read(state.seq + 1, REPLAY_BYTES)? {
            for record in group.records() {
                state.apply(&record?);
            }
        }
    }
    Ok(state)
}

impl Journal {
    /// Starts the journal of a log whose fold is `state`.
    #[must_use]
    pub fn start(log: Arc<dyn EventLog>, state: State, feed: Arc<Feed>) -> (Self, JournalThread) {
        let (journal, writer, mut queue, failed) = Self::parts(log, state, feed);
        let run = move || {
            let mut writer = writer;
            while let Some(first) = queue.blocking_recv() {
                if !writer.turn(first, &mut queue) {
                    return;
                }
            }
            info!(seq = writer.state.seq, "the journal has stopped");
        };
        let thread = std::thread::Builder::new()
            .name("journal".into())
            .spawn(run)
            .expect("the operating system gives the process one more thread at start");
        (journal, JournalThread { thread, failed })
    }

    /// The same without a thread, for simulations: whoever polls the future is the writer; dropping it is a crash.
    pub fn start_here(log: Arc<dyn EventLog>, state: State, feed: Arc<Feed>) -> (Self, watch::Receiver<bool>, impl Future<Output = ()>) {
        let (journal, mut writer, mut queue, failed) = Self::parts(log, state, feed);
        let run = async move {
            while let Some(first) = queue.recv().await {
                if !writer.turn(first, &mut queue) {
                    return;
                }
            }
        };
        (journal, failed, run)
    }

    fn parts(log: Arc<dyn EventLog>, state: State, feed: Arc<Feed>) -> (Self, Writer, mpsc::Receiver<Job>, watch::Receiver<bool>) {
        let (jobs, queue) = mpsc::channel(QUEUE_COMMANDS_MAX);
        let (failure, failed) = watch::channel(false);
        (Self { jobs, log: Arc::clone(&log) }, Writer { log, state, feed, failure }, queue, failed)
    }

    /// Hands a command in and waits until it is durable, waiting for room first.
    ///
    /// Once handed in, the command is carried out whether or not anybody still waits for the answer.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn submit(&self, request: Request) -> Result<Committed, CommandError> {
        self.enqueue(request).await?.await.unwrap_or(Err(CommandError::Unknown))
    }

    /// Hands a command in; waits for room, not for the answer. Commands of one asker are decided in the order of these calls.
    ///
    /// # Errors
    /// The journal has stopped.
    pub async fn enqueue(&self, request: Request) -> Result<oneshot::Receiver<Result<Committed, CommandError>>, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job { request, reply }).await.map_err(|_| CommandError::Unknown)?;
        Ok(answer)
    }

    /// Whether anything can be written at present.
    ///
    /// # Errors
    /// Why not.
    pub fn room(&self) -> Result<(), NoRoom> {
        self.log.room()
    }

    /// As [`submit`](Self::submit), but refuses at once when too many commands wait.
    ///
    /// # Errors
    /// See [`CommandError`].
    pub async fn try_submit(&self, request: Request) -> Result<Committed, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.try_send(Job { request, reply }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommandError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommandError::Unknown,
        })?;
        answer.await.unwrap_or(Err(CommandError::Unknown))
    }
}

struct Writer {
    log: Arc<dyn EventLog>,
    state: State,
    feed: Arc<Feed>,
    failure: watch::Sender<bool>,
}

/// Commands decided together, before they are durable.
#[derive(Default)]
struct Batch {
    frames: Vec<u8>,
    records: Vec<Record>,
    answers: Vec<(Reply, Answer)>,
}

impl Writer {
    /// Carries out the first command and those that wait behind it, as one group; false when the log failed.
    fn turn(&mut self, first: Job, queue: &mut mpsc::Receiver<Job>) -> bool {
        if let Err(why) = self.log.room() {
            // Asked before anything is decided: a decision that can't be written would have to be taken back.
            let _ = first.reply.send(Err(why.into()));
            return true;
        }
        let mut batch = Batch::default();
        self.take(first, &mut batch);
        while batch.answers.len() < BATCH_COMMANDS_MAX && batch.frames.len() < BATCH_BYTES_MAX {
            let Ok(job) = queue.try_recv() else { break };
            self.take(job, &mut batch);
            if batch.records.len() > GROUP_EVENTS_MAX / 2 {
                break;
            }
        }
        let committed = self.commit(batch);
        if let Err(failure) = &committed {
            error!(%failure, "the log failed; the process must start again and replay");
            // Nobody is listening when the process is going down already.
            let _ = self.failure.send(true);
        }
        committed.is_ok()
    }

    fn take(&mut self, job: Job, batch: &mut Batch) {
        let answer = self.decide(&job.request, batch);
        batch.answers.push((job.reply, answer));
    }

    fn decide(&mut self, request: &Request, batch: &mut Batch) -> Result<Committed, CommandError> {
        let decision = decide(&self.state, request)?;
        let start = (batch.frames.len(), batch.records.len());
        if let Err(refusal) = self.record(request, &decision, batch) {
            batch.frames.truncate(start.0);
            batch.records.truncate(start.1);
            return Err(refusal.into());
        }
        for record in &batch.records[start.1..] {
            self.state.apply(record);
        }
        let position = Position { incarnation: self.log.head().incarnation, shard: 0, seq: self.state.seq };
        Ok(Committed { outcome: decision.outcome, repeated: decision.repeated, position })
    }

    /// Numbers and encodes the events of one decision; the state is untouched, so that a refusal here changes nothing.
    fn record(&self, request: &Request, decision: &Decision, batch: &mut Batch) -> Result<(), Refusal> {
        if batch.records.len() + decision.drafts.len() > GROUP_EVENTS_MAX {
            return Err(Refusal::OutOfRange("this changes too many things at once; delete workers and deployments first"));
        }
        if self.state.at.ms_since(request.now) > CLOCK_JUMP_MS && !decision.drafts.is_empty() {
            warn!(log = %self.state.at, clock = %request.now, "the clock went back; events keep the later time");
        }
        let mut versions: HashMap<(Option<OrgId>, StreamId), u64> = HashMap::new();
        for (seq, draft) in (self.state.seq + 1..).zip(&decision.drafts) {
            let key = (draft.org, draft.stream);
            let version = versions.entry(key).or_insert_with(|| self.state.stream_version(draft.org, draft.stream));
            *version += 1;
            let record = Record {
                seq,
                org: draft.org,
                stream: draft.stream,
                stream_version: *version,
                at: if planted::is(Bug::ClockGoesBack) { request.now } else { self.state.at.max(request.now) },
                actor: request.actor,
                correlation: request.correlation,
                causation: request.causation,
                event: draft.event.clone(),
            };
            codec::encode(&record, &mut batch.frames)
                .map_err(|_| Refusal::OutOfRange("this is more than one event can hold; make names, commands and lists shorter"))?;
            batch.records.push(record);
        }
        Ok(())
    }

    fn commit(&self, mut batch: Batch) -> Result<(), AppendError> {
        if planted::is(Bug::SkippedSync) {
            Self::answer(&mut batch);
        }
        if let (Some(first), Some(_)) = (batch.records.first(), batch.records.last()) {
            let group = Group::seal_encoded(first.seq, self.log.head().hash, std::mem::take(&mut batch.frames))?;
            failpoint::pass_with("append", batch.records.iter().map(|record| record.event.name()));
            self.log.append(group)?;
            failpoint::pass_with("durable", batch.records.iter().map(|record| record.event.name()));
            self.feed.publish(Arc::new(Commit { records: std::mem::take(&mut batch.records) }));
        }
        Self::answer(&mut batch);
        Ok(())
    }

    fn answer(batch: &mut Batch) {
        for (reply, answer) in batch.answers.drain(..) {
            // Whoever asked may have gone away; what was decided stands.
            let _ = reply.send(answer);
        }
    }
}

#[cfg(test)]
mod tests;
