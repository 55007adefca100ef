//! A frame: one event's fixed header and its payload. The header can be read without knowing the payload.
//!
//! Layout, little-endian, 96 bytes before the payload:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | format, 1 |
//! | 1 | 1 | kind of the stream: 0 system, 1 organisation, 2 node, 3 worker, 4 deployment |
//! | 2 | 1 | kind of the actor: 0 system, 1 user, 2 API key, 3 node, 4 operator |
//! | 3 | 1 | zero |
//! | 4 | 2 | kind of the event |
//! | 6 | 2 | version of its payload |
//! | 8 | 8 | sequence |
//! | 16 | 8 | organisation, 0 for none |
//! | 24 | 8 | stream id |
//! | 32 | 8 | version in the stream |
//! | 40 | 8 | time, ms since 1970 |
//! | 48 | 8 | actor id |
//! | 56 | 8 | correlation |
//! | 64 | 8 | causation |
//! | 72 | 16 | zero, for what may come |
//! | 88 | 4 | length of the payload |
//! | 92 | 4 | CRC-32 of bytes 0 to 91 and the payload |

use spunto_core::id::{ApiKeyId, DeploymentId, NodeId, OrgId, UserId, WorkerId};
use spunto_core::record::{Actor, StreamId};
use spunto_core::time::Timestamp;

/// The only format there is.
pub const FORMAT: u8 = 1;
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 96;
/// Largest payload. A deployment of 16 services with 16 KiB of texts each is the largest that the rules let through.
pub const PAYLOAD_BYTES_MAX: usize = 512 * 1024;

/// Everything around an event, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Kind of the event.
    pub kind: u16,
    /// Version of its payload's shape, from 1.
    pub version: u16,
    /// Place in the log, from 1.
    pub seq: u64,
    /// Organisation; none for the system stream.
    pub org: Option<OrgId>,
    /// The history it belongs to.
    pub stream: StreamId,
    /// Place in that history, from 1.
    pub stream_version: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The request or attempt it is part of.
    pub correlation: u64,
    /// Sequence of the event that led to it; 0 for none.
    pub causation: u64,
}

/// Bytes that are no sound frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than the header says.
    #[error("the frame is cut off: {have} of {need} bytes are there")]
    CutOff {
        /// Bytes there are.
        have: usize,
        /// Bytes there should be.
        need: usize,
    },
    /// Written by a newer program, or not a frame at all.
    #[error("format {0} is unknown; this program reads format {FORMAT}")]
    Format(u8),
    /// A field holds what no writer puts there.
    #[error("the {0} is not one that is ever written")]
    Field(&'static str),
    /// Too large to be one of ours.
    #[error("a payload of {0} bytes is over the limit of {PAYLOAD_BYTES_MAX}")]
    TooLarge(usize),
    /// Bits have changed.
    #[error("the checksum is wrong: the stored bytes have changed")]
    Checksum,
}

/// A frame in somebody else's bytes: checked, not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRef<'a> {
    /// Everything around the event.
    pub header: Header,
    /// The event, in the shape of its kind and version.
    pub payload: &'a [u8],
}

/// Appends one frame to `out`.
///
/// # Errors
/// [`FrameError::TooLarge`]; nothing is appended then.
pub fn encode(header: &Header, payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(FrameError::TooLarge(payload.len()));
    }
    let (stream_kind, stream) = stream_parts(header.stream);
    let (actor_kind, actor) = actor_parts(header.actor);
    let mut bytes = [0; HEADER_BYTES];
    bytes[..4].copy_from_slice(&[FORMAT, stream_kind, actor_kind, 0]);
    bytes[4..6].copy_from_slice(&header.kind.to_le_bytes());
    bytes[6..8].copy_from_slice(&header.version.to_le_bytes());
    let org = header.org.map_or(0, OrgId::as_u64);
    let words = [header.seq, org, stream, header.stream_version, header.at.ms(), actor, header.correlation, header.causation];
    for (word, place) in words.into_iter().zip((8..).step_by(8)) {
        bytes[place..place + 8].copy_from_slice(&word.to_le_bytes());
    }
    let length = u32::try_from(payload.len()).expect("the limit fits");
    bytes[88..92].copy_from_slice(&length.to_le_bytes());
    let crc = checksum(&bytes[..92], payload);
    bytes[92..].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&bytes);
    out.extend_from_slice(payload);
    Ok(())
}

/// Reads the frame at the start of `bytes` and checks it; the second value is what follows it.
///
/// # Errors
/// The bytes are no sound frame. Nothing is skipped.
pub fn decode(bytes: &[u8]) -> Result<(FrameRef<'_>, &[u8]), FrameError> {
    let Some((head, rest)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(FrameError::CutOff { have: bytes.len(), need: HEADER_BYTES });
    };
    if head[0] != FORMAT {
        return Err(FrameError::Format(head[0]));
    }
    let length = u32::from_le_bytes([head[88], head[89], head[90], head[91]]) as usize;
    if length > PAYLOAD_BYTES_MAX {
        return Err(FrameError::TooLarge(length));
    }
    let Some((payload, rest)) = rest.split_at_checked(length) else {
        return Err(FrameError::CutOff { have: bytes.len(), need: HEADER_BYTES + length });
    };
    if checksum(&head[..92], payload).to_le_bytes() != head[92..] {
        return Err(FrameError::Checksum);
    }
    Ok((FrameRef { header: header_of(head)?, payload }, rest))
}

