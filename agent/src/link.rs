//! A connection to the control plane: through a proxy where one is set, with TLS where the address says so, as a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use spunto_core::protocol::FRAME_TO_AGENT_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::config::{Config, Server};
use crate::seam::Dial;

/// How long a connection may take in all.
const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// Longest answer of a proxy.
const PROXY_ANSWER_BYTES_MAX: usize = 8 * 1024;

/// Bytes both ways, whatever carries them.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A WebSocket to the control plane.
pub type Socket = WebSocketStream<Box<dyn Stream>>;

/// Why there is no connection; says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No TCP connection.
    #[error("cannot reach {0}: {1}")]
    Tcp(String, std::io::Error),
    /// The proxy does not let us through.
    #[error("the proxy {0} refuses: {1}")]
    Proxy(String, String),
    /// TLS failed.
    #[error("TLS with {0} failed: {1}; a private authority's certificate is set with SSL_CERT_FILE")]
    Tls(String, String),
    /// The server answered, but not with a WebSocket.
    #[error("the control plane answers {status}: {detail}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words.
        detail: String,
    },
    /// Too slow.
    #[error("no connection to {0} within {secs} s", secs = CONNECT_WITHIN.as_secs())]
    Timeout(String),
}

/// A proxy from the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    host: String,
    port: u16,
    /// For `Proxy-Authorization`.
    user: Option<String>,
}

/// The proxy for a server, as the usual variables say; `get` reads one.
pub fn proxy_for(server: &Server, get: impl Fn(&str) -> Option<String>) -> Option<Proxy> {
    let read = |name: &str| get(name).or_else(|| get(&name.to_lowercase())).filter(|value| !value.is_empty());
    let excluded = read("NO_PROXY").unwrap_or_default();
    let is_excluded = excluded.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let suffix = entry.trim_start_matches("*.").trim_start_matches('.');
        entry == "*" || server.host == suffix || server.host.ends_with(&format!(".{suffix}"))
    });
    if is_excluded {
        return None;
    }
    let url = read(if server.tls { "HTTPS_PROXY" } else { "HTTP_PROXY" })?;
    let rest = url.strip_prefix("http://").unwrap_or(&url).trim_end_matches('/');
    let (user, address) = rest.rsplit_once('@').map_or((None, rest), |(user, address)| (Some(user.to_owned()), address));
    let (host, port) = address.rsplit_once(':').map_or((address, Ok(3128)), |(host, port)| (host, port.parse()));
    Some(Proxy { host: host.to_owned(), port: port.ok()?, user })
}

async fn tcp(server: &Server) -> Result<TcpStream, LinkError> {
    let connect = |host: String, port: u16| async move {
        let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| LinkError::Tcp(format!("{host}:{port}"), error))?;
        // Small frames must not wait for each other; without it the rest works too.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    };
    let Some(proxy) = proxy_for(server, |name| std::env::var(name).ok()) else { return connect(server.host.clone(), server.port).await };
    let name = format!("{}:{}", proxy.host, proxy.port);
    let mut stream = connect(proxy.host.clone(), proxy.port).await?;
    let host = if server.host.contains(':') { format!("[{}]", server.host) } else { server.host.clone() };
    let target = format!("{host}:{}", server.port);
    let credentials =
        proxy.user.map_or_else(String::new, |user| format!("Proxy-Authorization: Basic {}\r\n", BASE64.encode(user.as_bytes())));
    let refused = |what: String| LinkError::Proxy(name.clone(), what);
    let ask = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n");
    stream.write_all(ask.as_bytes()).await.map_err(|error| refused(error.to_string()))?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < PROXY_ANSWER_BYTES_MAX {
        answer.push(stream.read_u8().await.map_err(|error| refused(error.to_string()))?);
    }
    let line = String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned();
    if line.split_whitespace().nth(1).is_some_and(|status| status.starts_with('2')) { Ok(stream) } else { Err(refused(line)) }
}

