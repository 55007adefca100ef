//! What the operator decides: flags, environment, a file; in this order, the first that says something wins.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use actix_web::HttpRequest;
use anyhow::{Context, bail};
use clap::parser::ValueSource;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::app::Settings;

mod cloud_base;
mod restoring;
#[cfg(test)]
mod tests;

pub use cloud_base::CloudBase;
pub use restoring::{Backup, Chosen, Confirm, Restore, RestoreStatus};

/// The control plane: makes servers into nodes and runs workers on them; every change is an event in a log.
#[derive(Debug, Parser)]
#[command(
    name = "spunto",
    version,
    after_help = "Examples:
  spunto serve
      Data in ./spunto-data, on http://127.0.0.1:7780. The first start prints a link for the first owner.
  spunto serve --listen 0.0.0.0:443 --public-url https://spunto.example --tls-cert cert.pem --tls-key key.pem
      For agents and browsers everywhere.
  spunto serve --listen 127.0.0.1:7780 --public-url https://spunto.example --trusted-proxy 127.0.0.1
      Behind a proxy that ends TLS and sets X-Forwarded-For.
  spunto doctor
      Says what is wrong with the machine, the data, the address or the certificate; takes the settings of serve.
  spunto backup /backup/spunto-2026-11-25.backup
      A backup of the running server; takes the settings of serve.
  spunto admin setup-link
      Shows the link for the first owner again."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Runs the control plane.
    Serve(Box<Serve>),
    /// Looks at everything a server stands on, and says in plain words what is wrong and what to do.
    ///
    /// Takes the settings of `serve`: give it the same flags, environment or file. Repairs nothing. When no server runs it opens
    /// the log and verifies all of it, so ask as the user that runs the server. Exit code: 0 when nothing must be done (there may
    /// be things to look at), 1 when something must.
    Doctor(Box<Doctor>),
    /// Asks the server on this machine whether it can serve: exit code 0, else 1. For the health check of a container.
    Health(Box<Serve>),
    /// Takes a backup into one file, while the server runs or not: the event log and the sealed secrets, never the master key.
    ///
    /// Takes the settings of `serve`. The file appears whole or not at all, and was verified; one that is there is never written over.
    /// Exit code: 0 when it is there, else 1.
    Backup(Box<Backup>),
    /// Makes the data directory of a backup, verified; the server then only observes until the difference is confirmed.
    ///
    /// The directory must be new or empty, but for the master key as `master.key`, which no backup holds; or give --master-key.
    Restore(Restore),
    /// Prints how the world differs from a restored log, what confirming does to each thing, and the command that confirms it.
    RestoreStatus(Box<RestoreStatus>),
    /// Lets a restored server act again. What has changed since the difference was printed is printed again, and not confirmed.
    Confirm(Box<Confirm>),
    /// Works on a data directory.
    #[command(subcommand)]
    Admin(Admin),
    /// Prints the API's description (OpenAPI 3.1).
    Openapi,
}

/// Where the data is, and the key that its secrets are sealed with.
#[derive(Clone, Debug, Args)]
pub struct Data {
    /// A TOML file with the same names as the flags of `serve`, e.g. `public-url = "https://spunto.example"`.
    #[arg(long, env = "SPUNTO_CONFIG")]
    pub config: Option<PathBuf>,
    /// Directory with the event log and the vault; made when it does not exist.
    #[arg(long, env = "SPUNTO_DATA_DIR", default_value = "spunto-data")]
    pub data_dir: PathBuf,
    /// Master key as 64 hexadecimal digits or base64, instead of the file `master.key` in the data directory.
    #[arg(long, env = "SPUNTO_MASTER_KEY", hide_env_values = true)]
    pub master_key: Option<String>,
    /// Older master keys, still needed to open what they sealed; repeatable, or separated by commas.
    #[arg(long, env = "SPUNTO_OLD_MASTER_KEYS", hide_env_values = true, value_delimiter = ',')]
    pub old_master_key: Vec<String>,
}

