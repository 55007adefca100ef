//! A point of the log as people write it: a sequence, a position of the API, a time.

use std::str::FromStr;

use spunto_core::record::Position;
use spunto_core::time::Timestamp;

use crate::failure::Failure;
use crate::source::Source;

/// A point of the log, after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// After the event with this sequence; 0 is before the first.
    Seq(u64),
    /// A position that the API gave.
    Position(Position),
    /// After the last event at or before this time.
    Time(Timestamp),
    /// After the last event.
    End,
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "end" || text == "now" {
            return Ok(Self::End);
        }
        if let Ok(seq) = text.trim_start_matches('#').parse() {
            return Ok(Self::Seq(seq));
        }
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        // `2026-11-25`, `2026-11-25 03:12`, `2026-11-25T03:12:09`, with or without Z: UTC, like everything that is printed.
        let plain = text.trim_end_matches('Z').replacen(' ', "T", 1);
        let full = match plain.len() {
            10 => format!("{plain}T00:00:00Z"),
            16 => format!("{plain}:00Z"),
            _ if plain.contains('+') => plain,
            _ => format!("{plain}Z"),
        };
        Timestamp::parse(&full).map(Self::Time).map_err(|_| {
            "not a point of the log: write a sequence (1234), a position that the API gave, a time in UTC (2026-11-25T03:12:09, \
             \"2026-11-25 03:12\", 2026-11-25), or end"
                .to_owned()
        })
    }
}

impl Point {
    /// The sequence of the last event before this point.
    ///
    /// # Errors
    /// It lies after the end, or belongs to another log; the log can't be read.
    pub fn resolve(self, source: &Source) -> Result<u64, Failure> {
        let seq = match self {
            Self::Seq(seq) => seq,
            Self::Position(position) if position.incarnation == source.incarnation() => position.seq,
            Self::Position(position) => return Err(Failure::NotFound(format!("{position} is a position of another log than this one"))),
            Self::Time(at) => source.last_before(at)?,
            Self::End => source.end(),
        };
        if seq > source.end() {
            return Err(Failure::NotFound(format!("there is no event {seq}: the log ends with event {}", source.end())));
        }
        Ok(seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_written_as_people_write_them() {
        let time = |text| Ok(Point::Time(Timestamp::parse(text).expect("a time")));
        assert_eq!("1234".parse(), Ok(Point::Seq(1234)));
        assert_eq!("#7".parse(), Ok(Point::Seq(7)));
        assert_eq!("end".parse(), Ok(Point::End));
        assert_eq!("0000000000000abc.0.5".parse(), Ok(Point::Position(Position { incarnation: 0xabc, shard: 0, seq: 5 })));
        assert_eq!("2026-11-25".parse(), time("2026-11-25T00:00:00Z"));
        assert_eq!("2026-11-25 03:12".parse(), time("2026-11-25T03:12:00Z"));
        assert_eq!("2026-11-25T03:12:09.5Z".parse(), time("2026-11-25T03:12:09.5Z"));
        assert_eq!("2026-11-25T03:12:09+01:00".parse(), time("2026-11-25T02:12:09Z"));
        for text in ["", "yesterday", "-1", "2026-13-01", "1.2.3", "é026-11-25"] {
            assert!(text.parse::<Point>().is_err(), "{text}");
        }
    }
}
