//! What the agent is told: by environment variables, as `docker run -e` sets them.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use spunto_core::address::is_private;
use spunto_core::secret::Secret;
use spunto_core::token::{EnrolmentToken, NodeToken};

use crate::pool::Pool;

/// Makes this machine a node of a Spunto control plane. Started by the docker command that the control plane shows.
#[derive(Debug, Parser)]
#[command(
    name = "spunto-agent",
    version,
    after_help = "Proxies and certificates:
  HTTPS_PROXY, HTTP_PROXY and NO_PROXY are respected. SSL_CERT_FILE adds the certificates of a private authority.

When the node does not come online:
  docker logs spunto-agent -f
  docker exec spunto-agent /spunto-agent check"
)]
pub struct Cli {
    /// Without one: run.
    #[command(subcommand)]
    pub action: Option<Action>,
    #[expect(missing_docs, reason = "documented at its type")]
    #[command(flatten)]
    pub settings: Settings,
}

/// What to do other than run.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Says in plain words what is wrong: Docker, network, certificate, token, clock.
    Check,
    /// Tries what a worker must not reach, and prints what answered; run by the agent inside a worker's network.
    #[command(hide = true)]
    Probe {
        /// Addresses in other workers' networks.
        peers: Vec<IpAddr>,
    },
    /// Sleeps, to be probed.
    #[command(hide = true)]
    ProbeTarget,
    /// Prints the host's routes and blocks the metadata service for workers; run by the agent on the host's network.
    #[command(hide = true)]
    Host,
}

/// What is set from outside.
#[derive(Clone, Debug, Args)]
pub struct Settings {
    /// The token that the control plane showed.
    #[arg(long, env = "NODE_TOKEN", hide_env_values = true, global = true)]
    pub node_token: Option<String>,
    /// Instead of a node token, on a machine that a cloud made: traded for it at the first start.
    #[arg(long, env = "ENROLMENT_TOKEN", hide = true, hide_env_values = true, global = true)]
    pub enrolment_token: Option<String>,
    /// Where the traded token is kept; a volume.
    #[arg(long, env = "SPUNTO_STATE_DIR", hide = true, default_value = "/state", global = true)]
    pub state_dir: PathBuf,
    /// Where the control plane is, e.g. https://spunto.example.
    #[arg(long, env = "API_URL", global = true)]
    pub api_url: Option<String>,
    /// Addresses for workers' networks; each takes a /28 that no other network and no route of the host uses.
    #[arg(long, env = "SPUNTO_NETWORK_POOL", default_value = "10.213.0.0/16", global = true)]
    pub network_pool: Pool,
    /// Allows plain http:// to a public address. Everybody on the way can then take over the node.
    #[arg(long, env = "SPUNTO_ALLOW_PLAINTEXT", global = true)]
    pub allow_plaintext: bool,
    /// Docker's socket.
    #[arg(long, env = "SPUNTO_DOCKER_SOCKET", default_value = "/var/run/docker.sock", global = true)]
    pub docker_socket: String,
    /// How much is logged.
    #[arg(long, env = "SPUNTO_LOG", default_value = "info", global = true)]
    pub log: String,
}

/// A control plane's address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Host name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// What stands between host and `/api`, without a slash at the end.
    pub base: String,
}

/// Settings that hold together.
#[derive(Clone, Debug)]
pub struct Config {
    /// The credential.
    pub token: NodeToken,
    /// Its text, for the header.
    pub token_text: Secret<String>,
    /// Where to dial.
    pub server: Server,
    /// Addresses for networks.
    pub pool: Pool,
    /// Docker's socket.
    pub docker_socket: String,
}

/// Why the settings don't hold together; says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Something is not set.
    #[error("{0} is not set; paste the whole docker command that the control plane showed")]
    Missing(&'static str),
    /// The token is cut or something else.
    #[error("NODE_TOKEN: {0}")]
    Token(#[from] spunto_core::token::MalformedCredential),
    /// The enrolment token is cut or something else.
    #[error("ENROLMENT_TOKEN: {0}")]
    Enrolment(spunto_core::token::MalformedCredential),
    /// The address is none.
    #[error("API_URL must look like https://spunto.example, not \"{0}\"")]
    Url(String),
    /// The token would travel in the open.
    #[error(
        "API_URL is plain http to {0}, where everybody on the way can read the token and take over this machine; use https, or set SPUNTO_ALLOW_PLAINTEXT=true if you know better"
    )]
    Plaintext(String),
}

