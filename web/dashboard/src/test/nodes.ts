// Nodes for tests: complete, and different only where a test says so.
import type { Gauges, Node } from '../api/types';

export const AT = '2026-11-25T10:00:00.000Z';

export function gauges(changes: Partial<Gauges> = {}): Gauges {
  return {
    at: AT,
    cpu_percent: 10,
    memory_used_bytes: 2 ** 30,
    memory_total_bytes: 4 * 2 ** 30,
    disk_used_bytes: 10 * 2 ** 30,
    disk_total_bytes: 100 * 2 ** 30,
    uptime_s: 3600,
    load_1m: 0.5,
    ...changes,
  };
}

export function node(changes: Partial<Node> = {}): Node {
  return {
    id: 'nod_aaaaaaaaaaaaa',
    name: 'prod-eu-1',
    provider: 'manual',
    labels: {},
    status: { state: 'pending' },
    created_at: AT,
    version: 1,
    epoch: 0,
    load: 0,
    reserved: { cpu_millis: 0, memory_bytes: 0 },
    maintenance: null,
    token: { version: 1, issued_at: AT, fingerprint: 'abcd1234' },
    agent: null,
    isolation: null,
    provision: null,
    connection_refusals: [],
    live: { suspect: false, session: null, drain: null, gauges: null },
    ...changes,
  };
}

export function online(changes: Partial<Node> = {}): Node {
  return node({
    status: { state: 'online', since: AT },
    agent: {
      version: '0.1.0',
      protocol: 1,
      address: '203.0.113.9',
      instance: '0000000000000001',
      machine: {
        hostname: 'host',
        os: 'Debian',
        kernel: '6.1',
        arch: 'x86_64',
        cpus: 4,
        memory_bytes: 4 * 2 ** 30,
        disk_bytes: 100 * 2 ** 30,
        docker_version: '27',
        docker_api: '1.47',
      },
    },
    live: { suspect: false, session: null, drain: null, gauges: gauges() },
    ...changes,
  });
}
