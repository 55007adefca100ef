//! Ids: one type a noun, so that a node's id can't be passed for a worker's.
//!
//! Owns how ids are written. Must not make them: random numbers come from outside.

use std::fmt;
use std::str::FromStr;

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::LazyLock;

/// Characters of an id after its prefix: 64 bits, 5 a character.
pub const ID_CHARS: usize = 13;

/// Lower-case base32 without padding (RFC 4648's alphabet): safe in names, host names, URLs and labels.
static BASE32_LOWER: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().expect("the alphabet has 32 different characters")
});

/// Writes a bare id: 13 characters.
#[must_use]
pub fn encode(id: u64) -> String {
    BASE32_LOWER.encode(&id.to_be_bytes())
}

/// Reads a bare id; none when the text is not exactly what [`encode`] writes.
#[must_use]
pub fn decode(text: &str) -> Option<u64> {
    if text.len() != ID_CHARS {
        return None;
    }
    let bytes = BASE32_LOWER.decode(text.as_bytes()).ok()?;
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

/// The text is no id of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind; it looks like {prefix}_{example}", example = "aaaaaaaaaaaaa")]
pub struct InvalidId {
    prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// What its text starts with.
            pub const PREFIX: &str = $prefix;

            /// The id with this number.
            #[must_use]
            pub const fn from_u64(id: u64) -> Self {
                Self(id)
            }

            /// Its number.
            #[must_use]
            pub const fn as_u64(self) -> u64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_")).and_then(decode).map(Self).ok_or(InvalidId { prefix: $prefix })
            }
        }

        crate::schema::text_schema!($name, stringify!($name), concat!("^", $prefix, "_[a-z2-7]{13}$"), concat!($prefix, "_aaaaaaaaaaaaa"));

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u64(self.0) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
                } else {
                    u64::deserialize(deserializer).map(Self)
                }
            }
        }
    )*};
}

ids! {
    /// An organisation.
    OrgId "org";
    /// A person.
    UserId "usr";
    /// A browser's session.
    SessionId "ses";
    /// An invitation.
    InvitationId "inv";
    /// A project.
    ProjectId "prj";
    /// An API key.
    ApiKeyId "key";
    /// A node.
    NodeId "nod";
    /// A worker.
    WorkerId "wkr";
    /// A deployment.
    DeploymentId "dep";
    /// A service of a deployment.
    ServiceId "svc";
    /// An order to a node.
    OperationId "opn";
    /// A credential at a cloud provider.
    CredentialId "crd";
}

/// A container that a node runs for us: a worker, or a service of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnitId {
    /// A worker.
    Worker(WorkerId),
    /// A service.
    Service(ServiceId),
}

impl fmt::Display for UnitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Worker(id) => id.fmt(f),
            Self::Service(id) => id.fmt(f),
        }
    }
}

impl FromStr for UnitId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(Self::Worker).or_else(|_| text.parse().map(Self::Service))
    }
}

crate::schema::text_schema!(UnitId, "UnitId", "^(wkr|svc)_[a-z2-7]{13}$", "wkr_aaaaaaaaaaaaa");

impl Serialize for UnitId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnitId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;

    #[test]
    fn ids_print_what_they_parse() {
        for number in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef] {
            let id = NodeId::from_u64(number);
            assert_eq!(id.to_string().parse::<NodeId>().unwrap(), id);
            assert_eq!(id.to_string().len(), 4 + ID_CHARS);
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(serde_json::from_str::<NodeId>(&json).unwrap(), id);
        }
    }

    #[test]
    fn a_node_id_is_no_worker_id() {
        let node = NodeId::from_u64(5).to_string();
        assert!(node.parse::<WorkerId>().is_err());
        for text in ["", "nod_", "nod_aaaaaaaaaaaa", "nod_aaaaaaaaaaaaaa", "nod_AAAAAAAAAAAAA", "nod_aaaaaaaaaaaa1", "nod_éaaaaaaaaaaa"] {
            assert!(text.parse::<NodeId>().is_err(), "{text}");
        }
    }
}
