//! The address that nodes and browsers are told: can they reach it, and is what travels there encrypted?

use std::net::{IpAddr, SocketAddr};

use spunto_core::address::is_private;

use super::Finding;
use crate::config::{Serve, check_public_url};

const CHECK: &str = "address";

/// What is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    public: Option<String>,
    listen: Vec<SocketAddr>,
    tls: bool,
    proxies: usize,
}

/// The host in a URL, without brackets or port.
pub(super) fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None => authority.split(':').next().unwrap_or(authority),
    }
}

impl Address {
    pub(super) fn of(serve: &Serve) -> Self {
        let Serve { public_url, listen, tls_cert, trusted_proxy, .. } = serve;
        Self { public: public_url.clone(), listen: listen.clone(), tls: tls_cert.is_some(), proxies: trusted_proxy.len() }
    }

    /// What nodes are told.
    fn told(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let first = self.listen.first().map_or_else(String::new, ToString::to_string);
        self.public.clone().unwrap_or_else(|| format!("{scheme}://{first}"))
    }
}

pub(super) fn judge(seen: &Address) -> Finding {
    const SET: &str = "set --public-url to the address by which nodes and browsers reach this server, such as https://spunto.example";
    let told = seen.told();
    let url = match check_public_url(&told) {
        Ok(url) => url,
        Err(error) => return Finding::wrong(CHECK, error.to_string(), SET),
    };
    let (host, encrypted) = (host_of(&url), url.starts_with("https://"));
    let ip = host.parse::<IpAddr>().ok();
    if ip.is_some_and(|ip| ip.is_unspecified()) {
        return Finding::wrong(CHECK, format!("nodes would be told to dial {url}, which is no address"), SET);
    }
    match (encrypted, seen.tls) {
        (true, true) => Finding::good(CHECK, format!("{url}, TLS ends here")),
        (true, false) if seen.proxies > 0 => Finding::good(CHECK, format!("{url}, TLS ends at a proxy that is trusted")),
        (true, false) => Finding::look(
            CHECK,
            format!("{url}, but TLS is not on here, so that a proxy must end it"),
            "name the proxy with --trusted-proxy, or everybody seems to come from it; without a proxy set --tls-cert and --tls-key",
        ),
        (false, true) => {
            let found = format!("nodes are told {url}, but this server speaks TLS: none will connect");
            Finding::wrong(CHECK, found, format!("set --public-url to {}", url.replacen("http://", "https://", 1)))
        }
        (false, false) if !is_private(host) => {
            let found = format!("{url} is public and not encrypted: agents refuse to send their token there");
            Finding::wrong(CHECK, found, "set --tls-cert and --tls-key, or put a proxy with TLS in front, and https:// into --public-url")
        }
        (false, false) if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) => {
            Finding::look(CHECK, format!("{url}: only this machine can be a node"), SET)
        }
        (false, false) => {
            let found = format!("{url}, not encrypted: whoever is on that network can read passwords and tokens");
            Finding::look(CHECK, found, "set --tls-cert and --tls-key, and https:// into --public-url")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn nodes_are_told_what_they_can_reach() {
        let check = |public: Option<&str>, listen: &str, tls, proxies, mark, word: &str| {
            let Ok(listen) = listen.parse() else { panic!("{listen} is the test's own") };
            let finding = judge(&Address { public: public.map(str::to_owned), listen: vec![listen], tls, proxies });
            assert_eq!(finding.mark, mark, "{finding}");
            assert!(finding.to_string().contains(word), "{finding}");
        };
        let any = "0.0.0.0:443";
        check(Some("https://spunto.example"), any, true, 0, Mark::Good, "TLS ends here");
        check(Some("https://spunto.example"), any, false, 1, Mark::Good, "proxy");
        check(Some("https://spunto.example"), any, false, 0, Mark::Look, "--trusted-proxy");
        check(Some("http://spunto.example"), any, true, 0, Mark::Wrong, "https://spunto.example");
        check(Some("http://spunto.example"), any, false, 0, Mark::Wrong, "agents refuse");
        check(Some("http://10.0.0.5:7780"), any, false, 0, Mark::Look, "can read passwords");
        check(Some("nonsense"), any, true, 0, Mark::Wrong, "must look like");
        check(None, any, true, 0, Mark::Wrong, "0.0.0.0");
        check(None, "127.0.0.1:7780", false, 0, Mark::Look, "only this machine");
    }

    #[test]
    fn a_host_is_found_in_a_url() {
        for (url, host) in [("https://a.example:8443/x", "a.example"), ("http://[::1]:80", "::1"), ("https://10.0.0.1", "10.0.0.1")] {
            assert_eq!(host_of(url), host);
        }
    }
}
