//! A link: the supervisor's end of an agent's connection. Bounded, never waits, and can be cut from outside.
//!
//! Knows no WebSocket: the edge makes links. A reader that stops must not stop the supervisor, so sending is a try, and
//! cutting does not ask the connection's own actor, which may be stuck.

use std::fmt;
use std::sync::Arc;

use spunto_core::protocol::{FromServer, write};
use tokio::sync::mpsc;

/// Most frames that wait for an agent to read them.
pub const LINK_FRAMES_MAX: usize = 128;

/// What the edge is to do with the connection.
#[derive(Debug)]
pub enum Outgoing {
    /// Send this text frame.
    Text(String),
    /// Say goodbye with this code and reason, and close.
    Close(u16, &'static str),
}

/// Cuts the connection at the socket, however stuck its actor is.
pub trait Cut: Send + Sync {
    /// Ends the connection now.
    fn cut(&self);
}

/// The frame could not be queued: the agent reads too slowly, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stalled;

/// The sending end of a connection.
#[derive(Clone)]
pub struct Link {
    id: u64,
    frames: mpsc::Sender<Outgoing>,
    cut: Arc<dyn Cut>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({:x})", self.id)
    }
}

impl Link {
    /// A link and the queue that the edge empties.
    #[must_use]
    pub fn new(id: u64, cut: Arc<dyn Cut>) -> (Self, mpsc::Receiver<Outgoing>) {
        let (frames, queue) = mpsc::channel(LINK_FRAMES_MAX);
        (Self { id, frames, cut }, queue)
    }

    /// Names the connection: two links of one agent are told apart by it.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Queues a frame.
    ///
    /// # Errors
    /// The queue is full or the connection gone.
    pub fn send(&self, frame: &FromServer) -> Result<(), Stalled> {
        self.frames.try_send(Outgoing::Text(write(frame))).map_err(|_| Stalled)
    }

    /// How many frames can be queued now.
    #[must_use]
    pub fn room(&self) -> usize {
        self.frames.capacity()
    }

    /// Closes the connection, politely where it still takes a frame, at the socket otherwise.
    pub fn close(&self, code: u16, reason: &'static str) {
        if self.frames.try_send(Outgoing::Close(code, reason)).is_err() {
            self.cut.cut();
        }
    }

    /// Ends the connection at the socket.
    pub fn cut(&self) {
        self.cut.cut();
    }
}