/// How to serve.
#[derive(Debug, Args)]
pub struct Serve {
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub data: Data,
    /// Address to listen on; repeatable. Port 0 takes any that is free.
    #[arg(long, env = "SPUNTO_LISTEN", default_value = "127.0.0.1:7780", value_delimiter = ',')]
    pub listen: Vec<SocketAddr>,
    /// Where browsers and agents reach this server; stands in the commands that nodes are made with. Default: the first
    /// listening address.
    #[arg(long, env = "SPUNTO_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// The agent's image in the commands that nodes are made with.
    #[arg(long, env = "SPUNTO_AGENT_IMAGE", default_value = concat!("ghcr.io/coderhammer/spunto-agent:", env!("CARGO_PKG_VERSION")))]
    pub agent_image: String,
    /// Certificate chain in PEM; with --tls-key turns TLS on.
    #[arg(long, env = "SPUNTO_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[arg(long, env = "SPUNTO_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// A proxy whose X-Forwarded-For is believed: an address, or a network like 10.0.0.0/8; repeatable.
    #[arg(long, env = "SPUNTO_TRUSTED_PROXY", value_delimiter = ',')]
    pub trusted_proxy: Vec<Proxy>,
    /// How much is logged, e.g. `info` or `spunto_actors=debug,info`.
    #[arg(long, env = "SPUNTO_LOG", default_value = "info")]
    pub log: String,
    /// Logs JSON instead of text.
    #[arg(long, env = "SPUNTO_LOG_JSON")]
    pub log_json: bool,
    /// Events in a segment of the log before it is sealed; small in crash tests only.
    #[arg(long, env = "SPUNTO_SEGMENT_EVENTS", hide = true)]
    pub segment_events: Option<u64>,
    /// Free MiB of the disk below which nothing is changed any more; small in tests only.
    #[arg(long, env = "SPUNTO_DISK_RESERVE_MIB", hide = true)]
    pub disk_reserve_mib: Option<u64>,
    /// Another address for a cloud's API, like `hetzner=http://127.0.0.1:4020/v1`; repeatable. For tests, and for clouds behind a gateway.
    #[arg(long, env = "SPUNTO_CLOUD_BASE", hide = true, value_delimiter = ',')]
    pub cloud_base: Vec<CloudBase>,
    /// How long a call to a cloud may take, in milliseconds; short in tests only.
    #[arg(long, env = "SPUNTO_CLOUD_CALL_MS", hide = true)]
    pub cloud_call_ms: Option<u64>,
    /// How long a call to a cloud whose answer is not known may still act, in milliseconds; short in tests only, with clouds that are
    /// as quick.
    #[arg(long, env = "SPUNTO_CLOUD_SETTLE_MS", hide = true)]
    pub cloud_settle_ms: Option<u64>,
    /// Threads that serve; default: one a core.
    #[arg(long, env = "SPUNTO_WORKERS", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
}

/// What to look at.
#[derive(Debug, Args)]
pub struct Doctor {
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub serve: Serve,
    /// Agents that are expected; limits are judged by it, or by the nodes there are where they are more.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    pub agents: u64,
    /// Prints JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

impl Action {
    /// Where the settings' file is named.
    fn data(&self) -> Option<&Data> {
        match self {
            Self::Serve(serve) | Self::Health(serve) => Some(&serve.data),
            Self::Backup(backup) => Some(&backup.serve.data),
            Self::RestoreStatus(status) => Some(&status.serve.data),
            Self::Confirm(confirm) => Some(&confirm.serve.data),
            Self::Restore(restore) => Some(&restore.data),
            Self::Doctor(doctor) => Some(&doctor.serve.data),
            Self::Admin(Admin::SetupLink { data, .. } | Admin::ResetPassword { data, .. } | Admin::Reseal { data }) => Some(data),
            Self::Openapi => None,
        }
    }
}

/// Works on a data directory.
#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Shows the link for the first owner again; works while the server runs.
    SetupLink {
        #[expect(missing_docs, reason = "documented at its type")]
        #[command(flatten)]
        data: Data,
        /// Where browsers reach the server; default as of `serve`.
        #[arg(long, env = "SPUNTO_PUBLIC_URL", default_value = "http://127.0.0.1:7780")]
        public_url: String,
    },
    /// Seals every secret with the current master key, after it was replaced; older ones are given with --old-master-key, now and
    /// later. The server must be stopped.
    Reseal {
        #[expect(missing_docs, reason = "documented at its type")]
        #[command(flatten)]
        data: Data,
    },
    /// Gives a user another password, read from standard input; the server must be stopped.
    ResetPassword {
        #[expect(missing_docs, reason = "documented at its type")]
        #[command(flatten)]
        data: Data,
        /// The user's e-mail address.
        #[arg(long)]
        email: String,
    },
}

/// An address or network of trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxy {
    network: IpAddr,
    bits: u8,
}

impl std::str::FromStr for Proxy {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("\"{text}\" is neither an address nor a network like 10.0.0.0/8");
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let network: IpAddr = address.parse().map_err(|_| shape())?;
        let width = if network.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).map_err(|_| shape())?;
        if bits > width { Err(shape()) } else { Ok(Self { network, bits }) }
    }
}

