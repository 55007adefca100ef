//! The wiring: from a data directory to a running server. The only place of the server that names the event log and the vault.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::web::{Data as Shared, PayloadConfig};
use actix_web::{App as HttpApp, HttpServer};
use anyhow::{Context, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use spunto_actors::backup::Backups;
use spunto_actors::board::Board;
use spunto_actors::clock::{Clock, SystemClock};
use spunto_actors::cloud;
use spunto_actors::cloud::http::Limits;
use spunto_actors::custodian::{self, Custodian};
use spunto_actors::directory::Directory;
use spunto_actors::feed::Feed;
use spunto_actors::fleet::{Fleet, Parts, Supervisors};
use spunto_actors::journal::{Journal, JournalThread};
use spunto_actors::past::Archive;
use spunto_actors::provisioner;
use spunto_actors::provisioner::accounts::Accounts;
use spunto_actors::random;
use spunto_actors::secrets::Secrets;
use spunto_actors::snapshots::{self, SNAPSHOT_EVENTS};
use spunto_core::command::{AccountCommand, Command, Request};
use spunto_core::id::{OrgId, ProjectId};
use spunto_core::plan::provision::SETTLE_MS;
use spunto_core::record::Actor;
use spunto_core::secret::Secret;
use spunto_core::state::State;
use spunto_events::failpoint;
use spunto_events::log::EventLog;
use spunto_events::log::sled::{LogOptions, SledLog};
use spunto_events::master::{self, MasterKeyFile};
use spunto_events::snapshot::Snapshots;
use spunto_events::vault::{KEY_BYTES, MasterKey, Vault};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use crate::agent::{cut, streams::Streams};
use crate::app::{App, DerivedKeys, Settings};
use crate::ask::BODY_BYTES_MAX;
use crate::auth::attempts::Attempts;
use crate::config::{Data, Serve, check_agent_image, check_public_url};
use crate::metrics::Metrics;
use crate::offers::Offers;
use crate::tls::{Pair, Served};
use crate::{api, ask, dashboard, endpoint, headers, operator, restore, tls};

/// Connections that wait to be accepted: the default of 1024 gives a cliff when thousands of agents come back at once.
const BACKLOG: i32 = 8192;
/// Connections that each serving thread keeps open.
const CONNECTIONS_MAX: usize = 25_000;
/// How long open requests may take when the server stops, in seconds.
const STOP_WITHIN_S: u64 = 3;

/// A data directory, opened.
pub struct Opened {
    /// The event log.
    pub log: Arc<SledLog>,
    /// Snapshots of its view.
    pub snapshots: Snapshots,
    /// The vault beside it.
    pub vault: Arc<Vault>,
    /// Keys derived from the master key.
    pub keys: DerivedKeys,
}

fn master_key(data: &Data, create: bool) -> anyhow::Result<Secret<[u8; KEY_BYTES]>> {
    let path = data.data_dir.join("master.key");
    match &data.master_key {
        Some(text) => Ok(master::parse(text)?),
        None if create => Ok(MasterKeyFile::load_or_create(&path)?),
        None => Ok(MasterKeyFile::load(&path)?),
    }
}

fn derived(master: &Secret<[u8; KEY_BYTES]>, older: &[Secret<[u8; KEY_BYTES]>], incarnation: u64) -> DerivedKeys {
    let emails = std::iter::once(master).chain(older);
    let emails = emails.map(|key| Secret::new(blake3::derive_key("spunto 2026-11 e-mail digests", key.expose()))).collect();
    let setup = blake3::keyed_hash(&blake3::derive_key("spunto 2026-11 setup link", master.expose()), &incarnation.to_le_bytes());
    let setup = data_encoding::BASE32_NOPAD.encode(setup.as_bytes()).to_lowercase();
    let operator = operator::key(master, incarnation);
    DerivedKeys { emails, operator, setup: Secret::new(setup) }
}

/// The key by which the operator's command line is known to the server that runs on this data directory.
///
/// # Errors
/// There is no data directory, or its key can't be read.
pub fn operator_key(data: &Data) -> anyhow::Result<Secret<[u8; 32]>> {
    Ok(operator::key(&master_key(data, false)?, SledLog::incarnation(&log_dir(&data.data_dir))?))
}

/// The link for the first owner, without opening the log: works while the server runs.
///
/// # Errors
/// There is no data directory, or its key can't be read.
pub fn setup_link(data: &Data, public_url: &str) -> anyhow::Result<String> {
    let incarnation = SledLog::incarnation(&log_dir(&data.data_dir))?;
    let keys = derived(&master_key(data, false)?, &[], incarnation);
    Ok(format!("{}/setup#{}", check_public_url(public_url)?, keys.setup.expose()))
}

fn log_dir(data_dir: &Path) -> PathBuf {
    data_dir.join("log")
}

/// Makes a directory that is nobody else's business, where there is none.
///
/// # Errors
/// It can't be made.
pub fn make_private(dir: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).with_context(|| format!("making {}", dir.display()))
}

