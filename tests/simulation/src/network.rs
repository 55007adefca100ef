//! The network between agents and the server: delays, losses, repeats, wrong order, cuts, and networks that fall apart.
//!
//! A connection carries whole frames each way. In the field TCP keeps their order and loses none without ending the connection;
//! here each can go wrong by itself, which asks more of both sides.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream};
use spunto_actors::link::{Cut, Link, Outgoing};
use spunto_actors::random;
use spunto_actors::supervisor::{Arrived, Closed, Connect};
use spunto_agent::link::LinkError;
use spunto_core::event::{ConnectionRefusal, OfflineReason};
use spunto_core::id::{NodeId, OrgId};
use spunto_core::protocol::{FromAgent, HELLO_WITHIN_MS};
use spunto_core::token::SecretDigest;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::faults::{Fault, Faults};
use crate::server::Server;

/// How a node reaches the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// It does.
    #[default]
    Open,
    /// Nothing passes.
    Partitioned,
    /// What the server sends does not reach the agent.
    Deaf,
    /// What the agent sends does not reach the server.
    Mute,
}

/// The network of a run. Clones share it.
#[derive(Clone)]
pub struct Network {
    /// What goes wrong.
    pub faults: Faults,
    /// The server that answers, if one does.
    pub server: Rc<RefCell<Option<Rc<Server>>>>,
    paths: Rc<RefCell<BTreeMap<NodeId, Path>>>,
    cuts: Rc<RefCell<BTreeMap<NodeId, Vec<watch::Sender<bool>>>>>,
    messages: Rc<Cell<u64>>,
    tokens: Rc<RefCell<BTreeMap<u64, SecretDigest>>>,
}

/// An agent's end of a connection.
pub struct Wire {
    incoming: mpsc::UnboundedReceiver<Result<Message, WsError>>,
    outgoing: Option<mpsc::UnboundedSender<String>>,
}

impl Stream for Wire {
    type Item = Result<Message, WsError>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(cx)
    }
}

impl Sink<Message> for Wire {
    type Error = WsError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), WsError> {
        let Message::Text(text) = message else { return Ok(()) };
        let sent = self.outgoing.as_ref().map(|outgoing| outgoing.send(text.to_string()));
        if matches!(sent, Some(Ok(()))) { Ok(()) } else { Err(WsError::ConnectionClosed) }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), WsError>> {
        self.outgoing = None;
        Poll::Ready(Ok(()))
    }
}

struct Knife(watch::Sender<bool>);

impl Cut for Knife {
    fn cut(&self) {
        self.0.send_replace(true);
    }
}

impl Network {
    /// A network on which all is well but for these faults.
    #[must_use]
    pub fn new(faults: Faults) -> Self {
        Self { faults, server: Rc::default(), paths: Rc::default(), cuts: Rc::default(), messages: Rc::default(), tokens: Rc::default() }
    }

    /// Messages carried so far.
    #[must_use]
    pub fn messages(&self) -> u64 {
        self.messages.get()
    }

    /// Notes which token an agent's process has.
    pub fn note_token(&self, instance: u64, token: SecretDigest) {
        self.tokens.borrow_mut().insert(instance, token);
    }

    /// The token of an agent's process.
    #[must_use]
    pub fn token_of(&self, instance: u64) -> Option<SecretDigest> {
        self.tokens.borrow().get(&instance).copied()
    }

    /// Changes how a node reaches the server.
    pub fn set_path(&self, node: NodeId, path: Path) {
        self.paths.borrow_mut().insert(node, path);
    }

    fn path(&self, node: NodeId) -> Path {
        self.paths.borrow().get(&node).copied().unwrap_or_default()
    }

    /// Opens every path.
    pub fn mend(&self) {
        self.paths.borrow_mut().clear();
    }

    /// Ends every connection of a node.
    pub fn cut(&self, node: NodeId) {
        for cut in self.cuts.borrow_mut().remove(&node).unwrap_or_default() {
            cut.send_replace(true);
        }
    }

