//! Addresses for workers' networks: a pool cut into /28 blocks. Pure.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// Bits of the network part of each block: 16 addresses, enough for a deployment's 16 services less gateway, so services of one
/// deployment take a larger block.
const BLOCK_BITS: u8 = 28;
/// Bits of a deployment's block: 32 addresses hold 16 services, gateway, network and broadcast.
const DEPLOYMENT_BITS: u8 = 27;

/// An IPv4 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: u32,
    bits: u8,
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.address), self.bits)
    }
}

impl FromStr for Network {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const SHAPE: &str = "a network looks like 10.213.0.0/16";
        let (address, bits) = text.split_once('/').ok_or(SHAPE)?;
        let (address, bits): (Ipv4Addr, u8) = (address.parse().map_err(|_| SHAPE)?, bits.parse().map_err(|_| SHAPE)?);
        if bits > 32 { Err(SHAPE) } else { Ok(Self::new(address, bits)) }
    }
}

impl Network {
    /// The network of this size that holds an address.
    #[must_use]
    pub fn new(address: Ipv4Addr, bits: u8) -> Self {
        Self { address: u32::from(address) & mask(bits), bits }
    }

    /// Whether two networks share an address.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let wider = mask(self.bits.min(other.bits));
        self.address & wider == other.address & wider
    }

    /// Its first address, in network order, and its bits: what the kernel takes.
    #[must_use]
    pub const fn parts(self) -> ([u8; 4], u8) {
        (self.address.to_be_bytes(), self.bits)
    }
}

const fn mask(bits: u8) -> u32 {
    if bits == 0 { 0 } else { u32::MAX << (32 - bits) }
}

/// Where blocks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool(Network);

impl FromStr for Pool {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let network: Network = text.parse()?;
        if (8..=24).contains(&network.bits) {
            Ok(Self(network))
        } else {
            Err("a network pool is between /8 and /24 large, like 10.213.0.0/16")
        }
    }
}

impl Pool {
    /// The pool as one network.
    #[must_use]
    pub const fn network(self) -> Network {
        self.0
    }

    /// Blocks that overlap nothing of `used`, beginning at a place that `start` picks: agents that share an engine then rarely
    /// want the same one.
    pub fn free<'a>(self, deployment: bool, used: &'a [Network], start: u64) -> impl Iterator<Item = Network> + 'a {
        let bits = if deployment { DEPLOYMENT_BITS } else { BLOCK_BITS };
        let count = 1_u64 << (bits - self.0.bits);
        let block = move |place: u64| {
            let offset = u32::try_from((start.wrapping_add(place)) % count).unwrap_or(0) << (32 - bits);
            Network { address: self.0.address + offset, bits }
        };
        (0..count).map(block).filter(|candidate| !used.iter().any(|used| used.overlaps(*candidate)))
    }
}

/// The networks in the text of `/proc/net/route`, but for the default route.
#[must_use]
pub fn routes(table: &str) -> Vec<Network> {
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
    let lines = table.lines().skip(1).filter_map(|line| {
        let mut fields = line.split_whitespace();
        let (destination, mask) = (number(fields.nth(1)?)?, number(fields.nth(5)?)?);
        let bits = u8::try_from(mask.count_ones()).ok()?;
        (bits > 0).then_some(Network { address: destination, bits })
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    #[test]
    fn overlap_is_sharing_an_address() {
        assert!(network("10.0.0.0/8").overlaps(network("10.213.7.16/28")));
        assert!(network("10.213.7.16/28").overlaps(network("10.213.7.31/32")));
        assert!(!network("10.213.7.16/28").overlaps(network("10.213.7.32/28")));
        assert!(network("0.0.0.0/0").overlaps(network("203.0.113.0/24")));
        for text in ["", "10.0.0.0", "10.0.0.0/33", "x/8", "10.0.0/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_pool_gives_every_block_once_and_none_that_is_used() {
        let pool: Pool = "10.213.0.0/24".parse().unwrap();
        let all: Vec<Network> = pool.free(false, &[], 5).collect();
        assert_eq!(all.len(), 16);
        assert_eq!(all[0], network("10.213.0.80/28"));
        assert_eq!(all.iter().collect::<std::collections::HashSet<_>>().len(), 16);
        let used = [network("10.213.0.0/25"), network("10.213.0.200/32")];
        let left: Vec<Network> = pool.free(false, &used, 0).collect();
        assert_eq!(left.len(), 7);
        assert!(left.iter().all(|block| !used.iter().any(|used| used.overlaps(*block))));
        assert_eq!(pool.free(false, &[network("10.0.0.0/8")], 0).count(), 0);
        assert_eq!(pool.free(true, &[], 0).count(), 8);
        for text in ["10.0.0.0/7", "10.0.0.0/25", "10.0.0.0"] {
            assert!(text.parse::<Pool>().is_err(), "{text}");
        }
    }

    #[test]
    fn routes_are_read_but_for_the_default() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
            eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
            docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";
        assert_eq!(routes(table), [network("172.17.0.0/16")]);
        assert!(routes("").is_empty());
    }
}
