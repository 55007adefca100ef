//! The limit on open files against the agents that are expected: each takes two.

use rustix::process::{Resource, getrlimit};

use super::{Finding, log};

const CHECK: &str = "open files";
/// A connection, and the second handle by which it can be cut.
const FILES_AN_AGENT: u64 = 2;
/// For the log, the vault, listeners, browsers and log streams.
const FILES_RESERVE: u64 = 512;

/// A limit; none is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpenFiles {
    limit: Option<u64>,
    /// Whether it is the running server's own, and not that of who asks.
    of_server: bool,
}

/// The soft limit in a process's `/proc/<pid>/limits`.
fn read_limit(limits: &str) -> Option<Option<u64>> {
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    let word = line.split_whitespace().nth(3)?;
    Some(if word == "unlimited" { None } else { Some(word.parse().ok()?) })
}

impl OpenFiles {
    pub(super) fn measure(seen: &log::Seen) -> Self {
        let server = match seen {
            log::Seen::Held { pid: Some(pid) } => std::fs::read_to_string(format!("/proc/{pid}/limits")).ok(),
            _ => None,
        };
        match server.and_then(|limits| read_limit(&limits)) {
            Some(limit) => Self { limit, of_server: true },
            // A server raises its own limit to the highest that it may have.
            None => Self { limit: getrlimit(Resource::Nofile).maximum, of_server: false },
        }
    }

    pub(super) fn judge(self, agents: u64) -> Finding {
        let whose = if self.of_server { "the server may open" } else { "a server started from here could open" };
        let Some(limit) = self.limit else { return Finding::good(CHECK, format!("{whose} as many as it likes")) };
        let needed = agents * FILES_AN_AGENT + FILES_RESERVE;
        let room = limit.saturating_sub(FILES_RESERVE) / FILES_AN_AGENT;
        if limit < needed {
            let found = format!("{whose} {limit}, enough for {room} agents and not for {agents}");
            let advice =
                format!("allow {needed}: LimitNOFILE={needed} in the unit, --ulimit nofile={needed} for a container, ulimit -n in a shell");
            return Finding::wrong(CHECK, found, advice);
        }
        Finding::good(CHECK, format!("{whose} {limit}, enough for {room} agents"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn every_agent_takes_two() {
        let judge = |limit, agents| OpenFiles { limit, of_server: true }.judge(agents);
        assert_eq!(judge(Some(2512), 1000).mark, Mark::Good);
        let low = judge(Some(1024), 1000);
        assert!(low.mark == Mark::Wrong && low.to_string().contains("256 agents") && low.to_string().contains("LimitNOFILE=2512"), "{low}");
        assert_eq!(judge(Some(64), 0).mark, Mark::Wrong);
        assert_eq!(judge(None, 1_000_000).mark, Mark::Good);
    }

    #[test]
    fn a_process_tells_its_limit() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            20000                20000                files\n";
        assert_eq!(read_limit(limits), Some(Some(20000)));
        assert_eq!(read_limit("Max open files            unlimited            unlimited            files"), Some(None));
        assert_eq!(read_limit(""), None);
    }
}
