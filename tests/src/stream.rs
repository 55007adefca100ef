//! A stream of server-sent events, read by hand as a browser would.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use anyhow::{Context, bail};

use crate::world::SOON;

/// A frame of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its id; empty where it has none.
    pub id: String,
    /// Its name.
    pub event: String,
    /// What it carries.
    pub data: String,
}

/// See the module.
pub struct EventStream(BufReader<TcpStream>);

impl EventStream {
    /// Opens a stream with an API key, after `last`; from where this returns on, nothing is missed.
    ///
    /// # Errors
    /// No connection, or not let in.
    pub fn open(url: &str, path: &str, key: &str, last: Option<&str>) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(url.trim_start_matches("http://"))?;
        stream.set_read_timeout(Some(SOON))?;
        let last = last.map_or_else(String::new, |last| format!("Last-Event-ID: {last}\r\n"));
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nAccept: text/event-stream\r\n{last}\r\n")?;
        let mut stream = Self(BufReader::new(stream));
        // A stream begins where the log stands when it is opened: wait until it is.
        let head = stream.line()?.context("no answer")?;
        if !head.contains("200") {
            bail!("{path}: {head}");
        }
        Ok(stream)
    }

    fn line(&mut self) -> anyhow::Result<Option<String>> {
        let mut line = String::new();
        Ok((self.0.read_line(&mut line)? > 0).then(|| line.trim_end().to_owned()))
    }
}

impl Iterator for EventStream {
    type Item = Frame;

    /// The next frame that carries something; none when the stream ends, or nothing came.
    fn next(&mut self) -> Option<Frame> {
        let mut frame = Frame::default();
        loop {
            let line = self.line().ok()??;
            if let Some(text) = line.strip_prefix("id: ") {
                text.clone_into(&mut frame.id);
            } else if let Some(text) = line.strip_prefix("event: ") {
                text.clone_into(&mut frame.event);
            } else if line == "0" {
                return None;
            } else if let Some(text) = line.strip_prefix("data: ") {
                text.clone_into(&mut frame.data);
                return Some(frame);
            }
        }
    }
}