type Key = Secret<[u8; KEY_BYTES]>;

/// The master key, made where there is none, and older ones.
fn ring(data: &Data) -> anyhow::Result<(Key, Vec<Key>)> {
    let older = data.old_master_key.iter().map(|text| Ok(master::parse(text)?)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok((master_key(data, true)?, older))
}

/// Opens the vault of a data directory; makes it, and a master key, where there is none.
///
/// # Errors
/// It, or the key, can't be read or made.
pub fn open_vault(data: &Data) -> anyhow::Result<Vault> {
    let (master, older) = ring(data)?;
    Ok(Vault::open(&data.data_dir.join("vault"), MasterKey::new(&master), older.iter().map(MasterKey::new).collect())?)
}

/// Opens a data directory; makes it where there is none.
///
/// # Errors
/// It is damaged, in use, or its key does not fit.
pub fn open(data: &Data, options: LogOptions) -> anyhow::Result<Opened> {
    failpoint::check().map_err(anyhow::Error::msg)?;
    let dir = &data.data_dir;
    make_private(dir)?;
    restore::check_finished(dir)?;
    // A log without its key is one whose secrets are lost: say so before a new key hides it.
    if data.master_key.is_none() && log_dir(dir).exists() && !dir.join("master.key").exists() {
        bail!("{} has an event log but no master.key; put the key file back, or pass --master-key", dir.display());
    }
    let (master, older) = ring(data)?;
    let log = Arc::new(SledLog::open(&log_dir(dir), options)?);
    let vault = Arc::new(open_vault(data)?);
    let keys = derived(&master, &older, log.head().incarnation);
    let snapshots = Snapshots::open(&dir.join("snapshots"))?;
    Ok(Opened { log, snapshots, vault, keys })
}

/// A request of the operator's own.
#[must_use]
pub fn operator(command: Command) -> Request {
    let (now, correlation) = (SystemClock.now(), random::number());
    Request { actor: Actor::Operator, now, correlation, causation: 0, expected_version: None, idempotency: None, address: None, command }
}

async fn initialize(journal: &Journal, state: &State) -> anyhow::Result<()> {
    if !state.orgs.is_empty() {
        return Ok(());
    }
    let command = AccountCommand::InitializeSystem {
        org: OrgId::from_u64(random::number()),
        org_name: "Default".into(),
        project: ProjectId::from_u64(random::number()),
        project_name: "default".into(),
    };
    journal.submit(operator(Command::Account(command))).await?;
    Ok(())
}

/// What runs, to be served and to be stopped.
struct Running {
    app: Shared<App>,
    journal: JournalThread,
}

async fn start(opened: Opened, settings: Settings, serve: &Serve) -> anyhow::Result<Running> {
    // Where segments are small, for crash tests, snapshots are as frequent.
    let snapshot_events = serve.segment_events.unwrap_or(SNAPSHOT_EVENTS);
    let log: Arc<dyn EventLog> = opened.log;
    let (view, kept) = snapshots::restore(log.as_ref(), &opened.snapshots)?;
    let state = &view.state;
    let feed = Feed::new(Arc::clone(&log));
    let collected = custodian::collect(&opened.vault, state)?;
    info!(events = state.seq, orgs = state.orgs.len(), collected = collected.len(), "the state is there");
    Custodian::start(&feed, Arc::clone(&opened.vault), state);
    let backed_up = Arc::clone(&log);
    let (journal, thread) = Journal::start(Arc::clone(&log), state.clone(), Arc::clone(&feed));
    initialize(&journal, state).await?;
    let directory = Directory::start(&feed, view)?;
    directory.reach(feed.position().seq).await;
    snapshots::follow(directory.clone(), log, opened.snapshots, kept, snapshot_events);
    let (board, supervisors, clock) = (Board::default(), Supervisors::default(), Arc::new(SystemClock));
    let parts = Parts {
        journal: journal.clone(),
        directory: directory.clone(),
        vault: Arc::clone(&opened.vault),
        board: board.clone(),
        clock: clock.clone(),
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let arbiters = (0..cores).map(|_| actix::Arbiter::new().handle()).collect();
    Fleet::launch(parts, supervisors.clone(), arbiters);
    let backups = Backups::new(Arc::clone(&backed_up), Arc::clone(&opened.vault), directory.clone());
    let secrets = Secrets::new(opened.vault);
    let accounts = Accounts::new(directory.clone(), secrets.clone(), clouds(&directory, clock.clone(), serve)?);
    provisioner::launch(provisioner::Parts {
        journal: journal.clone(),
        directory: directory.clone(),
        secrets: secrets.clone(),
        clock: clock.clone(),
        accounts: accounts.clone(),
        board: board.clone(),
        boot: provisioner::Boot { api_url: settings.public_url.clone(), agent_image: settings.agent_image.clone() },
        settle_ms: serve.cloud_settle_ms.unwrap_or(SETTLE_MS),
    });
    let app = App {
        journal,
        directory,
        secrets,
        supervisors,
        board,
        accounts,
        backups,
        offers: Offers::default(),
        streams: Streams::default(),
        clock,
        settings,
        keys: opened.keys,
        metrics: Metrics::default(),
        archive: Archive::default(),
        attempts: Attempts::default(),
        hashing: App::hashing_room(),
        versioning: tokio::sync::Mutex::default(),
        operator_proofs: operator::Used::default(),
    };
    Ok(Running { app: Shared::new(app), journal: thread })
}

/// Whose machines are made, and where: by the number of the first log, so that a restored copy knows its own.
fn clouds(directory: &Directory, clock: Arc<dyn Clock>, serve: &Serve) -> anyhow::Result<cloud::Settings> {
    let number = directory.read(|state| state.system.installation).unwrap_or(directory.feed().position().incarnation);
    let installation = cloud::Installation::of_log(number);
    let usual = Limits::default();
    let limits = Limits { call_deadline: serve.cloud_call_ms.map_or(usual.call_deadline, Duration::from_millis), ..usual };
    let settings = cloud::Settings::new(installation, clock).and_then(|settings| settings.with_limits(limits));
    let settings = settings.map_err(anyhow::Error::msg).context("calling clouds")?;
    Ok(serve.cloud_base.iter().fold(settings, |settings, base| settings.with_base(&base.api, &base.url)))
}

fn listen(serve: &Serve) -> anyhow::Result<Vec<TcpListener>> {
    let bind = |address: &std::net::SocketAddr| {
        let domain = socket2::Domain::for_address(*address);
        let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&(*address).into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok::<_, std::io::Error>(TcpListener::from(socket))
    };
    let listeners = serve.listen.iter().map(|address| {
        bind(address).with_context(|| format!("listening on {address}; is another server there? choose another with --listen"))
    });
    listeners.collect()
}

fn served(serve: &Serve) -> anyhow::Result<Option<Arc<Served>>> {
    let (Some(cert), Some(key)) = (&serve.tls_cert, &serve.tls_key) else { return Ok(None) };
    Served::open(Pair { cert: cert.clone(), key: key.clone() }).map(Some)
}

fn log_options(serve: &Serve) -> LogOptions {
    let usual = LogOptions::default();
    let usual = LogOptions { reserve_bytes: serve.disk_reserve_mib.map_or(usual.reserve_bytes, |mib| mib << 20), ..usual };
    match serve.segment_events {
        None => usual,
        // Small segments are for crash tests, which want the rest to happen often too.
        Some(segment_events_max) => LogOptions { segment_events_max, absorb_bytes: 1 << 10, ..usual },
    }
}

/// Raises the limit on open files as far as this process may: each agent takes two, and the usual soft limit is 1024.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        warn!(%error, "the limit on open files stays as it is; `spunto doctor` says for how many agents it is enough");
    }
}

