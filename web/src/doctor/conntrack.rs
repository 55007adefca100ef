//! The kernel's table of tracked connections: when it is full, new connections vanish without an error.

use super::Finding;

const CHECK: &str = "connection tracking";
/// Entries an agent may take: its session, and those of former ones that stay for two minutes while it reconnects.
const ENTRIES_AN_AGENT: u64 = 4;
/// Entries for everything else on the machine.
const ENTRIES_RESERVE: u64 = 4096;
/// So full is full: of a hundred.
const FULL_PERCENT: u64 = 90;

/// The table, where the kernel keeps one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table {
    most: u64,
    taken: u64,
}

pub(super) fn measure() -> Option<Table> {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/net/netfilter/{name}")).ok()?.trim().parse().ok();
    Some(Table { most: read("nf_conntrack_max")?, taken: read("nf_conntrack_count")? })
}

pub(super) fn judge(table: Option<Table>, agents: u64) -> Finding {
    let Some(Table { most, taken }) = table else { return Finding::good(CHECK, "the kernel tracks none here") };
    let needed = agents * ENTRIES_AN_AGENT + ENTRIES_RESERVE;
    let advice = format!("sysctl -w net.netfilter.nf_conntrack_max={}, and the same in /etc/sysctl.d/", needed.max(most * 2));
    if taken * 100 >= most * FULL_PERCENT {
        let found = format!("{taken} of {most} entries are taken; when all are, agents can't connect, and no error tells why");
        return Finding::wrong(CHECK, found, advice);
    }
    if most < needed {
        let found = format!("{most} entries, too few for {agents} agents that all reconnect at once ({needed})");
        return Finding::look(CHECK, found, advice);
    }
    Finding::good(CHECK, format!("{taken} of {most} entries are taken, enough for {agents} agents that all reconnect at once"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Mark;

    #[test]
    fn a_full_table_is_told_before_it_bites() {
        let judge = |most, taken| judge(Some(Table { most, taken }), 1000);
        assert_eq!(judge(262_144, 3).mark, Mark::Good);
        let small = judge(8095, 3);
        assert!(small.mark == Mark::Look && small.to_string().contains("nf_conntrack_max=16190"), "{small}");
        assert_eq!(judge(262_144, 235_929).mark, Mark::Good);
        assert_eq!(judge(262_144, 235_930).mark, Mark::Wrong);
        assert_eq!(super::judge(None, 1_000_000).mark, Mark::Good);
    }
}
