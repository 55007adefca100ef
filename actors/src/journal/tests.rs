#![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]

use parking_lot::Mutex;
use spunto_core::command::{AccountCommand, Command};
use spunto_core::id::ProjectId;
use spunto_core::record::Actor;
use spunto_core::time::Timestamp;
use spunto_events::log::Head;
use spunto_events::log::memory::MemoryLog;

use super::*;
use crate::directory::{Directory, View};

const ORG: OrgId = OrgId::from_u64(1);

fn request(command: AccountCommand) -> Request {
    let (now, command) = (Timestamp::from_ms(5), Command::Account(command));
    Request { actor: Actor::Operator, now, correlation: 1, causation: 0, expected_version: None, idempotency: None, address: None, command }
}

fn project(number: u64) -> Request {
    request(AccountCommand::CreateProject { org: ORG, project: ProjectId::from_u64(number), name: format!("p{number}") })
}

fn started(log: Arc<dyn EventLog>) -> (Journal, JournalThread, Arc<Feed>) {
    let feed = Feed::new(Arc::clone(&log));
    let (journal, thread) = Journal::start(log, State::default(), Arc::clone(&feed));
    (journal, thread, feed)
}

async fn initialized(journal: &Journal) {
    let project = ProjectId::from_u64(0);
    let init = AccountCommand::InitializeSystem { org: ORG, org_name: "o".into(), project, project_name: "p".into() };
    journal.submit(request(init)).await.unwrap();
}

fn run<F: Future>(test: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

#[test]
fn commands_at_once_are_decided_one_after_the_other_and_seen_by_reads() {
    run(async {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(7));
        let (journal, _thread, feed) = started(Arc::clone(&log));
        initialized(&journal).await;
        let directory = Directory::start(&feed, View::default()).unwrap();
        // Each name twice: of two commands in one batch the second must see the first.
        let answers = (0..500).map(|number| journal.submit(project(1 + number / 2)));
        let answers = futures_util::future::join_all(answers).await;
        let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!((taken.len(), refused.len()), (250, 250));
        let last = taken.iter().map(|answer| answer.as_ref().unwrap().position.seq).max().unwrap();
        assert!(directory.reach(last).await);
        assert_eq!(directory.read(|state| state.orgs[&ORG].projects.len()), 251);
        assert_eq!(replay(log.as_ref()).unwrap(), directory.read(Clone::clone), "the live state is the fold of the log");
    });
}

#[test]
fn memory_of_what_is_recent_is_bounded_by_events_and_the_rest_is_read_from_the_log() {
    run(async {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(7));
        let (journal, _thread, feed) = started(Arc::clone(&log));
        initialized(&journal).await;
        let all: u64 = 2 * 4096;
        let answers = futures_util::future::join_all((1..=all).map(|number| journal.submit(project(number)))).await;
        assert!(answers.iter().all(Result::is_ok));
        let kept = feed.recent_events();
        assert!((1..=4096).contains(&kept), "{kept} events are in memory");
        let mut subscription = feed.subscribe_after(0);
        let mut seen = 0;
        while seen < log.head().seq {
            for record in subscription.next().await.unwrap().unwrap().records() {
                assert_eq!(record.seq, seen + 1);
                seen = record.seq;
            }
        }
    });
}

/// A log whose appends fail from some event on.
struct Failing {
    inner: MemoryLog,
    from: u64,
    appends: Mutex<u32>,
}

impl EventLog for Failing {
    fn head(&self) -> Head {
        self.inner.head()
    }

    fn append(&self, group: Group) -> Result<Head, AppendError> {
        *self.appends.lock() += 1;
        if group.last >= self.from { Err(AppendError::Unknown("the disk is gone".into())) } else { self.inner.append(group) }
    }

    fn read(&self, from: u64, bytes_max: usize) -> Result<Vec<Arc<Group>>, ReadError> {
        self.inner.read(from, bytes_max)
    }
}

#[test]
fn when_a_write_fails_nobody_is_told_that_it_happened_and_nothing_more_is_taken() {
    run(async {
        let log = Arc::new(Failing { inner: MemoryLog::new(7), from: 5, appends: Mutex::new(0) });
        let (journal, mut thread, feed) = started(Arc::<Failing>::clone(&log));
        initialized(&journal).await;
        let mut answers = Vec::new();
        for number in 1..10 {
            answers.push(journal.submit(project(number)).await);
        }
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 2);
        assert!(answers[2..].iter().all(|answer| *answer == Err(CommandError::Unknown)));
        assert!(thread.failed.wait_for(|failed| *failed).await.is_ok());
        assert_eq!(feed.position().seq, 4, "what failed is not published");
        assert_eq!(*log.appends.lock(), 4, "no append after the failed one");
    });
}

#[test]
fn a_subscription_catches_up_and_goes_on_without_a_gap() {
    run(async {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(7));
        let (journal, _thread, feed) = started(log);
        initialized(&journal).await;
        // More commits than are kept in memory, one by one.
        for number in 1..1500 {
            journal.submit(project(number)).await.unwrap();
        }
        let end = 1500 + 500;
        let mut late = feed.subscribe_after(3);
        let write = async {
            for number in 1500..end {
                journal.submit(project(number)).await.unwrap();
            }
        };
        let read = async {
            let mut seen = Vec::new();
            while seen.last() != Some(&(end + 1)) {
                let delivery = late.next().await.unwrap().unwrap();
                seen.extend(delivery.records().map(|record| record.seq));
            }
            seen
        };
        let (seen, ()) = futures_util::future::join(read, write).await;
        assert_eq!(seen, (4..=end + 1).collect::<Vec<u64>>());
    });
}

#[test]
fn time_never_goes_back() {
    run(async {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new(7));
        let (journal, _thread, feed) = started(log);
        initialized(&journal).await;
        let at = |ms, number| Request { now: Timestamp::from_ms(ms), ..project(number) };
        journal.submit(at(9_000_000, 1)).await.unwrap();
        journal.submit(at(1_000, 2)).await.unwrap();
        let delivery = feed.read(1).unwrap();
        let times: Vec<u64> = delivery.records().map(|record| record.at.ms()).collect();
        assert_eq!(times, [5, 5, 9_000_000, 9_000_000]);
    });
}
