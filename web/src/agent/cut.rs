//! Cuts a TCP connection from outside: a WebSocket's own actor may be stuck behind a reader that has stopped.

use std::any::Any;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::Arc;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use spunto_actors::link::Cut;
use spunto_core::protocol::DEADLINE_MS;
use tracing::debug;

/// A second handle on a connection's socket.
#[derive(Clone)]
pub struct Socket(Arc<TcpStream>);

impl Cut for Socket {
    fn cut(&self) {
        // Closed already is closed.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Takes a second handle when a connection is made, and makes the kernel give up on a peer that acknowledges nothing.
pub fn on_connect(io: &dyn Any, data: &mut Extensions) {
    let plain = io.downcast_ref::<actix_rt::net::TcpStream>();
    let Some(tcp) = plain.or_else(|| io.downcast_ref::<TlsStream<actix_rt::net::TcpStream>>().map(|tls| tls.get_ref().0)) else { return };
    let socket = socket2::SockRef::from(tcp);
    let timeout = std::time::Duration::from_millis(DEADLINE_MS);
    if let Err(error) = socket.set_tcp_user_timeout(Some(timeout)).and_then(|()| socket.set_tcp_nodelay(true)) {
        debug!(%error, "socket options could not be set; the session's own deadline still holds");
    }
    if let Ok(copy) = tcp.as_fd().try_clone_to_owned() {
        data.insert(Socket(Arc::new(TcpStream::from(copy))));
    }
}

/// A connection that can't be cut from outside: the peer's own close has to do.
pub struct Uncuttable;

impl Cut for Uncuttable {
    fn cut(&self) {}
}
