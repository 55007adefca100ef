//! What the agent needs of the host's own network, which its container does not see: the routes there are, and a rule that
//! keeps workers from the cloud's metadata service. Done by a short-lived container on the host's network.
//!
//! The rules are those of policy routing: packets from the pool's addresses to the service's, TCP port 80, and from one of
//! the pool's networks to another are prohibited. That needs
//! no firewall tool, works beside iptables and nftables alike, and leaves the host's own access and DNS alone. It is set at
//! each start of the agent, so it is back after a reboot.

use std::net::Ipv4Addr;

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType};
use serde::{Deserialize, Serialize};

use crate::docker::{Docker, Fault, Helper};
use crate::pool::{Network, Pool, routes};

/// Where clouds keep their metadata service (IPv4; workers' networks have no IPv6).
pub const METADATA: [Ipv4Addr; 2] = [Ipv4Addr::new(169, 254, 169, 254), Ipv4Addr::new(169, 254, 42, 42)];
const HTTP: u16 = 80;
/// Before the kernel's own rules for the local, main and default tables (0 is local; 32766, 32767).
const RULE_PRIORITY: u32 = 100;

/// What the helper found and did.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Host {
    /// The host's routes, as `/proc/net/route` tells them.
    pub routes: String,
    /// Why the metadata service could not be blocked; none when it is.
    pub block_error: Option<String>,
}

impl Host {
    /// Networks that the host can reach without the default route.
    #[must_use]
    pub fn taken(&self) -> Vec<Network> {
        routes(&self.routes)
    }
}

/// Looks and blocks, on whatever network this process is.
#[must_use]
pub fn survey(pool: Pool) -> Host {
    let routes = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    let blocked = rules(pool).iter().try_for_each(|rule| set(pool, rule));
    Host { routes, block_error: blocked.err().map(|error| error.to_string()) }
}

/// Has a helper on the host's network look and block.
///
/// # Errors
/// Docker's own words.
pub async fn ask(docker: &Docker, image: &str, pool: Pool) -> Result<Host, Fault> {
    let pool = pool.network().to_string();
    let helper = Helper { image, command: &["host", "--network-pool", &pool], network: "host", net_admin: true };
    let printed = docker.run_helper(&helper).await?;
    serde_json::from_str(&printed).map_err(|_| Fault::Refused { status: 500, message: format!("the helper said: {printed}") })
}

