//! The shapes of credentials: node tokens, enrolment tokens, API keys, session cookies, one-time links.
//!
//! Owns how they are written and parsed, and the digest that may be stored. Their secrets are made elsewhere (no randomness here).

use std::fmt;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;

use crate::id::{ApiKeyId, InvitationId, NodeId, OrgId, SessionId};
use crate::secret::Secret;

/// Bytes of randomness in every credential.
pub const SECRET_BYTES: usize = 32;
/// Characters that an id takes inside a credential.
const ID_CHARS: usize = 13;
/// Characters that the secret takes inside a credential.
const SECRET_CHARS: usize = 52;

/// What may be kept of a credential: a digest, compared in constant time. With 256 random bits behind it, no salt is needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretDigest([u8; 32]);

impl SecretDigest {
    /// The digest of a credential's secret part.
    #[must_use]
    pub fn of(secret: &[u8; SECRET_BYTES]) -> Self {
        Self(blake3::derive_key("spunto 2026-11 credential digest", secret))
    }

    /// A digest of a text under a key, for looking up what must not be stored (e-mail addresses).
    #[must_use]
    pub fn keyed(key: &[u8; 32], text: &str) -> Self {
        Self(*blake3::keyed_hash(key, text.as_bytes()).as_bytes())
    }

    /// A digest from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Whether both are the same, in a time that doesn't depend on where they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// The first 8 hexadecimal digits: enough to tell two credentials apart on a screen.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        HEXLOWER.encode(&self.0[..4])
    }
}

/// Tells two secrets of others apart on a screen, such as a cloud's credentials; 8 hexadecimal digits.
#[must_use]
pub fn fingerprint(secret: &[u8]) -> String {
    HEXLOWER.encode(&blake3::derive_key("spunto 2026-11 fingerprint of a secret", secret)[..4])
}

crate::schema::text_schema!(SecretDigest, "SecretDigest", "^[0-9a-f]{64}$", "00".repeat(32));

/// Hexadecimal where people read it, bytes elsewhere.
impl Serialize for SecretDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.serialize_str(&HEXLOWER.encode(&self.0)) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for SecretDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return Deserialize::deserialize(deserializer).map(Self);
        }
        let bytes = HEXLOWER.decode(String::deserialize(deserializer)?.as_bytes()).map_err(serde::de::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| serde::de::Error::custom("a digest has 64 hexadecimal digits"))
    }
}

impl fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretDigest({}…)", self.fingerprint())
    }
}

/// The text is not a credential of the expected kind. Says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a {kind}; it starts with \"{prefix}\" and is {chars} characters long: copy it whole")]
pub struct MalformedCredential {
    kind: &'static str,
    prefix: &'static str,
    chars: usize,
}

/// A credential's ids and secret. `N` ids stand before the secret.
struct Parts<const N: usize> {
    ids: [u64; N],
    secret: [u8; SECRET_BYTES],
}

fn write_parts<const N: usize>(prefix: &str, ids: [u64; N], secret: &[u8; SECRET_BYTES]) -> Secret<String> {
    let mut text = String::with_capacity(prefix.len() + N * ID_CHARS + SECRET_CHARS);
    text.push_str(prefix);
    for id in ids {
        text.push_str(&crate::id::encode(id));
    }
    text.push_str(&BASE32_NOPAD.encode(secret).to_ascii_lowercase());
    Secret::new(text)
}

fn parse_parts<const N: usize>(prefix: &str, text: &str) -> Option<Parts<N>> {
    let rest = text.strip_prefix(prefix)?;
    if rest.len() != N * ID_CHARS + SECRET_CHARS || !rest.is_ascii() {
        return None;
    }
    let mut ids = [0; N];
    for (place, id) in ids.iter_mut().enumerate() {
        *id = crate::id::decode(&rest[place * ID_CHARS..(place + 1) * ID_CHARS])?;
    }
    let bytes = BASE32_NOPAD.decode(rest[N * ID_CHARS..].to_ascii_uppercase().as_bytes()).ok()?;
    Some(Parts { ids, secret: bytes.try_into().ok()? })
}

