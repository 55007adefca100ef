//! Asks the server that runs on this machine: for `spunto health`, `spunto doctor` and what the operator does while it runs. Dials its
//! listening address only, and sends nothing that is secret for longer than a minute.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::Value;

use crate::config::Serve;

/// How long connecting, and each step of an answer, may take.
const STEP_WITHIN: Duration = Duration::from_secs(3);
/// Longest answer read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// An answer of the server.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body; null where it is no JSON.
    pub body: Value,
    /// The certificate that was served, where TLS is on.
    pub certificate: Option<CertificateDer<'static>>,
}

/// Takes any certificate: it is dialled by this machine's own address, which no certificate names, and is judged afterwards.
#[derive(Debug)]
struct Any(Arc<CryptoProvider>);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _chain: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(m, c, d, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        m: &[u8],
        c: &CertificateDer<'_>,
        d: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(m, c, d, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Where a server with these settings can be reached from this machine.
///
/// # Errors
/// It takes any free port, so that nobody knows.
pub fn address(serve: &Serve) -> anyhow::Result<SocketAddr> {
    let listen = serve.listen.first().context("no listening address is set")?;
    if listen.port() == 0 {
        bail!("the server listens on any free port; name one with --listen");
    }
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    Ok(SocketAddr::new(ip, listen.port()))
}

/// A connection, whether with TLS or without.
pub(crate) trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

/// Connects; each step of what follows may take so long. With the certificate that was served, where TLS is on.
///
/// # Errors
/// No server listens there, or it speaks no TLS.
pub(crate) fn connect(serve: &Serve, within: Duration) -> anyhow::Result<(Box<dyn Connection>, Option<CertificateDer<'static>>)> {
    let address = address(serve)?;
    let mut tcp = TcpStream::connect_timeout(&address, STEP_WITHIN).with_context(|| format!("connecting to {address}"))?;
    tcp.set_read_timeout(Some(within))?;
    tcp.set_write_timeout(Some(within))?;
    if serve.tls_cert.is_none() {
        return Ok((Box::new(tcp), None));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(Any(provider))).with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), ServerName::from(address.ip()))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp).with_context(|| format!("TLS with {address}"))?;
    }
    let leaf = connection.peer_certificates().and_then(|chain| chain.first()).map(|leaf| leaf.clone().into_owned());
    Ok((Box::new(StreamOwned::new(connection, tcp)), leaf))
}

/// `GET` of a path.
///
/// # Errors
/// No server answers there, or something else does.
pub fn get(serve: &Serve, path: &str) -> anyhow::Result<Answer> {
    let (mut stream, leaf) = connect(serve, STEP_WITHIN)?;
    read(&mut stream, path, leaf)
}

fn read(stream: &mut (impl Read + Write), path: &str, certificate: Option<CertificateDer<'static>>) -> anyhow::Result<Answer> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut bytes = Vec::new();
    let ended = stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let Some(status) = text.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok()) else {
        ended.context("waiting for an answer")?;
        bail!("what answers is no HTTP server");
    };
    let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok()).unwrap_or(Value::Null);
    Ok(Answer { status, body, certificate })
}

/// `spunto health`: whether the server on this machine can serve; for the health check of a container.
///
/// # Errors
/// Nobody reads.
pub fn health(serve: &Serve) -> anyhow::Result<ExitCode> {
    let (code, text) = match get(serve, "/readyz") {
        Ok(answer) if answer.status == 200 => (ExitCode::SUCCESS, "ready".to_owned()),
        Ok(answer) => (ExitCode::FAILURE, format!("not ready: the server answers {}", answer.status)),
        Err(error) => (ExitCode::FAILURE, format!("not ready: {error:#}")),
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(code)
}