// Numbers of linux/netlink.h, linux/rtnetlink.h and linux/fib_rules.h.
const RTM_NEWRULE: u16 = 32;
const REQUEST_ACK_CREATE_EXCL: u16 = 0x1 | 0x4 | 0x400 | 0x200;
const NLMSG_ERROR: u16 = 2;
const ACTION_LOOK_UP: u8 = 1;
const ACTION_PROHIBIT: u8 = 8;
const TABLE_MAIN: u8 = 254;
const FRA_DST: u16 = 1;
const FRA_SRC: u16 = 2;
const FRA_IIFNAME: u16 = 3;
const FRA_PRIORITY: u16 = 6;
const FRA_IP_PROTO: u16 = 22;
const FRA_DPORT_RANGE: u16 = 24;
const TCP: u8 = 6;

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).expect("attributes are a few bytes");
    message.extend_from_slice(&length.to_ne_bytes());
    message.extend_from_slice(&kind.to_ne_bytes());
    message.extend_from_slice(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// A rule about packets from the pool's addresses.
struct Rule {
    priority: u32,
    /// To these addresses.
    to: Network,
    /// Only those of TCP to this port.
    tcp_port: Option<u16>,
    /// Those of the host's own go their usual way; the others may not go at all.
    of_host: bool,
}

/// All rules: the metadata service, and one worker's network from another. Docker keeps networks apart as well, but takes its own
/// rules away for a moment whenever it makes a network.
fn rules(pool: Pool) -> Vec<Rule> {
    let pool = pool.network();
    let metadata = METADATA.iter().map(|address| Rule {
        priority: RULE_PRIORITY,
        to: Network::new(*address, 32),
        tcp_port: Some(HTTP),
        of_host: false,
    });
    let mut rules: Vec<Rule> = metadata.collect();
    rules.push(Rule { priority: RULE_PRIORITY + 1, to: pool, tcp_port: None, of_host: true });
    rules.push(Rule { priority: RULE_PRIORITY + 2, to: pool, tcp_port: None, of_host: false });
    rules
}

fn encode(pool: Pool, rule: &Rule) -> Vec<u8> {
    let ((source, source_bits), (to, to_bits)) = (pool.network().parts(), rule.to.parts());
    let (action, table) = if rule.of_host { (ACTION_LOOK_UP, TABLE_MAIN) } else { (ACTION_PROHIBIT, 0) };
    let mut message = vec![0; 4];
    message.extend_from_slice(&RTM_NEWRULE.to_ne_bytes());
    message.extend_from_slice(&REQUEST_ACK_CREATE_EXCL.to_ne_bytes());
    message.extend_from_slice(&1_u32.to_ne_bytes());
    message.extend_from_slice(&0_u32.to_ne_bytes());
    // Family AF_INET, lengths of both addresses, no TOS, the table, two reserved, the action, no flags.
    message.extend_from_slice(&[2, to_bits, source_bits, 0, table, 0, 0, action, 0, 0, 0, 0]);
    attribute(&mut message, FRA_DST, &to);
    attribute(&mut message, FRA_SRC, &source);
    attribute(&mut message, FRA_PRIORITY, &rule.priority.to_ne_bytes());
    if rule.of_host {
        attribute(&mut message, FRA_IIFNAME, b"lo\0");
    }
    if let Some(port) = rule.tcp_port {
        attribute(&mut message, FRA_IP_PROTO, &[TCP]);
        attribute(&mut message, FRA_DPORT_RANGE, &[port.to_ne_bytes(), port.to_ne_bytes()].concat());
    }
    let length = u32::try_from(message.len()).expect("a rule is a hundred bytes");
    message[..4].copy_from_slice(&length.to_ne_bytes());
    message
}

fn set(pool: Pool, rule: &Rule) -> Result<(), Errno> {
    // Protocol 0 of this family is NETLINK_ROUTE.
    let socket: OwnedFd = rustix::net::socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    rustix::net::sendto(&socket, &encode(pool, rule), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 1024];
    let (_, received) = rustix::net::recv(&socket, &mut answer, RecvFlags::empty())?;
    let told = answer.get(..received.min(answer.len())).unwrap_or_default();
    let kind = told.get(4..6).and_then(|bytes| Some(u16::from_ne_bytes(bytes.try_into().ok()?)));
    let code = told.get(16..20).and_then(|bytes| Some(i32::from_ne_bytes(bytes.try_into().ok()?)));
    match (kind, code) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(code)) if Errno::from_raw_os_error(-code) == Errno::EXIST => Ok(()),
        (Some(NLMSG_ERROR), Some(code)) => Err(Errno::from_raw_os_error(-code)),
        _ => Err(Errno::PROTO),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
    use super::*;

    #[test]
    fn a_rule_is_as_long_as_it_says() {
        let pool = "10.213.0.0/16".parse().unwrap();
        let lengths = rules(pool).into_iter().map(|rule| {
            let message = encode(pool, &rule);
            assert_eq!(u32::from_ne_bytes(message[..4].try_into().unwrap()) as usize, message.len());
            assert_eq!(message.len() % 4, 0);
            message.len()
        });
        assert_eq!(lengths.collect::<Vec<_>>(), [68, 68, 60, 52]);
    }

    #[test]
    fn this_machine_s_routes_are_read() {
        let taken = survey("10.213.0.0/16".parse().unwrap()).taken();
        assert!(taken.iter().all(|network| network.to_string() != "0.0.0.0/0"));
    }
}
