// Ten minutes of a node's gauges: read once, then continued by what the live stream brings.
import { untrack } from 'svelte';

import { api, take } from '../../api/client';
import type { Gauges } from '../../api/types';
import { duration } from '../../format/time';
import { shares } from '../../live/gauges';

/** How far back the history goes, in milliseconds: as far as the server keeps it. */
export const KEPT_MS = 10 * 60_000;
/** Gauges come every 5 s; a longer silence is shown as a gap, in milliseconds. */
const GAP_MS = 15_000;

export const SERIES = ['cpu', 'memory', 'disk'] as const;
export type SeriesName = (typeof SERIES)[number];

/** Columns as the chart takes them: seconds since 1970, then shares in percent; a gap is a null. */
export type Columns = [number[], ...(number | null)[][]];

export interface Summary {
  least: number;
  mean: number;
  most: number;
}

export class GaugesHistory {
  items = $state.raw<Gauges[]>([]);

  constructor(
    readonly org: string,
    readonly node: string,
  ) {}

  /** Reads what the server has. Without it the history starts now. */
  async load(): Promise<void> {
    const path = { org: this.org, node: this.node };
    try {
      const { items } = await take(api.GET('/api/orgs/{org}/nodes/{node}/gauges', { params: { path } }));
      this.items = join(items, this.items);
    } catch {
      // The page says itself when the node can't be seen.
    }
  }

  /** Takes what the stream brought. May be called by an effect, which what it changes does not wake again. */
  add(gauges: Gauges): void {
    const items = untrack(() => this.items);
    // The server's answer may be further than the stream.
    if (!items.some((known) => known.at === gauges.at)) this.items = join(items, [gauges]);
  }
}

/** Puts later gauges behind earlier ones, each once, and drops what is too old. */
export function join(earlier: readonly Gauges[], later: readonly Gauges[]): Gauges[] {
  const all = new Map([...earlier, ...later].map((gauges) => [gauges.at, gauges]));
  const sorted = [...all.values()].sort((a, b) => (a.at < b.at ? -1 : 1));
  const newest = sorted.at(-1);
  if (!newest) return [];
  const oldest = Date.parse(newest.at) - KEPT_MS;
  return sorted.filter((gauges) => Date.parse(gauges.at) >= oldest);
}

/** How long these go on, in words. */
export function lasting(items: readonly Gauges[]): string {
  const [first, last] = [items[0], items.at(-1)];
  return first && last ? duration((Date.parse(last.at) - Date.parse(first.at)) / 1000) : '';
}

export function columns(items: readonly Gauges[]): Columns {
  const all: Columns = [[], [], [], []];
  let before: number | null = null;
  for (const gauges of items) {
    const at = Date.parse(gauges.at);
    if (before !== null && at - before > GAP_MS) push(all, before / 1000 + 1, [null, null, null]);
    const { cpu, memory, disk } = shares(gauges);
    push(all, at / 1000, [cpu, memory, disk]);
    before = at;
  }
  return all;
}

function push(all: Columns, at: number, values: readonly (number | null)[]): void {
  all[0].push(at);
  const [, ...series] = all;
  values.forEach((value, index) => series[index]?.push(value));
}

/** Least, mean and most of one gauge; none without gauges. */
export function summary(items: readonly Gauges[], series: SeriesName): Summary | null {
  if (items.length === 0) return null;
  const values = items.map((gauges) => shares(gauges)[series]);
  const sum = values.reduce((all, value) => all + value, 0);
  return { least: Math.min(...values), mean: sum / values.length, most: Math.max(...values) };
}
