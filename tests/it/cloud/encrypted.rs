//! Calls over TLS: who is told a credential, and who is not.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use spunto_actors::cloud::{FaultKind, Happened, Settings};
use spunto_tests::cloud::hetzner::TOKEN;

use super::rig::{AtHetzner, OURS, Place};

/// A server for one call, with a certificate that only its own authority vouches for.
struct Server {
    url: String,
    authority: String,
    /// What it was told inside of the connection.
    told: JoinHandle<Vec<String>>,
}

impl Server {
    fn start() -> Self {
        let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certified.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let told = std::thread::spawn(move || {
            let (socket, _) = listener.accept().unwrap();
            let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
            let mut stream = BufReader::new(rustls::StreamOwned::new(connection, socket));
            let mut told = Vec::new();
            let mut line = String::new();
            // An error is the client's refusal.
            while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
                told.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            if !told.is_empty() {
                let body = r#"{"locations":[{"name":"fsn1"}],"meta":{"pagination":{"next_page":null}}}"#;
                write!(stream.get_mut(), "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
            told
        });
        Self { url, authority: certified.cert.pem(), told }
    }

    fn settings(&self) -> Settings {
        AtHetzner::new().settings(OURS).with_base("hetzner", &self.url)
    }
}

#[tokio::test]
async fn a_server_that_no_authority_vouches_for_is_told_nothing() {
    let server = Server::start();
    let fault = AtHetzner::new().account(&server.settings(), TOKEN).verify().await.unwrap_err();
    assert_eq!((&fault.kind, fault.happened), (&FaultKind::Unavailable, Happened::No), "{fault}");
    assert!(fault.message.contains("certificate"), "{fault}");
    assert_eq!(server.told.join().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn an_authority_of_one_s_own_is_enough() {
    let server = Server::start();
    let settings = server.settings().with_authorities(server.authority.as_bytes()).unwrap();
    let locations = AtHetzner::new().account(&settings, TOKEN).locations().await.unwrap();
    assert_eq!(locations[0].id, "fsn1");
    let told = server.told.join().unwrap();
    assert_eq!(told[0], "GET /locations?page=1&per_page=50 HTTP/1.1");
    assert!(told.contains(&format!("authorization: Bearer {TOKEN}")), "{told:?}");
    assert!(AtHetzner::new().settings(OURS).with_authorities(b"nothing").is_err());
}
