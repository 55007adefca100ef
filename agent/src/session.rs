//! One session: from hello to the end, whichever side ends it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use spunto_core::event::Isolation;
use spunto_core::protocol::{
    Found, FrameError, FromAgent, FromServer, GAUGES_EVERY_MS, HELLO_WITHIN_MS, Hello, INVENTORY_PAGE_UNITS_MAX, Instance, PROTOCOL,
    PROTOCOL_MIN, Retry, SERVER_SILENCE_MS, close, write,
};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tracing::{debug, info, warn};

use crate::docker::{Fault, OPERATION_LABEL, UNIT_LABEL};
use crate::link::LinkError;
use crate::seam::{Dial, Runtime};
use crate::work::Node;
use crate::{gauges, logs};

/// How long a frame may take to leave: a server that reads nothing is gone.
const SEND_WITHIN: Duration = Duration::from_secs(10);

/// Why a session ended.
#[derive(Debug)]
pub enum End {
    /// The connection is gone; dial again.
    Lost(String),
    /// The server does not want this agent.
    Refused(String, Retry),
    /// The node was deleted: clean up and don't come back.
    Deleted,
    /// The agent was told to stop.
    Stopped,
}

impl From<WsError> for End {
    fn from(error: WsError) -> Self {
        Self::Lost(error.to_string())
    }
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        match error {
            // Another token, or another node: nothing that time heals.
            LinkError::Refused { status: 401 | 403 | 404, .. } => Self::Refused(error.to_string(), Retry::Later),
            other => Self::Lost(other.to_string()),
        }
    }
}

impl From<Fault> for End {
    fn from(fault: Fault) -> Self {
        Self::Lost(fault.to_string())
    }
}

/// What a session works with.
pub struct Session<'a, R, D> {
    /// The node.
    pub node: &'a Arc<Node<R, D>>,
    /// This run of the agent.
    pub instance: Instance,
    /// Progress to be shown.
    pub live: &'a mut mpsc::Receiver<FromAgent>,
    /// The last probe.
    pub isolation: watch::Receiver<Option<Isolation>>,
    /// Turns true when the agent is to stop.
    pub stop: watch::Receiver<bool>,
    /// Log streams that may be open.
    pub streams: Arc<Semaphore>,
}

struct Wire<S> {
    sink: SplitSink<S, Message>,
    /// The last observation that was sent in this session.
    sent: u64,
    cpu: gauges::CpuTime,
}

impl<S: Sink<Message, Error = WsError> + Unpin> Wire<S> {
    async fn send(&mut self, frame: &FromAgent) -> Result<(), End> {
        match timeout(SEND_WITHIN, self.sink.send(Message::text(write(frame)))).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(End::Lost("the control plane reads nothing".into())),
        }
    }

    async fn send_news<R: Runtime, D: Dial>(&mut self, node: &Node<R, D>) -> Result<(), End> {
        let (frames, last) = node.outbox.lock().after(self.sent);
        for frame in frames {
            self.send(&frame).await?;
        }
        self.sent = last;
        Ok(())
    }

    async fn send_gauges(&mut self) -> Result<(), End> {
        let (measured, cpu) = gauges::measure(self.cpu);
        self.cpu = cpu;
        self.send(&FromAgent::Gauges(measured)).await
    }

    /// Tells every container there is; what happened and was not told yet is in it.
    async fn send_inventory<R: Runtime, D: Dial>(&mut self, node: &Node<R, D>) -> Result<(), End> {
        node.outbox.lock().forget_happenings();
        let mut found = Vec::new();
        for container in node.runtime.containers().await? {
            // One that has gone since it was listed is simply not there.
            if let Some(seen) = node.runtime.look(&container).await? {
                let label = |name: &str| seen.labels.get(name).cloned().unwrap_or_default().chars().take(63).collect();
                found.push(Found {
                    unit: label(UNIT_LABEL),
                    operation: label(OPERATION_LABEL),
                    container: seen.id,
                    observed: seen.observed,
                });
            }
        }
        let pages = found.chunks(INVENTORY_PAGE_UNITS_MAX).map(<[Found]>::to_vec).collect::<Vec<_>>();
        let pages = if pages.is_empty() { vec![Vec::new()] } else { pages };
        let last = pages.len() - 1;
        for (page, units) in pages.into_iter().enumerate() {
            self.send(&FromAgent::Inventory { page: u32::try_from(page).unwrap_or(u32::MAX), units, last: page == last }).await?;
        }
        Ok(())
    }
}

/// Runs one session to its end.
pub async fn run<R: Runtime, D: Dial>(session: &mut Session<'_, R, D>) -> End {
    match open(session).await {
        Ok(never) | Err(never) => never,
    }
}

