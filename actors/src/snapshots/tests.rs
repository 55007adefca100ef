#![allow(clippy::unwrap_used, reason = "a failed preparation is a failed test")]

use std::collections::BTreeMap;

use spunto_core::command::{AccountCommand, Command, NodeCommand, Request, WorkerCommand};
use spunto_core::event::{RestartPolicy, UnitSpec};
use spunto_core::id::{NodeId, OperationId, OrgId, ProjectId, SessionId, UserId, WorkerId};
use spunto_core::record::Actor;
use spunto_core::state::State;
use spunto_core::time::Timestamp;
use spunto_core::token::SecretDigest;
use spunto_events::log::memory::MemoryLog;
use tempfile::TempDir;

use super::*;
use crate::feed::Feed;
use crate::journal::Journal;

const ORG: OrgId = OrgId::from_u64(1);
const OWNER: UserId = UserId::from_u64(2);

/// A log with people, nodes and workers in it, written through the journal; `salt` makes it another.
fn log(salt: u64) -> Arc<MemoryLog> {
    let log = Arc::new(MemoryLog::new(salt));
    let feed = Feed::new(Arc::clone(&log) as Arc<dyn EventLog>);
    let (journal, _, writer) = Journal::start_here(Arc::clone(&log) as Arc<dyn EventLog>, State::default(), feed);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let write = async move {
            for (number, command) in (0..).zip(commands(salt)) {
                let user = number > 1 && number % 3 != 0;
                let request = Request {
                    actor: if user { Actor::User(OWNER) } else { Actor::Operator },
                    now: Timestamp::from_ms(1000 + number),
                    correlation: number,
                    causation: 0,
                    expected_version: None,
                    idempotency: None,
                    address: user.then(|| format!("203.0.113.{}", number / 10)),
                    command,
                };
                journal.submit(request).await.unwrap();
            }
        };
        tokio::join!(writer, write);
    });
    log
}

fn commands(salt: u64) -> Vec<Command> {
    let project = ProjectId::from_u64(3);
    let digest = |number: u64| SecretDigest::from_bytes([u8::try_from(number % 200).unwrap(); 32]);
    let init = AccountCommand::InitializeSystem { org: ORG, org_name: format!("o{salt}"), project, project_name: "p".into() };
    let owner = AccountCommand::SetUpFirstOwner { user: OWNER, email_digest: digest(1), profile_version: 1, password_version: 1 };
    let mut all = vec![Command::Account(init), Command::Account(owner)];
    for number in 1..20 {
        let (node, worker) = (NodeId::from_u64(number), WorkerId::from_u64(number));
        let create = NodeCommand::Create { name: format!("n{number}"), labels: BTreeMap::new(), token_digest: digest(number) };
        let accept = NodeCommand::AcceptSession {
            token_version: 1,
            instance: number,
            agent_version: "1".into(),
            protocol: 1,
            address: "198.51.100.7".into(),
            facts: Default::default(),
        };
        all.extend([create, accept].map(|command| Command::Node(ORG, node, command)));
        let spec = UnitSpec {
            image: "app:1".into(),
            command: Vec::new(),
            env_names: Vec::new(),
            cpu_millis: None,
            memory_bytes: None,
            restart: RestartPolicy::No,
        };
        let (operation, labels) = (OperationId::from_u64(number), BTreeMap::new());
        all.push(Command::Worker(
            ORG,
            worker,
            WorkerCommand::Spawn { project, name: format!("w{number}"), spec, labels, node: None, operation },
        ));
        let session = SessionId::from_u64(number);
        let (expires_at, address) = (Timestamp::from_ms(1 << 40), format!("192.0.2.{number}"));
        all.push(Command::Account(AccountCommand::StartSession { session, user: OWNER, digest: digest(number), expires_at, address }));
    }
    all
}

/// The view after the events up to the end of the group that holds event `to`.
fn fold(log: &dyn EventLog, to: u64) -> View {
    let mut view = View::default();
    while view.state.seq < to {
        let group = log.read(view.state.seq + 1, 1).unwrap().remove(0);
        group.records().for_each(|record| view.apply(&record.unwrap()));
    }
    view
}

struct Kept {
    _directory: TempDir,
    snapshots: Snapshots,
}

fn kept(log: &dyn EventLog, at: u64) -> Kept {
    let directory = TempDir::new().unwrap();
    let snapshots = Snapshots::open(directory.path()).unwrap();
    let view = fold(log, at);
    keep(log, &snapshots, view.state.seq, view.encode().unwrap()).unwrap();
    Kept { _directory: directory, snapshots }
}

/// Restores, and compares byte by byte with a fold from nothing; says where it started.
fn restored(log: &dyn EventLog, snapshots: &Snapshots) -> u64 {
    let (view, from) = restore(log, snapshots).unwrap();
    let folded = fold(log, log.head().seq);
    assert_eq!(view.state, folded.state);
    assert!(view.encode().unwrap() == folded.encode().unwrap(), "equal states and unequal bytes");
    assert!(!folded.deeds(ORG).is_empty() && folded.deeds(ORG).iter().any(|deed| deed.address.is_some()));
    assert_eq!(view.deeds(ORG), folded.deeds(ORG));
    from
}

#[test]
fn a_snapshot_of_any_place_and_the_rest_give_the_bytes_of_a_fold_from_nothing() {
    let log = log(7);
    for at in 1..=log.head().seq {
        let from = restored(log.as_ref(), &kept(log.as_ref(), at).snapshots);
        assert!(from >= at);
    }
}

#[test]
fn one_of_another_log_or_ahead_of_this_one_is_passed_over() {
    let (ours, other) = (log(7), log(8));
    assert_eq!(ours.head().seq, other.head().seq);
    assert_eq!(restored(ours.as_ref(), &kept(other.as_ref(), 40).snapshots), 0);
    let shorter = MemoryLog::new(7);
    let half = ours.head().seq / 2;
    for group in ours.read(1, usize::MAX).unwrap().iter().take_while(|group| group.last <= half) {
        shorter.append(group.as_ref().clone()).unwrap();
    }
    let ahead = kept(ours.as_ref(), ours.head().seq);
    assert_eq!(restored(&shorter, &ahead.snapshots), 0);
}

#[test]
fn one_of_another_program_or_of_another_shape_or_state_is_passed_over() {
    let log = log(7);
    let view = fold(log.as_ref(), 50);
    let (seq, bytes) = (view.state.seq, view.encode().unwrap());
    let hash = ends(log.as_ref(), seq).unwrap();
    let other = fold(log.as_ref(), 20).encode().unwrap();
    let cut = bytes[..bytes.len() - 1].to_vec();
    for (schema, bytes) in [(Hash([9; 32]), bytes.clone()), (schema(), cut), (schema(), other), (schema(), Vec::new())] {
        let directory = TempDir::new().unwrap();
        let snapshots = Snapshots::open(directory.path()).unwrap();
        snapshots.write(&Snapshot { seq, hash, schema, bytes }).unwrap();
        assert_eq!(restored(log.as_ref(), &snapshots), 0);
    }
    assert_eq!(restored(log.as_ref(), &kept(log.as_ref(), 50).snapshots), seq);
}

#[test]
fn an_event_amid_a_group_is_no_place_for_one() {
    let log = log(7);
    let groups = log.read(1, usize::MAX).unwrap();
    let group = groups.iter().find(|group| group.last > group.first).unwrap();
    let directory = TempDir::new().unwrap();
    let snapshots = Snapshots::open(directory.path()).unwrap();
    assert!(keep(log.as_ref(), &snapshots, group.first, Vec::new()).is_err());
}
