//! A certificate that is renewed while agents are connected: served from then on, and nobody is cut off.

#![allow(clippy::unwrap_used, reason = "whatever fails here fails the test")]

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use spunto_core::protocol::{FromAgent, FromServer};
use spunto_tests::api::{Api, wait_for};
use spunto_tests::scripted::Scripted;
use spunto_tests::server::{Server, Start};
use spunto_tests::world::SOON;

use crate::replay::replay;

/// Files that a server reads its certificate from.
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn new(directory: &Path) -> Self {
        Self { cert: directory.join("cert.pem"), key: directory.join("key.pem") }
    }

    /// Puts another certificate there; it, in PEM.
    fn renew(&self) -> String {
        let signed = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(&self.cert, signed.cert.pem()).unwrap();
        fs::write(&self.key, signed.signing_key.serialize_pem()).unwrap();
        signed.cert.pem()
    }
}

fn client(pem: &str) -> Arc<ClientConfig> {
    use rustls::pki_types::pem::PemObject;
    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

type Encrypted = StreamOwned<ClientConnection, TcpStream>;

/// A new connection that trusts this certificate only; none when the server has another.
fn connect(port: &str, pem: &str) -> Option<Encrypted> {
    let mut connection = ClientConnection::new(client(pem), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut tcp = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    tcp.set_read_timeout(Some(SOON)).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut tcp).ok()?;
    }
    Some(StreamOwned::new(connection, tcp))
}

struct Secured {
    server: Server,
    start: Start,
    port: String,
    files: Files,
    pem: String,
    _directory: tempfile::TempDir,
}

fn secured() -> Secured {
    let directory = tempfile::tempdir().unwrap();
    let files = Files::new(directory.path());
    let pem = files.renew();
    let mut start = Start::new(&directory.path().join("data"), &["127.0.0.1:0"]);
    start.flags = vec![format!("--tls-cert={}", files.cert.display()), format!("--tls-key={}", files.key.display())];
    start.trusts = Some(pem.clone());
    let server = start.run().unwrap();
    let port = server.addresses[0].rsplit(':').next().unwrap().to_owned();
    Secured { server, start, port, files, pem, _directory: directory }
}

impl Secured {
    fn hang_up(&self) {
        kill_process(Pid::from_raw(i32::try_from(self.server.pid()).unwrap()).unwrap(), Signal::HUP).unwrap();
    }

    fn wait_served(&self, pem: &str) {
        wait_for("the new certificate to be served", SOON, || Ok(connect(&self.port, pem))).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.start.log).unwrap()
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Makes one of the first owner's things.
    fn create(&self, things: &str, body: &Value) -> Value {
        let api = Api::trusting(&self.url(), &self.pem).unwrap();
        let api = api.set_up(self.server.setup_token.as_ref().unwrap(), "ada@example.com", "correct horse").unwrap();
        let (org, _) = api.home().unwrap();
        api.post(&format!("/api/orgs/{org}/{things}"), body).unwrap().ok().unwrap()
    }

    fn session(&self) -> Scripted<Encrypted> {
        let node = self.create("nodes", &json!({ "name": "n" }));
        let stream = connect(&self.port, &self.pem).unwrap();
        let url = format!("wss://localhost:{}", self.port);
        Scripted::over(stream, &url, node["token"].as_str().unwrap()).unwrap().begun(7).unwrap()
    }
}

#[test]
fn a_new_certificate_is_served_on_a_signal_and_open_sessions_live_on() {
    let secured = secured();
    let mut session = secured.session();
    let renewed = secured.files.renew();
    secured.hang_up();
    secured.wait_served(&renewed);
    assert!(connect(&secured.port, &secured.pem).is_none(), "the old one is served no more");

    // A file that can't be served changes nothing, and the log says which and why.
    fs::write(&secured.files.key, "no key at all").unwrap();
    secured.hang_up();
    wait_for("the refusal in the log", SOON, || Ok(secured.log().contains("key.pem holds no PEM private key").then_some(()))).unwrap();
    assert!(connect(&secured.port, &renewed).is_some(), "the one before stays");
    fs::write(&secured.files.key, rcgen::KeyPair::generate().unwrap().serialize_pem()).unwrap();
    secured.hang_up();
    wait_for("the refusal in the log", SOON, || Ok(secured.log().contains("don't belong together").then_some(()))).unwrap();
    assert!(connect(&secured.port, &renewed).is_some(), "the one before stays");
    fs::remove_file(&secured.files.cert).unwrap();
    secured.hang_up();
    wait_for("the refusal in the log", SOON, || Ok(secured.log().contains("cert.pem: No such file").then_some(()))).unwrap();
    assert!(connect(&secured.port, &renewed).is_some(), "the one before stays");
    assert!(!secured.log().contains("no key at all"), "what is in a key file is not told");

    // The agent that connected under the first certificate is still there. The first ping may have come before all this; the
    // next is sent only to who answered.
    for _ in 0..2 {
        let nonce = next_ping(&mut session);
        session.send(&FromAgent::Pong { nonce }).unwrap();
    }
}

fn next_ping(session: &mut Scripted<Encrypted>) -> u32 {
    loop {
        let frame = session.socket.read().unwrap();
        if let Ok(text) = frame.to_text()
            && let Ok(FromServer::Ping { nonce }) = FromServer::parse(text)
        {
            return nonce;
        }
    }
}

#[test]
fn what_happened_is_asked_over_a_private_authority() {
    let secured = secured();
    let key = secured.create("keys", &json!({ "name": "replay", "scopes": ["events:read"], "owner": "org" }));
    let ask = |cacert: &[&str]| replay(Some(key["secret"].as_str().unwrap()), &[&["verify", "--url", &secured.url()], cacert].concat());
    let (told, code) = ask(&[]);
    assert!(code == 4 && told.contains("can't be reached"), "{code} {told}");
    let (told, code) = ask(&["--cacert", secured.files.cert.to_str().unwrap()]);
    assert_eq!(code, 0, "{told}");
    let (told, code) = ask(&["--cacert", secured.files.key.to_str().unwrap()]);
    assert!(code == 2 && told.contains("key.pem: it holds no certificate"), "{code} {told}");
}

#[test]
fn a_renewal_that_sends_no_signal_is_served_as_well() {
    let secured = secured();
    let renewed = secured.files.renew();
    wait_for("the new certificate to be served", spunto_web::tls::LOOK_EVERY + Duration::from_secs(20), || {
        Ok(connect(&secured.port, &renewed))
    })
    .unwrap();
}

#[test]
fn without_tls_the_signal_ends_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let start = Start::new(&directory.path().join("data"), &["127.0.0.1:0"]);
    let server = start.run().unwrap();
    kill_process(Pid::from_raw(i32::try_from(server.pid()).unwrap()).unwrap(), Signal::HUP).unwrap();
    wait_for("the signal in the log", SOON, || Ok(fs::read_to_string(&start.log)?.contains("TLS is off").then_some(()))).unwrap();
    assert_eq!(server.api().get("/healthz").unwrap().status, 200);
}
