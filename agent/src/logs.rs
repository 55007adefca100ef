//! A unit's output, on a connection of its own, at the pace of whoever reads it.

use futures_util::{SinkExt, StreamExt};
use spunto_core::id::UnitId;
use spunto_core::protocol::{FRAME_TO_SERVER_BYTES_MAX, LOGS_STDERR, LOGS_STDOUT, LogsEnd, write};
use tokio_tungstenite::tungstenite::Message;
use tracing::warn;

use crate::docker::{Fault, name_of};
use crate::seam::{Dial, Runtime};

/// Streams open at a time.
pub const STREAMS_MAX: usize = 64;

/// What to send.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Names the connection.
    pub stream: String,
    /// Whose output.
    pub unit: UnitId,
    /// So many lines from the end.
    pub tail: u32,
    /// Whether to go on.
    pub follow: bool,
}

/// Cuts output into frames: a byte that says which output, then bytes.
pub fn frames(error: bool, bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let kind = if error { LOGS_STDERR } else { LOGS_STDOUT };
    bytes.chunks(FRAME_TO_SERVER_BYTES_MAX - 1).map(move |chunk| [&[kind], chunk].concat())
}

/// Sends a unit's output until it ends, or whoever reads it goes away.
pub async fn send<R: Runtime, D: Dial>(dialer: &D, runtime: &R, wanted: Wanted) {
    // The stream's name comes from the server and goes into a path.
    if !wanted.stream.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return warn!("the server asked for output under a name that is none");
    }
    match dialer.dial(&format!("/api/agent/streams/{}", wanted.stream)).await {
        Ok(socket) => {
            if let Err(error) = pump::<R, D>(socket, runtime, &wanted).await {
                warn!(unit = %wanted.unit, %error, "output could not be sent");
            }
        }
        Err(error) => warn!(unit = %wanted.unit, %error, "output could not be sent"),
    }
}

async fn pump<R: Runtime, D: Dial>(socket: D::Socket, runtime: &R, wanted: &Wanted) -> Result<(), tokio_tungstenite::tungstenite::Error> {
    let (mut sink, mut incoming) = socket.split();
    let name = name_of(wanted.unit);
    let error = match runtime.look(&name).await {
        Ok(Some(seen)) => {
            // Quiet units are the rule: whoever asked learns at once that there is output to wait for.
            sink.send(Message::binary(vec![LOGS_STDOUT])).await?;
            let mut output = std::pin::pin!(runtime.output(&seen.id, wanted.tail, wanted.follow));
            loop {
                tokio::select! {
                    chunk = output.next() => match chunk {
                        None => break None,
                        Some(Err(fault)) => break Some(fault.to_string()),
                        Some(Ok((error, bytes))) => for frame in frames(error, &bytes) {
                            sink.send(Message::binary(frame)).await?;
                        },
                    },
                    // Nothing but an end comes this way.
                    message = incoming.next() => if !matches!(message, Some(Ok(Message::Ping(_) | Message::Pong(_)))) { return Ok(()) },
                }
            }
        }
        Ok(None) => Some("the worker has no container on its node: it has not been made, or was removed".to_owned()),
        Err(fault @ (Fault::Refused { .. } | Fault::Unreachable(_) | Fault::PoolExhausted(_))) => Some(fault.to_string()),
    };
    sink.send(Message::text(write(&LogsEnd { error }))).await?;
    sink.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_never_longer_than_allowed_and_lose_nothing() {
        let bytes: Vec<u8> = (0..30_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let all: Vec<Vec<u8>> = frames(true, &bytes).collect();
        assert!(all.iter().all(|frame| frame.len() <= FRAME_TO_SERVER_BYTES_MAX && frame[0] == LOGS_STDERR));
        assert_eq!(all.iter().flat_map(|frame| frame[1..].to_vec()).collect::<Vec<_>>(), bytes);
        assert_eq!(frames(false, b"x").collect::<Vec<_>>(), [vec![LOGS_STDOUT, b'x']]);
    }
}
