//! What every handler works with, and the two things it does: hand in a command, ask the directory.

use std::sync::Arc;

use parking_lot::RwLockReadGuard;
use spunto_actors::backup::Backups;
use spunto_actors::board::Board;
use spunto_actors::clock::Clock;
use spunto_actors::directory::{Directory, View};
use spunto_actors::fleet::Supervisors;
use spunto_actors::journal::{Committed, Journal};
use spunto_actors::past::Archive;
use spunto_actors::provisioner::accounts::Accounts;
use spunto_actors::random;
use spunto_actors::secrets::{Put, Secrets};
use spunto_core::command::{Command, Request};
use spunto_core::record::{Actor, Position};
use spunto_core::secret::Secret;
use spunto_core::state::System;
use spunto_core::time::Timestamp;
use spunto_core::token::SecretDigest;
use tokio::sync::{Mutex, Semaphore};

use crate::agent::streams::Streams;
use crate::ask::Ask;
use crate::auth::attempts::Attempts;
use crate::metrics::Metrics;
use crate::offers::Offers;
use crate::problem::{LOG_LOST, Problem};

/// Password hashes computed at a time: each takes 19 MiB and tens of milliseconds of a core.
const PASSWORD_HASHES_MAX: usize = 2;

/// What the operator has decided, as handlers need it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where browsers and agents reach this server, without a slash at the end.
    pub public_url: String,
    /// The agent image in the commands that are shown.
    pub agent_image: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<crate::config::Proxy>,
    /// Whether cookies are marked `Secure`.
    pub secure_cookies: bool,
}

/// Keys derived from the master key for things that are not stored.
pub struct DerivedKeys {
    /// Find a user by e-mail address without storing it in the log: the current master key's first, then those of older ones,
    /// as an address is known by the key of its time for ever.
    pub emails: Vec<Secret<[u8; 32]>>,
    /// Proves the operator's own command line.
    pub operator: Secret<[u8; 32]>,
    /// The first owner's one-time link.
    pub setup: Secret<String>,
}

/// The application: shared by all handlers.
pub struct App {
    /// Takes commands.
    pub journal: Journal,
    /// Answers questions.
    pub directory: Directory,
    /// Keeps secrets.
    pub secrets: Secrets,
    /// Finds nodes' supervisors.
    pub supervisors: Supervisors,
    /// Shows what is live.
    pub board: Board,
    /// Opens accounts at clouds.
    pub accounts: Accounts,
    /// Takes backups.
    pub backups: Backups,
    /// What clouds offered a moment ago.
    pub offers: Offers,
    /// Log streams that agents are to dial in with.
    pub streams: Streams,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What the operator has decided.
    pub settings: Settings,
    /// Derived keys.
    pub keys: DerivedKeys,
    /// Counts.
    pub metrics: Metrics,
    /// Keeps what was folded of the past.
    pub archive: Archive,
    /// Bounds guessing.
    pub attempts: Attempts,
    /// Bounds the memory of password hashing.
    pub hashing: Semaphore,
    /// One change of a versioned secret at a time, so that the vault's entry and the event that names it belong together.
    pub versioning: Mutex<()>,
    /// Proofs of the operator's command line that were used.
    pub operator_proofs: crate::operator::Used,
}

impl App {
    /// Room for password hashing.
    #[must_use]
    pub fn hashing_room() -> Semaphore {
        Semaphore::new(PASSWORD_HASHES_MAX)
    }

    /// Carries out a command of a request, and waits until reads see it.
    ///
    /// # Errors
    /// The rules say no, or the journal can't take it.
    pub async fn command(&self, ask: &Ask, command: Command) -> Result<Committed, Problem> {
        let request = Request {
            actor: ask.actor,
            now: self.clock.now(),
            correlation: ask.correlation,
            causation: 0,
            expected_version: ask.if_match,
            idempotency: ask.idempotency.clone(),
            address: Some(ask.address.clone()),
            command,
        };
        self.carry_out(request).await
    }

    /// Carries out a command of nobody who is signed in.
    ///
    /// # Errors
    /// The rules say no, or the journal can't take it.
    pub async fn command_as(&self, actor: Actor, command: Command) -> Result<Committed, Problem> {
        self.command_of(actor, random::number(), command).await
    }

    /// The same as a part of something that has a correlation already.
    ///
    /// # Errors
    /// The rules say no, or the journal can't take it.
    pub async fn command_of(&self, actor: Actor, correlation: u64, command: Command) -> Result<Committed, Problem> {
        let now = self.clock.now();
        let request = Request { actor, now, correlation, causation: 0, expected_version: None, idempotency: None, address: None, command };
        self.carry_out(request).await
    }

    async fn carry_out(&self, request: Request) -> Result<Committed, Problem> {
        let answer = self.journal.try_submit(request).await;
        self.metrics.command(&answer);
        let committed = answer?;
        if self.directory.reach(committed.position.seq).await { Ok(committed) } else { Err(Problem::fault(&"the directory has stopped")) }
    }

    /// Takes back a secret whose command was refused. When nobody knows what became of the command it stays: the next start
    /// collects it if no event names it.
    pub async fn take_back(&self, put: Put, problem: &Problem) {
        if problem.code() != LOG_LOST {
            self.secrets.take_back(put).await;
        }
    }

    /// Takes an attempt to prove a secret, counted as failed until it is known to be right.
    ///
    /// # Errors
    /// Too many from there, or for this account.
    pub fn attempt(&self, address: &str, account: SecretDigest) -> Result<(), Problem> {
        self.attempts.begin(address, account, self.now()).map_err(|wait_ms| {
            self.metrics.throttled();
            Problem::too_many_attempts(wait_ms)
        })
    }

    /// What readers see now. Hold it briefly, and never across an `await`.
    pub fn view(&self) -> RwLockReadGuard<'_, View> {
        self.directory.view()
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The position of a sequence in this log.
    #[must_use]
    pub fn at(&self, seq: u64) -> Position {
        self.directory.feed().at(seq)
    }

    /// The digest that stands for an e-mail address in the log: the one it is known by, where it is known.
    #[must_use]
    pub fn email_digest(&self, email: &str) -> SecretDigest {
        self.directory.read(|state| self.keys.email_digest(&state.system, email))
    }
}

impl DerivedKeys {
    /// See [`App::email_digest`].
    #[must_use]
    pub fn email_digest(&self, system: &System, email: &str) -> SecretDigest {
        let email = email.trim().to_lowercase();
        let digests = || self.emails.iter().map(|key| SecretDigest::keyed(key.expose(), &email));
        let known = digests().find(|digest| system.emails.contains_key(digest));
        known.or_else(|| digests().next()).expect("there is always a current master key")
    }
}
