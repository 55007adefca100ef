//! One life of the server on a disk: from replay to crash.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_rt::task::JoinHandle;
use spunto_actors::board::Board;
use spunto_actors::clock::Clock;
use spunto_actors::cloud::Provider;
use spunto_actors::directory::{Directory, View};
use spunto_actors::feed::Feed;
use spunto_actors::fleet::{Fleet, Parts, Supervisors};
use spunto_actors::journal::{Journal, replay};
use spunto_actors::provisioner;
use spunto_actors::provisioner::accounts::Accounts;
use spunto_actors::secrets::Secrets;
use spunto_core::plan::provision::SETTLE_MS;
use spunto_core::secret::Secret;
use spunto_core::time::Timestamp;
use spunto_events::log::EventLog;
use spunto_events::vault::Vault;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cloud::Cloud;
use crate::log::Disk;

/// When simulated time begins, by the wall clock.
const EPOCH_MS: i64 = 1_795_500_000_000;

/// The wall clock of a run: goes with simulated time, and jumps.
pub struct WallClock {
    began: Instant,
    jumped_ms: AtomicI64,
}

impl WallClock {
    /// A clock that starts now.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), jumped_ms: AtomicI64::new(0) })
    }

    /// Jumps, forward or back.
    pub fn jump(&self, ms: i64) {
        self.jumped_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_ms(u64::try_from(EPOCH_MS + passed + self.jumped_ms.load(Ordering::Relaxed)).unwrap_or(0))
    }
}

/// See the module.
pub struct Server {
    /// Takes commands.
    pub journal: Journal,
    /// Answers questions.
    pub directory: Directory,
    /// Keeps secrets.
    pub vault: Arc<Vault>,
    /// Opens accounts at the cloud.
    pub accounts: Accounts,
    /// Finds supervisors.
    pub supervisors: Supervisors,
    /// Turns true when the log has failed.
    pub failed: watch::Receiver<bool>,
    /// Turns true when this server is gone; every connection to it ends with it.
    pub gone: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 3],
}

impl Server {
    /// Starts on what the disk holds.
    ///
    /// # Panics
    /// The log can't be replayed: that is what a run is to find.
    #[must_use]
    pub fn start(disk: &Arc<Disk>, vault: &Arc<Vault>, clock: &Arc<WallClock>, cloud: &Cloud) -> Self {
        let log: Arc<dyn EventLog> = Arc::<Disk>::clone(disk);
        let state = replay(log.as_ref()).expect("what was acknowledged can be replayed");
        let feed = Feed::new(Arc::clone(&log));
        let (journal, failed, writes) = Journal::start_here(log, state, Arc::clone(&feed));
        let (directory, follows) = Directory::start_here(&feed, View::default()).expect("what was acknowledged can be replayed");
        let supervisors = Supervisors::default();
        let board = Board::default();
        let parts = Parts {
            journal: journal.clone(),
            directory: directory.clone(),
            vault: Arc::clone(vault),
            board: board.clone(),
            clock: Arc::<WallClock>::clone(clock),
        };
        Fleet::launch(parts, supervisors.clone(), Vec::new());
        let (secrets, cloud) = (Secrets::new(Arc::clone(vault)), cloud.clone());
        let open = move |_: &str, _: Secret<String>| Ok(Arc::new(cloud.clone()) as Arc<dyn Provider>);
        let accounts = Accounts::opening(directory.clone(), secrets.clone(), Arc::new(open));
        let provisions = provisioner::run(provisioner::Parts {
            journal: journal.clone(),
            directory: directory.clone(),
            secrets,
            clock: Arc::<WallClock>::clone(clock),
            accounts: accounts.clone(),
            board,
            boot: provisioner::Boot { api_url: "https://spunto.example".into(), agent_image: "agent:1".into() },
            settle_ms: SETTLE_MS,
        });
        let tasks = [actix_rt::spawn(writes), actix_rt::spawn(follows), actix_rt::spawn(provisions)];
        let (gone, vault) = (watch::channel(false).0, Arc::clone(vault));
        Self { journal, directory, vault, accounts, supervisors, failed, gone, tasks }
    }

    /// `kill -9`: nothing is finished, nobody is told. Its actors stay as ghosts that can write nothing and reach nobody.
    pub fn kill(&self) {
        self.gone.send_replace(true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
