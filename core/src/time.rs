//! Time as data: a [`Timestamp`] that somebody else read from a clock.
//!
//! Owns the unit (milliseconds since the Unix epoch, UTC) and how it prints. Must not know a clock: rules get `now` as an argument.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Milliseconds since 1970-01-01T00:00:00Z.
///
/// Prints and serialises for people as RFC 3339 with milliseconds; in binary formats it is the bare `u64`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

/// The last instant RFC 3339 can print (9999-12-31T23:59:59.999Z); later values are clamped to it when printed.
const PRINTABLE_MS_MAX: u64 = 253_402_300_799_999;

impl Timestamp {
    /// The instant `ms` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn ms(self) -> u64 {
        self.0
    }

    /// This instant moved `ms` milliseconds later; stops at the end of `u64`.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to this instant; zero when `earlier` is later.
    #[must_use]
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Parses RFC 3339, e.g. `2026-11-24T08:00:00Z`.
    ///
    /// # Errors
    /// Text that is not RFC 3339, or lies before 1970.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let at = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        u64::try_from(at.unix_timestamp_nanos() / 1_000_000).map(Self).map_err(|_| InvalidTimestamp)
    }
}

/// The text is not an RFC 3339 time after 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time; write it like 2026-11-24T08:00:00Z")]
pub struct InvalidTimestamp;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.0.min(PRINTABLE_MS_MAX);
        let at = OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(ms.cast_signed());
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.millisecond()
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date-time", "examples": ["2026-11-24T14:02:11.000Z"] })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u64(self.0) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            Self::parse(&text).map_err(serde::de::Error::custom)
        } else {
            u64::deserialize(deserializer).map(Self)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;

    #[test]
    fn prints_what_it_parses() {
        for ms in [0, 1, 1_795_507_200_123, PRINTABLE_MS_MAX] {
            let at = Timestamp::from_ms(ms);
            assert_eq!(Timestamp::parse(&at.to_string()).unwrap(), at);
        }
    }

    #[test]
    fn refuses_what_is_no_time_after_1970() {
        for text in ["", "yesterday", "1969-12-31T23:59:59Z", "2026-11-24"] {
            assert_eq!(Timestamp::parse(text), Err(InvalidTimestamp), "{text}");
        }
    }
}