impl Settings {
    /// Checks and takes apart what is set.
    ///
    /// # Errors
    /// Something is missing or dangerous.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let token = self.node_token.clone().filter(|text| !text.is_empty()).ok_or(ConfigError::Missing("NODE_TOKEN"))?;
        self.config_with(&Secret::new(token.trim().to_owned()))
    }

    /// The same with this node token.
    ///
    /// # Errors
    /// Something is missing or dangerous.
    pub fn config_with(&self, token_text: &Secret<String>) -> Result<Config, ConfigError> {
        let token = NodeToken::parse(token_text.expose())?;
        let (token_text, server) = (token_text.clone(), self.server()?);
        Ok(Config { token, token_text, server, pool: self.network_pool, docker_socket: self.docker_socket.clone() })
    }

    /// Where to dial.
    ///
    /// # Errors
    /// It is not set, none, or plaintext to a public address.
    pub fn server(&self) -> Result<Server, ConfigError> {
        let url = self.api_url.as_deref().filter(|text| !text.is_empty()).ok_or(ConfigError::Missing("API_URL"))?;
        let server = parse_server(url).ok_or_else(|| ConfigError::Url(url.to_owned()))?;
        if !server.tls && !self.allow_plaintext && !is_private(&server.host) {
            return Err(ConfigError::Plaintext(server.host));
        }
        Ok(server)
    }

    /// The enrolment token, where one is set.
    ///
    /// # Errors
    /// It is cut or something else.
    pub fn enrolment(&self) -> Result<Option<EnrolmentToken>, ConfigError> {
        let text = self.enrolment_token.as_deref().map(str::trim).filter(|text| !text.is_empty());
        text.map(EnrolmentToken::parse).transpose().map_err(ConfigError::Enrolment)
    }
}

/// Takes a URL of the form `http[s]://host[:port][/base]` apart.
#[must_use]
pub fn parse_server(url: &str) -> Option<Server> {
    let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return None,
    };
    let (authority, base) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let default = if tls { 443 } else { 80 };
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, after) = v6.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            let port = if after.is_empty() { default } else { after.strip_prefix(':')?.parse().ok()? };
            (host, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, port.parse().ok()?),
            None => (authority, default),
        },
    };
    let fits = |c: u8| c.is_ascii_alphanumeric() || b".-_:".contains(&c);
    let path_fits = |c: u8| c.is_ascii_alphanumeric() || b"/.-_~".contains(&c);
    if host.is_empty() || !host.bytes().all(fits) || !base.bytes().all(path_fits) {
        return None;
    }
    Some(Server { tls, host: host.to_owned(), port, base: base.trim_end_matches('/').to_owned() })
}

impl Server {
    /// `host:port`, as in a `Host` header.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.tls { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;
    use clap::CommandFactory;

    fn settings(url: &str, allow_plaintext: bool) -> Settings {
        let token = NodeToken::new(spunto_core::id::OrgId::from_u64(1), spunto_core::id::NodeId::from_u64(2), [3; 32]);
        Settings {
            node_token: Some(token.reveal().expose().clone()),
            enrolment_token: None,
            state_dir: PathBuf::new(),
            api_url: Some(url.into()),
            network_pool: "10.213.0.0/16".parse().unwrap(),
            allow_plaintext,
            docker_socket: String::new(),
            log: String::new(),
        }
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn addresses_are_taken_apart() {
        let server = |tls, host: &str, port, base: &str| Some(Server { tls, host: host.into(), port, base: base.into() });
        assert_eq!(parse_server("https://spunto.example"), server(true, "spunto.example", 443, ""));
        assert_eq!(parse_server("https://spunto.example/base/"), server(true, "spunto.example", 443, "/base"));
        assert_eq!(parse_server("http://10.0.0.1:7780"), server(false, "10.0.0.1", 7780, ""));
        assert_eq!(parse_server("http://[::1]:80/"), server(false, "::1", 80, ""));
        for url in
            ["", "spunto.example", "ftp://a", "https://", "https://a:b", "https://a b", "http://[x]", "https://a/\r\nb", "https://u@h"]
        {
            assert_eq!(parse_server(url), None, "{url}");
        }
    }

    #[test]
    fn a_token_does_not_travel_in_the_open() {
        for url in ["http://127.0.0.1:1", "http://172.17.0.1:7780", "http://[fd00::1]", "http://localhost", "https://spunto.example"] {
            assert!(settings(url, false).config().is_ok(), "{url}");
        }
        for url in ["http://203.0.113.9", "http://spunto.example", "http://[2001:db8::1]"] {
            assert!(matches!(settings(url, false).config(), Err(ConfigError::Plaintext(_))), "{url}");
            assert!(settings(url, true).config().is_ok(), "{url}");
        }
    }

    #[test]
    fn a_cut_token_is_told_without_being_repeated() {
        let mut cut = settings("https://a", false);
        let text = cut.node_token.clone().unwrap();
        cut.node_token = Some(text[..60].to_owned());
        let error = cut.config().unwrap_err().to_string();
        assert!(error.contains("copy it whole") && !error.contains(&text[20..40]), "{error}");
        cut.node_token = None;
        assert_eq!(cut.config().unwrap_err(), ConfigError::Missing("NODE_TOKEN"));
        assert!(!format!("{:?}", settings("https://a", false).config().unwrap()).contains(&text[35..60]));
    }
}
