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

function share(node: Node, key: 'cpu' | 'memory' | 'disk'): number {
  return node.live.gauges ? shares(node.live.gauges)[key] : -1;
}

/** What a node is sorted by: a number where there is one, else a text. */
function sortValue(node: Node, key: SortKey): number | string {
  switch (key) {
    case 'name':
      return node.name;
    case 'agent':
      return node.agent?.version ?? '';
    case 'state':
      return NODE_STATES.indexOf(nodeState(node));
    case 'load':
      return node.load;
    case 'seen':
      return lastSeen(node);
    default:
      return share(node, key);
  }
}

function compareValues(a: number | string, b: number | string): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : names.compare(String(a), String(b));
}

/**
 * The places of these nodes, filtered and in order. A total order: ties go by name, then by id, so that equal nodes never
 * trade places.
 */
export function arrange<P extends { readonly value: Node }>(
  places: readonly P[],
  filter: Filter,
  sort: Sort,
): P[] {
  const sign = sort.descending ? -1 : 1;
  // Each value is worked out once, not at every comparison.
  const keyed = places
    .filter((place) => matches(place.value, filter))
    .map((place) => ({ place, node: place.value, by: sortValue(place.value, sort.key) }));
  keyed.sort(
    (a, b) =>
      sign * compareValues(a.by, b.by) ||
      names.compare(a.node.name, b.node.name) ||
      (a.node.id < b.node.id ? -1 : 1),
  );
  return keyed.map(({ place }) => place);
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