async fn open<R: Runtime, D: Dial>(session: &mut Session<'_, R, D>) -> Result<End, End> {
    let node = session.node;
    let socket = node.dialer.dial("/api/agent/connect").await?;
    let (sink, mut incoming) = socket.split();
    let mut wire = Wire { sink, sent: 0, cpu: gauges::CpuTime::default() };
    let clock_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_millis();
    let hello = Hello {
        protocol: PROTOCOL,
        protocol_min: PROTOCOL_MIN,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        instance: session.instance,
        facts: node.runtime.facts().await?,
        clock_ms: u64::try_from(clock_ms).unwrap_or(0),
    };
    wire.send(&FromAgent::Hello(hello)).await?;
    let welcome = timeout(Duration::from_millis(2 * HELLO_WITHIN_MS), next(&mut incoming)).await;
    match welcome.map_err(|_| End::Lost("the control plane did not answer the hello".into()))?? {
        FromServer::Welcome { epoch, node, server_version, .. } => info!(%node, epoch, server_version, "connected to the control plane"),
        FromServer::Refused { message, retry, .. } => return Err(End::Refused(message, retry)),
        other => return Err(End::Lost(format!("the control plane answered the hello with {other:?}"))),
    }
    wire.send_inventory(node).await?;
    wire.send_news(node).await?;
    wire.send_gauges().await?;
    talk(session, wire, incoming).await
}

/// The next frame of the server's; its close and its silence are ends.
async fn next<S: Stream<Item = Result<Message, WsError>> + Unpin>(incoming: &mut S) -> Result<FromServer, End> {
    loop {
        let message = incoming.next().await.ok_or_else(|| End::Lost("the connection was closed".into()))??;
        match message {
            Message::Text(text) => match FromServer::parse(&text) {
                Ok(frame) => return Ok(frame),
                Err(error @ FrameError::UnknownType(_)) => debug!(%error, "the control plane is newer than this agent"),
                Err(error) => return Err(End::Lost(error.to_string())),
            },
            Message::Close(Some(frame)) => match frame.code {
                CloseCode::Library(close::NODE_DELETED) => return Err(End::Deleted),
                code => return Err(End::Lost(format!("the control plane closed the session: {} ({code})", frame.reason))),
            },
            Message::Close(None) => return Err(End::Lost("the control plane closed the session".into())),
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {}
        }
    }
}

async fn talk<R: Runtime, D: Dial>(
    session: &mut Session<'_, R, D>,
    mut wire: Wire<D::Socket>,
    mut incoming: SplitStream<D::Socket>,
) -> Result<End, End> {
    let Session { node, live, isolation, stop, streams, .. } = session;
    let mut gauges_due = interval(Duration::from_millis(GAUGES_EVERY_MS));
    gauges_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    gauges_due.reset();
    isolation.mark_changed();
    let silence = Duration::from_millis(SERVER_SILENCE_MS);
    let mut heard = Instant::now();
    loop {
        // In the order of urgency, and the same each time, so that a simulation can be had again.
        tokio::select! {
            biased;
            frame = next(&mut incoming) => {
                heard = Instant::now();
                if let Some(end) = take(node, streams, &mut wire, frame?).await? {
                    return Ok(end);
                }
            }
            () = node.news.notified() => wire.send_news(node).await?,
            () = node.inventory.notified() => { wire.send_inventory(node).await?; wire.send_news(node).await?; }
            Some(frame) = live.recv() => wire.send(&frame).await?,
            _ = gauges_due.tick() => wire.send_gauges().await?,
            Ok(()) = isolation.changed() => {
                let isolation = isolation.borrow_and_update().clone();
                if let Some(isolation) = isolation {
                    wire.send(&FromAgent::Probe { isolation }).await?;
                }
            }
            Ok(_) = stop.wait_for(|stop| *stop) => {
                wire.send(&FromAgent::Goodbye { reason: "stopped by a signal; workers run on".into() }).await?;
                // Whether it arrives polite or not, the session is over.
                let _ = wire.sink.close().await;
                return Ok(End::Stopped);
            }
            () = tokio::time::sleep_until(heard + silence) => return Err(End::Lost(format!("the control plane was silent for {} s", silence.as_secs()))),
        }
    }
}

async fn take<R: Runtime, D: Dial>(
    node: &Arc<Node<R, D>>,
    streams: &Arc<Semaphore>,
    wire: &mut Wire<D::Socket>,
    frame: FromServer,
) -> Result<Option<End>, End> {
    match frame {
        FromServer::Ping { nonce } => wire.send(&FromAgent::Pong { nonce }).await?,
        FromServer::Operate { operation, work } => {
            wire.send(&FromAgent::Accepted { operation }).await?;
            node.operate(operation, work);
        }
        FromServer::Ack { id } => node.outbox.lock().acknowledged(id),
        FromServer::OpenLogs { stream, unit, tail, follow } => {
            let Ok(place) = Arc::clone(streams).try_acquire_owned() else {
                warn!(%unit, "too many outputs are being read; this one is not sent");
                return Ok(None);
            };
            let node = Arc::clone(node);
            tokio::spawn(async move {
                let _place = place;
                logs::send(&node.dialer, &node.runtime, logs::Wanted { stream, unit, tail, follow }).await;
            });
        }
        FromServer::Shutdown { reason } => {
            info!(reason, "the control plane has deleted this node: removing its containers");
            node.runtime.remove_everything().await?;
            let _ = wire.sink.close().await;
            return Ok(Some(End::Deleted));
        }
        FromServer::Refused { message, retry, .. } => return Ok(Some(End::Refused(message, retry))),
        FromServer::Error { message } => warn!(message, "the control plane did not understand a frame"),
        FromServer::Welcome { .. } => debug!("a second welcome"),
    }
    Ok(None)
}
