//! CPU, memory, disk: from `/proc`, which shows the host's also inside a container, and from the file system.

use spunto_core::protocol::Gauges;

/// CPU time so far, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTime {
    busy: u64,
    total: u64,
}

fn cpu_time(stat: &str) -> Option<CpuTime> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).filter_map(|field| field.parse().ok()).collect();
    let total: u64 = ticks.iter().sum();
    // Fields 4 and 5 are idle and waiting for the disk.
    let idle: u64 = ticks.get(3..5)?.iter().sum();
    Some(CpuTime { busy: total - idle, total })
}

fn memory(meminfo: &str) -> Option<(u64, u64)> {
    let field = |name: &str| {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    let (total, available) = (field("MemTotal:")?, field("MemAvailable:")?);
    Some((total.saturating_sub(available), total))
}

/// Used and total bytes of the disk that holds containers: the agent's own root is a layer on it.
#[must_use]
pub fn disk() -> (u64, u64) {
    rustix::fs::statvfs("/").map_or((0, 0), |fs| {
        let total = fs.f_blocks * fs.f_frsize;
        (total.saturating_sub(fs.f_bfree * fs.f_frsize), total)
    })
}

fn percent(before: CpuTime, now: CpuTime) -> f32 {
    let total = now.total.saturating_sub(before.total);
    let busy = now.busy.saturating_sub(before.busy);
    if total == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a percentage to show")]
    let share = busy as f32 / total as f32;
    (share * 100.0).clamp(0.0, 100.0)
}

/// Measures; `before` is the CPU time at the last measurement.
#[must_use]
pub fn measure(before: CpuTime) -> (Gauges, CpuTime) {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let now = cpu_time(&read("/proc/stat")).unwrap_or_default();
    let (memory_used_bytes, memory_total_bytes) = memory(&read("/proc/meminfo")).unwrap_or_default();
    let (disk_used_bytes, disk_total_bytes) = disk();
    let first = |text: String| text.split_whitespace().next().and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    let gauges = Gauges {
        cpu_percent: percent(before, now),
        memory_used_bytes,
        memory_total_bytes,
        disk_used_bytes,
        disk_total_bytes,
        uptime_s: first(read("/proc/uptime")) as u64,
        load_1m: first(read("/proc/loadavg")) as f32,
    };
    (gauges, now)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed read is a failed test")]
    use super::*;

    #[test]
    fn the_kernel_s_tables_are_read() {
        let before = cpu_time("cpu  100 0 100 700 100 0 0 0 0 0\ncpu0 1 1 1 1\n").unwrap();
        let now = cpu_time("cpu  150 0 150 700 200 0 0 0 0 0\n").unwrap();
        assert!((percent(before, now) - 50.0).abs() < 0.01);
        assert!(percent(now, now).abs() < 0.01);
        assert_eq!(memory("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 40 kB\n"), Some((60 * 1024, 100 * 1024)));
        assert_eq!(cpu_time("nothing"), None);
    }

    #[test]
    fn this_machine_has_memory_and_a_disk() {
        let (gauges, _) = measure(CpuTime::default());
        assert!(gauges.memory_total_bytes > gauges.memory_used_bytes && gauges.memory_used_bytes > 0);
        assert!(gauges.disk_total_bytes > 0 && gauges.uptime_s > 0);
    }
}
