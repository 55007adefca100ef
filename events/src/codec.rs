//! Payloads in bytes: the table of every (kind, version), and the one way each is encoded.
//!
//! bincode is named only here. It does not describe itself, so the header says what the bytes are, and each version of a
//! kind is one struct whose shape never changes: a change is a new version, the old struct moves to `schema.rs`, frozen, with
//! a `From` to the next. New variants of an enum stand last: then every old text of bytes still means the same.

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spunto_core::event::Event;
use spunto_core::record::Record;

use crate::frame::{self, FrameError, FrameRef, Header, PAYLOAD_BYTES_MAX};
use crate::snapshot::SNAPSHOT_BYTES_MAX;

mod schema;

/// Why stored bytes could not be turned into an event. The reader must stop here: nothing is skipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} (kind {kind}, version {version}) can't be read: {why}")]
pub struct DecodeError {
    /// Where in the log.
    pub seq: u64,
    /// What the header says it is.
    pub kind: u16,
    /// What the header says of its shape.
    pub version: u16,
    /// What is wrong.
    pub why: DecodeFault,
}

/// What is wrong with a payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeFault {
    /// Written by a newer program.
    #[error("this program doesn't know it; use the version of Spunto that wrote it, or a newer one")]
    Unknown,
    /// The bytes are not of this shape.
    #[error("its payload has another shape: {0}")]
    Shape(String),
}

/// A snapshot's content could not be turned into bytes, or back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a snapshot's content has another shape or size: {0}")]
pub struct SnapshotFault(String);

/// bincode 1.x with every option stated, fixed for ever.
fn options() -> impl Options {
    bincode::DefaultOptions::new().with_little_endian().with_fixint_encoding().reject_trailing_bytes().with_limit(PAYLOAD_BYTES_MAX as u64)
}

fn write<T: Serialize>(payload: &T) -> Result<Vec<u8>, FrameError> {
    // The only way to fail is size: payloads are plain structs of numbers, texts, lists and maps.
    options().serialize(payload).map_err(|_| FrameError::TooLarge(PAYLOAD_BYTES_MAX + 1))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeFault> {
    options().deserialize(bytes).map_err(|error| DecodeFault::Shape(error.to_string()))
}

macro_rules! define_codec {
    ($($number:literal $name:literal $variant:ident;)*) => {
        fn encode_payload(event: &Event) -> Result<Vec<u8>, FrameError> {
            match event { $(Event::$variant(payload) => write(payload),)* }
        }

        fn decode_payload(kind: u16, version: u16, bytes: &[u8]) -> Result<Event, DecodeFault> {
            if version != schema::newest(kind) {
                return schema::decode_old(kind, version, bytes).unwrap_or(Err(DecodeFault::Unknown));
            }
            match kind {
                $($number => read(bytes).map(Event::$variant),)*
                _ => Err(DecodeFault::Unknown),
            }
        }
    };
}

spunto_core::for_each_event!(define_codec);

/// Appends a record's frame to `out`, always in the newest version of its kind.
///
/// # Errors
/// [`FrameError::TooLarge`]; nothing is appended then.
pub fn encode(record: &Record, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let payload = encode_payload(&record.event)?;
    let header = Header {
        kind: record.event.kind(),
        version: schema::newest(record.event.kind()),
        seq: record.seq,
        org: record.org,
        stream: record.stream,
        stream_version: record.stream_version,
        at: record.at,
        actor: record.actor,
        correlation: record.correlation,
        causation: record.causation,
    };
    frame::encode(&header, &payload, out)
}

/// The bytes of what a snapshot keeps.
///
/// # Errors
/// It is larger than a snapshot may be.
pub fn encode_snapshot<T: Serialize>(kept: &T) -> Result<Vec<u8>, SnapshotFault> {
    options().with_limit(SNAPSHOT_BYTES_MAX as u64).serialize(kept).map_err(|error| SnapshotFault(error.to_string()))
}

/// What a snapshot keeps.
///
/// # Errors
/// The bytes have another shape.
pub fn decode_snapshot<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, SnapshotFault> {
    options().with_limit(SNAPSHOT_BYTES_MAX as u64).deserialize(bytes).map_err(|error| SnapshotFault(error.to_string()))
}

/// Turns a sound frame into its record.
///
/// # Errors
/// Unknown kind or version, or a payload of another shape; says where.
pub fn decode(frame: FrameRef<'_>) -> Result<Record, DecodeError> {
    let Header { kind, version, seq, org, stream, stream_version, at, actor, correlation, causation } = frame.header;
    let event = decode_payload(kind, version, frame.payload).map_err(|why| DecodeError { seq, kind, version, why })?;
    Ok(Record { seq, org, stream, stream_version, at, actor, correlation, causation, event })
}

#[cfg(test)]
mod tests;
