//! An agent's bytes as WebSocket messages, holding no memory between two of them.
//!
//! The stream of actix-web-actors keeps its buffer, which doubles with every burst, for as long as the session lasts: kilobytes
//! for each of thousands of agents that say two hundred bytes in three seconds. This one lets go of it whenever nothing waits in
//! it, and decodes what it has before it takes more, so that it never holds more than one chunk and one frame's beginning.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_http::ws::{Codec, Frame};
use actix_web::error::PayloadError;
use actix_web::web::{Bytes, BytesMut};
use actix_web_actors::ws::{Message, ProtocolError};
use futures_util::Stream;
use tokio_util::codec::Decoder;

/// See the module.
pub(super) struct Incoming<S> {
    bytes: S,
    codec: Codec,
    waiting: BytesMut,
    ended: bool,
}

impl<S> Incoming<S> {
    /// The messages in these bytes; a frame above `frame_bytes_max` is an error.
    pub(super) fn new(bytes: S, frame_bytes_max: usize) -> Self {
        Self { bytes, codec: Codec::new().max_size(frame_bytes_max), waiting: BytesMut::new(), ended: false }
    }

    /// The next message in what waits.
    fn decode(&mut self) -> Result<Option<Message>, ProtocolError> {
        if self.waiting.is_empty() {
            return Ok(None);
        }
        let frame = self.codec.decode(&mut self.waiting)?;
        if self.waiting.is_empty() {
            self.waiting = BytesMut::new();
        }
        frame.map(message).transpose()
    }

    fn take(&mut self, chunk: &Bytes) {
        if self.waiting.is_empty() {
            self.waiting = BytesMut::from(&chunk[..]);
        } else {
            self.waiting.extend_from_slice(chunk);
        }
    }
}

fn message(frame: Frame) -> Result<Message, ProtocolError> {
    Ok(match frame {
        Frame::Text(text) => Message::Text(text.try_into().map_err(broken)?),
        Frame::Binary(bytes) => Message::Binary(bytes),
        Frame::Continuation(item) => Message::Continuation(item),
        Frame::Ping(bytes) => Message::Ping(bytes),
        Frame::Pong(bytes) => Message::Pong(bytes),
        Frame::Close(reason) => Message::Close(reason),
    })
}

fn broken(error: impl std::fmt::Display) -> ProtocolError {
    ProtocolError::Io(io::Error::other(error.to_string()))
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Stream for Incoming<S> {
    type Item = Result<Message, ProtocolError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(message) = this.decode().transpose() {
                return Poll::Ready(Some(message));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            match std::task::ready!(Pin::new(&mut this.bytes).poll_next(cx)) {
                Some(Ok(chunk)) => this.take(&chunk),
                Some(Err(error)) => return Poll::Ready(Some(Err(broken(error)))),
                None => this.ended = true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;

    /// A masked text frame, as agents send it; the mask is zero.
    fn text(words: &str) -> Vec<u8> {
        let length = u8::try_from(words.len()).unwrap();
        assert!(length < 126);
        [&[0x81, 0x80 | length, 0, 0, 0, 0], words.as_bytes()].concat()
    }

    /// Feeds these chunks; answers with the texts, or the error that ended them, and what is left in memory.
    async fn check(chunks: &[&[u8]]) -> (Vec<String>, Option<String>, usize) {
        let chunks: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let mut incoming = Incoming::new(stream::iter(chunks), 100);
        let mut texts = Vec::new();
        while let Some(message) = incoming.next().await {
            match message {
                Ok(Message::Text(text)) => texts.push(text.to_string()),
                Ok(other) => panic!("{other:?}"),
                Err(error) => return (texts, Some(error.to_string()), incoming.waiting.capacity()),
            }
        }
        (texts, None, incoming.waiting.capacity())
    }

    #[actix_rt::test]
    async fn frames_come_out_however_they_were_cut_and_nothing_stays() {
        let both = [text("one"), text("two and three")].concat();
        for cut in 1..both.len() {
            let (texts, error, kept) = check(&[&both[..cut], &both[cut..]]).await;
            assert_eq!((texts, error, kept), (vec!["one".to_owned(), "two and three".to_owned()], None, 0), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = both.chunks(1).collect();
        assert_eq!(check(&bytes).await.0.len(), 2);
    }

    #[actix_rt::test]
    async fn a_frame_above_the_limit_is_an_error_after_those_before_it() {
        let (texts, error, _) = check(&[&[text("before"), text(&"x".repeat(101))].concat()]).await;
        assert_eq!(texts, ["before"]);
        assert_eq!(error, Some(ProtocolError::Overflow.to_string()));
    }

    #[actix_rt::test]
    async fn text_that_is_no_text_is_an_error() {
        let (texts, error, _) = check(&[&[0x81, 0x81, 0, 0, 0, 0, 0xff]]).await;
        assert!(texts.is_empty() && error.is_some());
    }
}
