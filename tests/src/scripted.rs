//! A scripted agent: speaks the real protocol over a real socket, and breaks it where a test wants it broken.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail};
use spunto_core::event::MachineFacts;
use spunto_core::protocol::{FromAgent, FromServer, Hello, Instance, PROTOCOL, write};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client};

/// How long a frame is waited for.
const FRAME_WITHIN: Duration = Duration::from_secs(30);

/// See the module.
pub struct Scripted<S = TcpStream> {
    /// The connection.
    pub socket: WebSocket<S>,
}

/// A hello of an agent with this instance.
#[must_use]
pub fn hello(instance: u64) -> Hello {
    let facts = MachineFacts { hostname: "scripted".into(), cpus: 2, memory_bytes: 4 << 30, ..MachineFacts::default() };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let clock_ms = u64::try_from(now.as_millis()).unwrap_or(0);
    Hello { protocol: PROTOCOL, protocol_min: PROTOCOL, agent_version: "scripted".into(), instance: Instance(instance), facts, clock_ms }
}

impl Scripted {
    /// Opens a connection; says nothing yet.
    ///
    /// # Errors
    /// No connection, or no WebSocket.
    pub fn open(url: &str, token: &str) -> anyhow::Result<Self> {
        let address = url.trim_start_matches("http://");
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(FRAME_WITHIN))?;
        Self::over(stream, &format!("ws://{address}"), token)
    }

    /// Opens a connection and says hello; the answer.
    ///
    /// # Errors
    /// No answer.
    pub fn greet(url: &str, token: &str, hello: Hello) -> anyhow::Result<(Self, FromServer)> {
        let mut scripted = Self::open(url, token)?;
        scripted.send(&FromAgent::Hello(hello))?;
        let answer = scripted.receive()?;
        Ok((scripted, answer))
    }

    /// Opens a stream of output that the server asked for; says nothing yet.
    ///
    /// # Errors
    /// No connection, or nobody expects this stream.
    pub fn output(url: &str, token: &str, stream: &str) -> anyhow::Result<Self> {
        let address = url.trim_start_matches("http://");
        let connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(FRAME_WITHIN))?;
        Self::dialled(connection, &format!("ws://{address}/api/agent/streams/{stream}"), token)
    }

    /// A session with an empty machine.
    ///
    /// # Errors
    /// It is not accepted.
    pub fn session(url: &str, token: &str, instance: u64) -> anyhow::Result<Self> {
        Self::open(url, token)?.begun(instance)
    }
}

impl<S: Read + Write> Scripted<S> {
    /// Opens a connection over a stream that is there already, such as one with TLS.
    ///
    /// # Errors
    /// No WebSocket.
    pub fn over(stream: S, url: &str, token: &str) -> anyhow::Result<Self> {
        Self::dialled(stream, &format!("{url}/api/agent/connect"), token)
    }

    fn dialled(stream: S, url: &str, token: &str) -> anyhow::Result<Self> {
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("Authorization", format!("Bearer {token}").parse()?);
        let (socket, _) = client(request, stream).map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Self { socket })
    }

    /// Begins a session with an empty machine.
    ///
    /// # Errors
    /// It is not accepted.
    pub fn begun(mut self, instance: u64) -> anyhow::Result<Self> {
        self.send(&FromAgent::Hello(hello(instance)))?;
        let answer = self.receive()?;
        if !matches!(answer, FromServer::Welcome { .. }) {
            bail!("not welcome: {answer:?}");
        }
        self.send(&FromAgent::Inventory { page: 0, units: Vec::new(), last: true })?;
        Ok(self)
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send(&mut self, frame: &FromAgent) -> anyhow::Result<()> {
        Ok(self.socket.send(Message::text(write(frame)))?)
    }

    /// The next frame but pings, which are answered.
    ///
    /// # Errors
    /// The connection is closed, or nothing came.
    pub fn receive(&mut self) -> anyhow::Result<FromServer> {
        loop {
            match self.socket.read().context("reading a frame")? {
                Message::Text(text) => match FromServer::parse(&text)? {
                    FromServer::Ping { nonce } => self.send(&FromAgent::Pong { nonce })?,
                    frame => return Ok(frame),
                },
                Message::Close(frame) => bail!("closed: {frame:?}"),
                _ => {}
            }
        }
    }

    /// Waits for the end of the connection, answering pings; the close code, 0 where there was none.
    #[must_use]
    pub fn closed(mut self) -> u16 {
        loop {
            match self.socket.read() {
                Ok(Message::Close(frame)) => return frame.map_or(0, |frame| frame.code.into()),
                Ok(Message::Text(text)) => {
                    if let Ok(FromServer::Ping { nonce }) = FromServer::parse(&text) {
                        // A connection that is closing takes nothing more.
                        let _ = self.send(&FromAgent::Pong { nonce });
                    }
                }
                Ok(_) => {}
                Err(_) => return 0,
            }
        }
    }
}
