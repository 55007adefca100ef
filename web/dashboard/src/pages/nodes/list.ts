// Which nodes are shown, and in which order. Pure.
import type { Node } from '../../api/types';
import { shares } from '../../live/gauges';
import { NODE_STATES, nodeState } from '../../words/status';

export const SORTS = ['name', 'state', 'load', 'cpu', 'memory', 'disk', 'agent', 'seen'] as const;
export type SortKey = (typeof SORTS)[number];

export interface Sort {
  key: SortKey;
  descending: boolean;
}

/** Keys whose values change all the time: a list sorted by one is put in order anew only now and then. */
export const RESTLESS: ReadonlySet<SortKey> = new Set<SortKey>(['cpu', 'memory', 'disk', 'seen']);

/** Reads `name` or `-cpu`; anything else is the default. */
export function readSort(text: string | null): Sort {
  const descending = text?.startsWith('-') ?? false;
  const key = SORTS.find((one) => one === (descending ? text?.slice(1) : text));
  return key ? { key, descending } : { key: 'name', descending: false };
}

export function writeSort(sort: Sort): string | null {
  return sort.key === 'name' && !sort.descending ? null : `${sort.descending ? '-' : ''}${sort.key}`;
}

/** The next order when a head is pressed: amounts start with the largest. */
export function pressed(sort: Sort, key: SortKey): Sort {
  if (sort.key === key) return { key, descending: !sort.descending };
  return { key, descending: ['load', 'cpu', 'memory', 'disk', 'seen'].includes(key) };
}

export interface Filter {
  text: string;
  state: string;
}

/** Whether all words of the text are in what is known of the node. */
export function matches(node: Node, filter: Filter): boolean {
  if (filter.state !== '' && nodeState(node) !== filter.state) return false;
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const labels = Object.entries(node.labels).map(([key, value]) => `${key}=${value}`);
  const all = [
    node.name,
    node.id,
    node.provider,
    node.agent?.version,
    node.agent?.address,
    node.agent?.machine.hostname,
    ...labels,
  ];
  const text = all.join(' ').toLowerCase();
  return words.every((word) => text.includes(word));
}

/** When a node was last heard, in milliseconds since 1970; 0 for never. */
export function lastSeen(node: Node): number {
  if (node.live.session) return Date.parse(node.live.session.answered_at);
  return 'since' in node.status ? Date.parse(node.status.since) : 0;
}

const names = new Intl.Collator('en', { numeric: true });

type Compare = (a: Node, b: Node) => number;

const byShare =
  (key: 'cpu' | 'memory' | 'disk'): Compare =>
  (a, b) =>
    share(a, key) - share(b, key);

function share(node: Node, key: 'cpu' | 'memory' | 'disk'): number {
  return node.live.gauges ? shares(node.live.gauges)[key] : -1;
}

const COMPARE: Readonly<Record<SortKey, Compare>> = {
  name: (a, b) => names.compare(a.name, b.name),
  state: (a, b) => NODE_STATES.indexOf(nodeState(a)) - NODE_STATES.indexOf(nodeState(b)),
  load: (a, b) => a.load - b.load,
  cpu: byShare('cpu'),
  memory: byShare('memory'),
  disk: byShare('disk'),
  agent: (a, b) => names.compare(a.agent?.version ?? '', b.agent?.version ?? ''),
  seen: (a, b) => lastSeen(a) - lastSeen(b),
};

/** A total order: ties go by name, then by id, so that equal nodes never trade places. */
export function compare(sort: Sort): Compare {
  const first = COMPARE[sort.key];
  const sign = sort.descending ? -1 : 1;
  return (a, b) => sign * first(a, b) || names.compare(a.name, b.name) || (a.id < b.id ? -1 : 1);
}

export interface Totals {
  nodes: number;
  online: number;
  load: number;
  /** Shares over all connected nodes, weighted by their size; none when none reports. */
  cpu: number | null;
  cpus: number;
  memoryUsed: number;
  memoryTotal: number;
  diskUsed: number;
  diskTotal: number;
}

export function totals(nodes: readonly Node[]): Totals {
  const sum: Totals = {
    nodes: nodes.length,
    online: 0,
    load: 0,
    cpu: null,
    cpus: 0,
    memoryUsed: 0,
    memoryTotal: 0,
    diskUsed: 0,
    diskTotal: 0,
  };
  let busy = 0;
  for (const node of nodes) {
    sum.load += node.load;
    if (node.status.state !== 'online' && node.status.state !== 'draining') continue;
    sum.online += 1;
    const { gauges } = node.live;
    if (!gauges) continue;
    const cpus = node.agent?.machine.cpus ?? 1;
    sum.cpus += cpus;
    busy += cpus * gauges.cpu_percent;
    sum.memoryUsed += gauges.memory_used_bytes;
    sum.memoryTotal += gauges.memory_total_bytes;
    sum.diskUsed += gauges.disk_used_bytes;
    sum.diskTotal += gauges.disk_total_bytes;
  }
  sum.cpu = sum.cpus > 0 ? busy / sum.cpus : null;
  return sum;
}