impl Proxy {
    fn holds(self, address: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| {
            let ignored = width - u32::from(self.bits);
            ignored >= width || a >> ignored == b >> ignored
        };
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => same(u128::from(u32::from(network)), u128::from(u32::from(address)), 32),
            (IpAddr::V6(network), IpAddr::V6(address)) => same(u128::from(network), u128::from(address), 128),
            _ => false,
        }
    }
}

impl Settings {
    /// Where a request comes from: the peer, or behind trusted proxies the last address that none of them is.
    #[must_use]
    pub fn address_of(&self, request: &HttpRequest) -> String {
        let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else { return "unknown".to_owned() };
        let trusted = |address: IpAddr| self.trusted_proxies.iter().any(|proxy| proxy.holds(address));
        let mut address = peer;
        if trusted(peer) {
            let headers = request.headers().get_all("X-Forwarded-For").filter_map(|value| value.to_str().ok());
            let hops: Vec<IpAddr> = headers.flat_map(|value| value.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
            for hop in hops.into_iter().rev() {
                address = hop;
                if !trusted(hop) {
                    break;
                }
            }
        }
        address.to_string()
    }
}

/// Reads flags and environment, and the file for what they leave open.
///
/// # Errors
/// A flag or the file is wrong; clap prints help and exits by itself.
pub fn read(args: Vec<OsString>) -> anyhow::Result<Cli> {
    let matches = Cli::command().get_matches_from(&args);
    let cli = Cli::from_arg_matches(&matches)?;
    let Some(path) = cli.action.data().and_then(|data| data.config.as_ref()) else { return Ok(cli) };
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let table: toml::Table = text.parse().with_context(|| format!("{} is no TOML file", path.display()))?;
    let top = Cli::command();
    let (asked, given) = asked(&top, &matches);
    let takes = |command: &clap::Command, name: &str| command.get_arguments().any(|arg| arg.get_long() == Some(name));
    let mut all = args;
    for (name, value) in &table {
        let id = name.replace('-', "_");
        let known = top.find_subcommand("serve").is_some_and(|serve| takes(serve, name));
        if !known || name == "config" {
            bail!("{}: there is no setting \"{name}\"; the names are those of the flags of `spunto serve --help`", path.display());
        }
        // The file is the server's; other commands take from it what they need.
        if !takes(asked, name) || matches!(given.value_source(&id), Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        all.extend(as_flags(name, value).with_context(|| format!("{}: {name}", path.display()))?);
    }
    Ok(Cli::from_arg_matches(&Cli::command().get_matches_from(all))?)
}

/// The innermost command that is asked for, and what it was given.
fn asked<'a>(mut command: &'a clap::Command, mut matches: &'a clap::ArgMatches) -> (&'a clap::Command, &'a clap::ArgMatches) {
    while let Some((name, inner)) = matches.subcommand()
        && let Some(found) = command.find_subcommand(name)
    {
        (command, matches) = (found, inner);
    }
    (command, matches)
}

fn as_flags(name: &str, value: &toml::Value) -> anyhow::Result<Vec<OsString>> {
    let flag = |text: &str| OsString::from(format!("--{name}={text}"));
    Ok(match value {
        toml::Value::String(text) => vec![flag(text)],
        toml::Value::Integer(number) => vec![flag(&number.to_string())],
        toml::Value::Boolean(true) => vec![OsString::from(format!("--{name}"))],
        toml::Value::Boolean(false) => Vec::new(),
        toml::Value::Array(items) => items.iter().map(|item| as_flags(name, item)).collect::<anyhow::Result<Vec<_>>>()?.concat(),
        _ => bail!("a text, a number, true or false, or a list of texts is expected"),
    })
}

/// Checks what stands in the commands that people paste into a shell.
///
/// # Errors
/// The text could mean something to a shell, or is no URL.
pub fn check_public_url(url: &str) -> anyhow::Result<String> {
    let url = url.trim_end_matches('/');
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let fits = |c: u8| c.is_ascii_alphanumeric() || b".-_:/[]".contains(&c);
    if !rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(fits)) {
        bail!("the public URL must look like https://spunto.example or http://10.0.0.5:7780, not \"{url}\"");
    }
    Ok(url.to_owned())
}

/// Checks the agent image likewise.
///
/// # Errors
/// The text could mean something to a shell, or is no image reference.
pub fn check_agent_image(image: &str) -> anyhow::Result<String> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b".-_:/@".contains(&c);
    if image.is_empty() || image.starts_with('-') || !image.bytes().all(fits) {
        bail!("the agent image must look like ghcr.io/coderhammer/spunto-agent:0.1.0, not \"{image}\"");
    }
    Ok(image.to_owned())
}