fn tls_config() -> Result<rustls::ClientConfig, String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    if let Some(path) = std::env::var_os("SSL_CERT_FILE") {
        let told = |error: String| format!("SSL_CERT_FILE {}: {error}", path.display());
        for certificate in CertificateDer::pem_file_iter(&path).map_err(|error| told(error.to_string()))? {
            let certificate = certificate.map_err(|error| told(error.to_string()))?;
            roots.add(certificate).map_err(|error| told(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(config.map_err(|error| error.to_string())?.with_root_certificates(roots).with_no_client_auth())
}

/// Connects, with TLS where the address says so.
///
/// # Errors
/// See [`LinkError`].
pub async fn connect(server: &Server) -> Result<Box<dyn Stream>, LinkError> {
    let connecting = async {
        let tcp = tcp(server).await?;
        if !server.tls {
            return Ok(Box::new(tcp) as Box<dyn Stream>);
        }
        let failed = |error: String| LinkError::Tls(server.authority(), error);
        let name = ServerName::try_from(server.host.clone()).map_err(|error| failed(error.to_string()))?;
        let config = tls_config().map_err(failed)?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|error| failed(error.to_string()))?;
        Ok(Box::new(stream) as Box<dyn Stream>)
    };
    tokio::time::timeout(CONNECT_WITHIN, connecting).await.unwrap_or_else(|_| Err(LinkError::Timeout(server.authority())))
}

/// The way to the control plane of these settings.
pub struct Dialer(pub Config);

impl Dial for Dialer {
    type Socket = Socket;

    async fn dial(&self, path: &str) -> Result<Socket, LinkError> {
        dial(&self.0, path).await
    }
}

/// Opens a WebSocket on a path below the control plane's address, with the token in the header.
///
/// # Errors
/// See [`LinkError`].
pub async fn dial(config: &Config, path: &str) -> Result<Socket, LinkError> {
    let server = &config.server;
    let stream = connect(server).await?;
    let refused = |detail: String| LinkError::Refused { status: 0, detail };
    let url = format!("{}://{}{}{path}", if server.tls { "wss" } else { "ws" }, server.authority(), server.base);
    let mut request = url.into_client_request().map_err(|error| refused(error.to_string()))?;
    let mut value = tungstenite::http::HeaderValue::from_str(&format!("Bearer {}", config.token_text.expose()))
        .map_err(|_| refused("the token has characters that no token has".into()))?;
    value.set_sensitive(true);
    request.headers_mut().insert("Authorization", value);
    let limits = WebSocketConfig::default().max_frame_size(Some(FRAME_TO_AGENT_BYTES_MAX)).max_message_size(Some(FRAME_TO_AGENT_BYTES_MAX));
    let handshake = tokio_tungstenite::client_async_with_config(request, stream, Some(limits));
    let shaken = tokio::time::timeout(CONNECT_WITHIN, handshake).await.map_err(|_| LinkError::Timeout(server.authority()))?;
    match shaken {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(answer)) => {
            let body = answer.body().as_deref().unwrap_or_default();
            let detail = serde_json::from_slice::<serde_json::Value>(body).ok();
            let detail = detail.and_then(|body| Some(body.get("detail")?.as_str()?.to_owned()));
            Err(LinkError::Refused { status: answer.status().as_u16(), detail: detail.unwrap_or_else(|| "without saying why".into()) })
        }
        Err(error) => Err(refused(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse_server;

    fn check(url: &str, variables: &[(&str, &str)], expected: Option<(&str, u16, Option<&str>)>) {
        let server = parse_server(url).expect("the test's own address");
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let expected = expected.map(|(host, port, user)| Proxy { host: host.into(), port, user: user.map(str::to_owned) });
        assert_eq!(proxy_for(&server, get), expected, "{url} {variables:?}");
    }

    #[test]
    fn proxies_are_found_as_usual() {
        let url = "https://spunto.example";
        check(url, &[], None);
        check(url, &[("HTTPS_PROXY", "http://proxy:8080")], Some(("proxy", 8080, None)));
        check(url, &[("https_proxy", "proxy")], Some(("proxy", 3128, None)));
        check(url, &[("HTTPS_PROXY", "http://ada:pw@proxy:8080/")], Some(("proxy", 8080, Some("ada:pw"))));
        check(url, &[("HTTP_PROXY", "proxy:1")], None);
        check("http://spunto.example", &[("HTTP_PROXY", "proxy:1")], Some(("proxy", 1, None)));
        for excluded in ["*", "spunto.example", ".example", "a, *.example"] {
            check(url, &[("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", excluded)], None);
        }
        check(url, &[("HTTPS_PROXY", "proxy:1"), ("NO_PROXY", "other.example,ample")], Some(("proxy", 1, None)));
    }
}