    /// An agent dials. What the HTTP edge would check of its token is checked here.
    ///
    /// # Errors
    /// As an agent in the field gets them.
    pub async fn dial(&self, org: OrgId, node: NodeId, token: SecretDigest) -> Result<Wire, LinkError> {
        sleep(Duration::from_millis(self.faults.seed.between(1, 20))).await;
        if self.path(node) != Path::Open || self.faults.strike(Fault::DialFailed, 50) {
            sleep(Duration::from_secs(15)).await;
            return Err(LinkError::Timeout("the simulated server".into()));
        }
        let server = self.server.borrow().clone();
        let Some(server) = server else { return Err(LinkError::Refused { status: 502, detail: "no server".into() }) };
        let checked = server.directory.read(|state| {
            let known = state.orgs.get(&org)?.fleet.node(node)?;
            Some(match known.token.digest == token {
                true => Ok(known.token.version),
                false if known.token.previous == Some(token) => Err(ConnectionRefusal::TokenRotated),
                false => Err(ConnectionRefusal::WrongToken),
            })
        });
        let Some(credential) = checked else { return Err(LinkError::Refused { status: 401, detail: "unknown token".into() }) };
        if self.faults.active() && self.faults.seed.per_mille(200) {
            // Between the edge's look at the token and the supervisor's there can be a while.
            sleep(Duration::from_millis(self.faults.seed.between(100, 4000))).await;
        }
        Ok(self.connect(&server, node, credential))
    }

    fn connect(&self, server: &Rc<Server>, node: NodeId, credential: Result<u32, ConnectionRefusal>) -> Wire {
        let cut = watch::channel(false).0;
        {
            let mut cuts = self.cuts.borrow_mut();
            let cuts = cuts.entry(node).or_default();
            cuts.retain(|cut| !*cut.borrow() && cut.receiver_count() > 0);
            cuts.push(cut.clone());
        }
        let (link, frames) = Link::new(random::number(), Arc::new(Knife(cut.clone())));
        let (up, arrives) = mpsc::unbounded_channel();
        let (down, incoming) = mpsc::unbounded_channel();
        let (to_server, from_agent) = mpsc::unbounded_channel();
        let connection = Connection { network: self.clone(), server: Rc::clone(server), node, cut };
        actix_rt::spawn(connection.clone().carry(arrives, to_server, Path::Mute));
        actix_rt::spawn(connection.clone().send(frames, down));
        actix_rt::spawn(connection.receive(link, credential, from_agent));
        Wire { incoming, outgoing: Some(up) }
    }
}

#[derive(Clone)]
struct Connection {
    network: Network,
    server: Rc<Server>,
    node: NodeId,
    cut: watch::Sender<bool>,
}

/// When a frame arrives; none when it never does.
struct Arrivals {
    faults: Faults,
    floor: Instant,
}

impl Arrivals {
    fn of_next(&mut self) -> Vec<Instant> {
        let (seed, faults) = (&self.faults.seed, &self.faults);
        if faults.strike(Fault::MessageDropped, 8) {
            return Vec::new();
        }
        let usual = Instant::now() + Duration::from_millis(seed.between(1, 15));
        if faults.strike(Fault::MessageReordered, 8) {
            // Not noted in the floor: those behind it overtake.
            return vec![usual + Duration::from_millis(seed.between(20, 800))];
        }
        let late = if faults.strike(Fault::MessageLate, 8) { seed.between(100, 6000) } else { 0 };
        let at = (usual + Duration::from_millis(late)).max(self.floor);
        self.floor = at;
        if faults.strike(Fault::MessageDuplicated, 8) {
            return vec![at, at + Duration::from_millis(seed.between(0, 4000))];
        }
        vec![at]
    }
}

impl Connection {
    fn blocked(&self, other: Path) -> bool {
        let path = self.network.path(self.node);
        path == Path::Partitioned || path == other
    }

    fn hang_up(&self) {
        self.cut.send_replace(true);
    }

    async fn ended(&self) {
        let (mut cut, mut gone) = (self.cut.subscribe(), self.server.gone.subscribe());
        tokio::select! {
            biased;
            _ = cut.wait_for(|cut| *cut) => {}
            _ = gone.wait_for(|gone| *gone) => {}
        }
    }

