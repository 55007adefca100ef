//! The setting that gives parts of a provision less time than usual.

use spunto_core::plan::provision::Waits;

use super::Serve;

/// How long a part of a provision may take, where that is less than usual.
#[derive(Clone, Copy, Debug)]
pub struct ProvisionWait(fn(&mut Waits) -> &mut u64, u64);

impl std::str::FromStr for ProvisionWait {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let shape = || format!("\"{text}\" is not like handshake=40; parts are verify, create, handshake and settle");
        let (part, seconds) = text.split_once('=').ok_or_else(shape)?;
        let of: fn(&mut Waits) -> &mut u64 = match part {
            "verify" => |waits| &mut waits.verify_ms,
            "create" => |waits| &mut waits.create_ms,
            "handshake" => |waits| &mut waits.handshake_ms,
            "settle" => |waits| &mut waits.settle_ms,
            _ => return Err(shape()),
        };
        let most = *of(&mut Waits::default()) / 1000;
        match seconds.parse::<u64>() {
            Ok(seconds) if (1..=most).contains(&seconds) => Ok(Self(of, seconds * 1000)),
            Ok(_) => Err(format!("\"{text}\": {part} may take 1 to {most} seconds")),
            Err(_) => Err(shape()),
        }
    }
}

impl Serve {
    /// How long the parts of a provision may take.
    #[must_use]
    pub fn waits(&self) -> Waits {
        let mut waits = Waits::default();
        for ProvisionWait(of, ms) in &self.provision_wait {
            *of(&mut waits) = *ms;
        }
        waits
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "what is refused fails the test")]
    use super::*;

    #[test]
    fn a_part_is_named_and_takes_no_longer_than_usual() {
        let ProvisionWait(of, ms) = "handshake=40".parse().unwrap();
        let mut waits = Waits::default();
        *of(&mut waits) = ms;
        assert_eq!(waits, Waits { handshake_ms: 40_000, ..Waits::default() });
        for (wrong, says) in [
            ("handshake", "like handshake=40"),
            ("tea=4", "verify, create, handshake and settle"),
            ("settle=x", "like handshake=40"),
            ("settle=0", "1 to 60 seconds"),
            ("handshake=901", "1 to 900 seconds"),
        ] {
            assert!(wrong.parse::<ProvisionWait>().unwrap_err().contains(says), "{wrong}");
        }
    }
}