/// Runs the server until it is told to stop.
///
/// # Errors
/// It can't start, or its log failed.
pub async fn serve(serve: &Serve) -> anyhow::Result<()> {
    raise_open_files();
    let tls = served(serve)?;
    let agent_image = check_agent_image(&serve.agent_image)?;
    let listeners = listen(serve)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let addresses =
        listeners.iter().map(|listener| Ok(format!("{scheme}://{}", listener.local_addr()?))).collect::<anyhow::Result<Vec<_>>>()?;
    let public_url = check_public_url(serve.public_url.as_deref().unwrap_or(addresses.first().map_or("", String::as_str)))?;
    let settings = Settings {
        secure_cookies: public_url.starts_with("https://"),
        public_url,
        agent_image,
        trusted_proxies: serve.trusted_proxy.clone(),
    };
    let Running { app, mut journal } = start(open(&serve.data, log_options(serve))?, settings, serve).await?;
    let shared = app.clone();
    let mut server = HttpServer::new(move || {
        HttpApp::new()
            .app_data(shared.clone())
            .app_data(PayloadConfig::new(BODY_BYTES_MAX))
            .app_data(ask::query_errors())
            .wrap(from_fn(headers::add))
            .configure(|config| endpoint::register(api::endpoints(), config))
            .default_service(actix_web::web::to(dashboard::file_or_page))
    })
    .on_connect(cut::on_connect)
    .max_connections(CONNECTIONS_MAX)
    .shutdown_timeout(STOP_WITHIN_S)
    .keep_alive(Duration::from_secs(75))
    .client_request_timeout(Duration::from_secs(10));
    if let Some(workers) = serve.workers {
        server = server.workers(workers.into());
    }
    for listener in listeners {
        server = match &tls {
            Some(served) => server.listen_rustls_0_23(listener, served.config()?)?,
            None => server.listen(listener)?,
        };
    }
    // Taken before anyone is told that the server is there: from then on a signal must not end it.
    actix_rt::spawn(tls::keep(tls, signal(SignalKind::hangup())?));
    announce(&app, &addresses);
    let running = server.run();
    let handle = running.handle();
    let stopped = tokio::select! {
        stopped = running => stopped.context("serving"),
        failed = journal.failed.wait_for(|failed| *failed) => {
            // The last journal handle went away, or the log failed; only the second is wrong, and then nothing must be served.
            error!("stopping: the log failed");
            drop(failed);
            handle.stop(false).await;
            bail!("the event log failed; the server must start again to see what was written")
        }
    };
    info!("stopped");
    stopped
}

/// Tells people and scripts where the server is.
fn announce(app: &App, addresses: &[String]) {
    use std::io::Write;
    let mut text = String::new();
    for address in addresses {
        text.push_str(&format!("listening on {address}\n"));
    }
    if app.directory.read(State::is_observing) {
        tracing::warn!(
            "this log was restored from a backup: the server only observes until `spunto restore-status` is looked at and confirmed"
        );
    }
    if app.directory.read(|state| state.system.users.is_empty()) {
        text.push_str(&format!("first owner: open {}/setup#{}\n", app.settings.public_url, app.keys.setup.expose()));
    }
    // With nobody reading, the server serves all the same.
    let _ = std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush());
}