    /// Carries frames one way: each arrives when its time has come. `stopper` is the path that lets nothing this way.
    async fn carry(self, mut frames: mpsc::UnboundedReceiver<String>, to: mpsc::UnboundedSender<String>, stopper: Path) {
        let mut arrivals = Arrivals { faults: self.network.faults.clone(), floor: Instant::now() };
        let mut due: BTreeMap<(Instant, u64), String> = BTreeMap::new();
        let mut number = 0;
        let mut open = true;
        while open || !due.is_empty() {
            let next = due.keys().next().map_or_else(|| Instant::now() + Duration::from_secs(3600), |(at, _)| *at);
            tokio::select! {
                biased;
                () = self.ended() => return,
                frame = frames.recv(), if open => match frame {
                    Some(frame) => for at in arrivals.of_next() {
                        number += 1;
                        due.insert((at, number), frame.clone());
                    },
                    None => open = false,
                },
                () = sleep_until(next) => {
                    let Some((_, frame)) = due.pop_first() else { continue };
                    self.network.messages.set(self.network.messages.get() + 1);
                    if !self.blocked(stopper) && to.send(frame).is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// The server's frames on their way to the agent.
    async fn send(self, mut frames: mpsc::Receiver<Outgoing>, down: mpsc::UnboundedSender<Result<Message, WsError>>) {
        let (texts, carried) = mpsc::unbounded_channel();
        let (arrived, mut arrives) = mpsc::unbounded_channel::<String>();
        actix_rt::spawn(self.clone().carry(carried, arrived, Path::Deaf));
        let mut texts = Some(texts);
        let mut closing = None;
        loop {
            tokio::select! {
                biased;
                // As a broken connection looks to the agent; a blocked one looks like nothing at all.
                () = self.ended() => {
                    let _ = down.send(Err(WsError::ConnectionClosed));
                    return;
                }
                frame = frames.recv(), if texts.is_some() => match frame {
                    Some(Outgoing::Text(text)) => drop(texts.as_ref().map(|texts| texts.send(text))),
                    Some(Outgoing::Close(code, words)) => {
                        closing = Some(CloseFrame { code: code.into(), reason: words.into() });
                        texts = None;
                    }
                    None => texts = None,
                },
                frame = arrives.recv() => match frame {
                    Some(text) => if down.send(Ok(Message::text(text))).is_err() { return },
                    None => {
                        if !self.blocked(Path::Deaf) {
                            let _ = down.send(Ok(Message::Close(closing)));
                        }
                        self.cut.send_replace(true);
                        return;
                    }
                }
            }
        }
    }

    /// The agent's frames as they reach its supervisor: what the WebSocket's actor does in the field.
    async fn receive(self, link: Link, credential: Result<u32, ConnectionRefusal>, mut frames: mpsc::UnboundedReceiver<String>) {
        let id = link.id();
        let hello = tokio::select! {
            biased;
            () = self.ended() => return,
            frame = timeout(Duration::from_millis(HELLO_WITHIN_MS), frames.recv()) => frame.ok().flatten(),
        };
        let hello = match hello.as_deref().map(FromAgent::parse) {
            Some(Ok(FromAgent::Hello(hello))) => hello,
            _ => return self.hang_up(),
        };
        let Some(supervisor) = self.server.supervisors.wait_for(self.node).await else {
            return self.hang_up();
        };
        let connect = Connect { credential, hello, address: "203.0.113.9".into(), link };
        if supervisor.send(connect).await.is_err() {
            return self.hang_up();
        }
        let mut reason = OfflineReason::ConnectionClosed;
        loop {
            let frame = tokio::select! {
                biased;
                () = self.ended() => break,
                frame = frames.recv() => frame,
            };
            match frame.as_deref().map(FromAgent::parse) {
                Some(Ok(frame)) => {
                    if supervisor.send(Arrived { link: id, frame }).await.is_err() {
                        break;
                    }
                }
                Some(Err(_)) => {
                    reason = OfflineReason::ProtocolError;
                    break;
                }
                None => break,
            }
        }
        self.cut.send_replace(true);
        supervisor.do_send(Closed { link: id, reason });
    }
}