macro_rules! credential {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $prefix:literal, $($field:ident : $id:ty),+) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            $(#[doc = "Whom it names."] pub $field: $id,)+
            secret: Secret<[u8; SECRET_BYTES]>,
        }

        impl $name {
            /// How it starts.
            pub const PREFIX: &str = $prefix;

            /// Puts a credential together from its ids and 32 random bytes.
            #[must_use]
            pub const fn new($($field: $id,)+ secret: [u8; SECRET_BYTES]) -> Self {
                Self { $($field,)+ secret: Secret::new(secret) }
            }

            /// Parses what somebody presents.
            ///
            /// # Errors
            /// The text has another shape; the error doesn't repeat it.
            pub fn parse(text: &str) -> Result<Self, MalformedCredential> {
                const IDS: usize = [$(stringify!($field)),+].len();
                let parts: Parts<IDS> = parse_parts($prefix, text).ok_or(MalformedCredential {
                    kind: $kind, prefix: $prefix, chars: $prefix.len() + IDS * ID_CHARS + SECRET_CHARS,
                })?;
                let mut ids = parts.ids.into_iter();
                Ok(Self { $($field: <$id>::from_u64(ids.next().expect("one id a field")),)+ secret: Secret::new(parts.secret) })
            }

            /// The text to show, once, to whom it belongs.
            #[must_use]
            pub fn reveal(&self) -> Secret<String> {
                write_parts($prefix, [$(self.$field.as_u64()),+], self.secret.expose())
            }

            /// What may be stored of it.
            #[must_use]
            pub fn digest(&self) -> SecretDigest {
                SecretDigest::of(self.secret.expose())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))+.finish_non_exhaustive()
            }
        }
    };
}

credential!(
    /// What an agent proves itself with: full control over one node.
    NodeToken, "node token", "spn_", org: OrgId, node: NodeId
);
credential!(
    /// What a new machine trades for its node's token: short-lived, and dead once an agent was let in.
    EnrolmentToken, "enrolment token", "spe_", org: OrgId, node: NodeId
);
credential!(
    /// What a script proves itself with.
    ApiKey, "API key", "spk_", org: OrgId, key: ApiKeyId
);
credential!(
    /// What a browser proves itself with.
    SessionCookie, "session cookie", "sps_", session: SessionId
);
credential!(
    /// What an invited person proves themselves with, once.
    InvitationToken, "invitation", "spi_", org: OrgId, invitation: InvitationId
);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;

    fn token() -> NodeToken {
        NodeToken::new(OrgId::from_u64(7), NodeId::from_u64(u64::MAX), [0xA5; SECRET_BYTES])
    }

    #[test]
    fn a_token_survives_being_shown_and_pasted() {
        let text = token().reveal();
        let back = NodeToken::parse(text.expose()).unwrap();
        assert_eq!((back.org, back.node), (token().org, token().node));
        assert!(back.digest().matches(&token().digest()));
        assert_eq!(text.expose().len(), 4 + 13 + 13 + 52);
    }

    #[test]
    fn no_part_of_a_secret_is_printed() {
        let shown = token().reveal();
        let secret = &shown.expose()[30..];
        assert!(!format!("{:?} {shown:?}", token()).contains(&secret[..8]));
        let error = NodeToken::parse(&format!("{}x", shown.expose())).unwrap_err().to_string();
        assert!(!error.contains(&secret[..8]), "{error}");
    }

    #[test]
    fn other_texts_are_refused() {
        let good = token().reveal().expose().clone();
        let long = "spn_".to_owned() + &"a".repeat(10_000);
        for text in ["", "spn_", "spk_aaaa", &good[1..], &good[..good.len() - 1], &good.replace("spn_", "spk_"), &long, "spn_é"] {
            assert!(NodeToken::parse(text).is_err());
        }
    }
}
