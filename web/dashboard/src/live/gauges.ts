// What gauges mean, as shares of a whole.
import type { Gauges } from '../api/types';

/** Used as a share of total, 0 to 100; 0 where the total is unknown. */
export function percent(used: number, total: number): number {
  return total > 0 ? Math.min(100, (used / total) * 100) : 0;
}

export interface Shares {
  cpu: number;
  memory: number;
  disk: number;
}

export function shares(gauges: Gauges): Shares {
  return {
    cpu: gauges.cpu_percent,
    memory: percent(gauges.memory_used_bytes, gauges.memory_total_bytes),
    disk: percent(gauges.disk_used_bytes, gauges.disk_total_bytes),
  };
}