/// Number of the frame at the start of `bytes`, and what follows the frame. Checks its length alone: for frames that were
/// encoded a moment ago, or checked when their group was read.
///
/// # Errors
/// The bytes are cut off.
pub fn measure(bytes: &[u8]) -> Result<(u64, &[u8]), FrameError> {
    let Some(head) = bytes.first_chunk::<HEADER_BYTES>() else {
        return Err(FrameError::CutOff { have: bytes.len(), need: HEADER_BYTES });
    };
    let mut seq = [0; 8];
    seq.copy_from_slice(&head[8..16]);
    let need = HEADER_BYTES + u32::from_le_bytes([head[88], head[89], head[90], head[91]]) as usize;
    let rest = bytes.get(need..).ok_or(FrameError::CutOff { have: bytes.len(), need })?;
    Ok((u64::from_le_bytes(seq), rest))
}

fn header_of(head: &[u8; HEADER_BYTES]) -> Result<Header, FrameError> {
    let half = |place: usize| u16::from_le_bytes([head[place], head[place + 1]]);
    let word = |place: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&head[place..place + 8]);
        u64::from_le_bytes(bytes)
    };
    if head[3] != 0 || head[72..88].iter().any(|byte| *byte != 0) {
        return Err(FrameError::Field("reserved part"));
    }
    let id = word(24);
    let stream = match head[1] {
        0 => StreamId::System,
        1 => StreamId::Org(OrgId::from_u64(id)),
        2 => StreamId::Node(NodeId::from_u64(id)),
        3 => StreamId::Worker(WorkerId::from_u64(id)),
        4 => StreamId::Deployment(DeploymentId::from_u64(id)),
        _ => return Err(FrameError::Field("kind of stream")),
    };
    let id = word(48);
    let actor = match head[2] {
        0 => Actor::System,
        1 => Actor::User(UserId::from_u64(id)),
        2 => Actor::ApiKey(ApiKeyId::from_u64(id)),
        3 => Actor::Node(NodeId::from_u64(id)),
        4 => Actor::Operator,
        _ => return Err(FrameError::Field("kind of actor")),
    };
    let org = (stream != StreamId::System).then(|| OrgId::from_u64(word(16)));
    Ok(Header {
        kind: half(4),
        version: half(6),
        seq: word(8),
        org,
        stream,
        stream_version: word(32),
        at: Timestamp::from_ms(word(40)),
        actor,
        correlation: word(56),
        causation: word(64),
    })
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize()
}

const fn stream_parts(stream: StreamId) -> (u8, u64) {
    match stream {
        StreamId::System => (0, 0),
        StreamId::Org(id) => (1, id.as_u64()),
        StreamId::Node(id) => (2, id.as_u64()),
        StreamId::Worker(id) => (3, id.as_u64()),
        StreamId::Deployment(id) => (4, id.as_u64()),
    }
}

const fn actor_parts(actor: Actor) -> (u8, u64) {
    match actor {
        Actor::System => (0, 0),
        Actor::User(id) => (1, id.as_u64()),
        Actor::ApiKey(id) => (2, id.as_u64()),
        Actor::Node(id) => (3, id.as_u64()),
        Actor::Operator => (4, 0),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a refused frame is a failed test")]
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        Header {
            kind: 102,
            version: 1,
            seq: 7,
            org: Some(OrgId::from_u64(1)),
            stream: StreamId::Node(NodeId::from_u64(2)),
            stream_version: 3,
            at: Timestamp::from_ms(4),
            actor: Actor::User(UserId::from_u64(5)),
            correlation: 6,
            causation: 0,
        }
    }

    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&header(), payload, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read_and_the_next_frame_follows() {
        let mut bytes = frame(b"one");
        encode(&Header { org: None, stream: StreamId::System, actor: Actor::Operator, ..header() }, b"", &mut bytes).unwrap();
        let (first, rest) = decode(&bytes).unwrap();
        assert_eq!((first.header, first.payload), (header(), b"one".as_slice()));
        let (second, rest) = decode(rest).unwrap();
        assert_eq!((second.header.org, second.header.actor, second.payload), (None, Actor::Operator, b"".as_slice()));
        assert!(rest.is_empty());
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let bytes = frame(b"payload");
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&damaged).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_cut_is_found_and_says_how_much_is_there() {
        let bytes = frame(b"payload");
        for have in 0..bytes.len() {
            let need = if have < HEADER_BYTES { HEADER_BYTES } else { bytes.len() };
            assert_eq!(decode(&bytes[..have]), Err(FrameError::CutOff { have, need }));
        }
    }

    #[test]
    fn too_large_a_payload_is_neither_written_nor_read() {
        let mut out = Vec::new();
        let size = PAYLOAD_BYTES_MAX + 1;
        assert_eq!(encode(&header(), &vec![0; size], &mut out), Err(FrameError::TooLarge(size)));
        assert!(out.is_empty());
        let mut bytes = frame(b"");
        bytes[88..92].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(decode(&bytes), Err(FrameError::TooLarge(u32::MAX as usize)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
            let mut formatted = bytes;
            if let Some(first) = formatted.first_mut() {
                *first = FORMAT;
            }
            let _ = decode(&formatted);
        }
    }
}
