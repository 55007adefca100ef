//! Which addresses are private: where a token may travel without TLS. Shared, so that the server warns of what the agent refuses.

use std::net::{IpAddr, Ipv4Addr};

/// Whether a host is this machine or on a private network. Names count as public, but for `localhost` and names without a
/// dot, which only a local resolver knows.
#[must_use]
pub fn is_private(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => is_private_v4(v4),
        Ok(IpAddr::V6(v6)) => {
            let [first, ..] = v6.segments();
            v6.is_loopback() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || v6.to_ipv4_mapped().is_some_and(is_private_v4)
        }
        Err(_) => host == "localhost" || !host.contains('.') || host.ends_with(".localhost") || host.ends_with(".internal"),
    }
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    v4.is_loopback() || v4.is_private() || v4.is_link_local() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_is_what_only_a_private_network_knows() {
        for host in
            ["127.0.0.1", "172.17.0.1", "100.64.0.1", "169.254.0.1", "fd00::1", "::1", "::ffff:10.0.0.1", "localhost", "box", "a.internal"]
        {
            assert!(is_private(host), "{host}");
        }
        for host in ["203.0.113.9", "2001:db8::1", "spunto.example", "::ffff:203.0.113.9", "100.128.0.1"] {
            assert!(!is_private(host), "{host}");
        }
    }
}
