import { describe, expect, it } from 'vitest';

import type { Node } from '../../api/types';
import { AT, gauges, node, online } from '../../test/nodes';
import { arrange, matches, pressed, readSort, totals, writeSort } from './list';

const all = { text: '', state: '' };
const places = (nodes: Node[]) => nodes.map((value) => ({ value }));
const order = (nodes: Node[], sort: string) =>
  arrange(places(nodes), all, readSort(sort)).map((place) => place.value.name);

describe('the list of nodes', () => {
  it('sorts names as people count, and ties always alike', () => {
    const nodes = ['n10', 'n2', 'n1'].map((name) => node({ name, id: `nod_${name}` }));
    expect(order(nodes, 'name')).toEqual(['n1', 'n2', 'n10']);
    expect(order(nodes, '-name')).toEqual(['n10', 'n2', 'n1']);
    expect(order([...nodes].reverse(), 'load')).toEqual(['n1', 'n2', 'n10']);
    expect(order(nodes, '-load')).toEqual(['n1', 'n2', 'n10']);
  });

  it('sorts by gauges with silent nodes last when the busiest come first', () => {
    const busy = online({ name: 'busy', live: { ...online().live, gauges: gauges({ cpu_percent: 90 }) } });
    const calm = online({ name: 'calm', live: { ...online().live, gauges: gauges({ cpu_percent: 5 }) } });
    expect(order([node({ name: 'silent' }), calm, busy], '-cpu')).toEqual(['busy', 'calm', 'silent']);
  });

  it('finds by name, label, address and version, all words together', () => {
    const one = online({ name: 'prod-1', labels: { zone: 'eu' } });
    for (const text of ['prod', 'ZONE=EU', '203.0.113', '0.1.0', 'prod zone=eu'])
      expect(matches(one, { text, state: '' }), text).toBe(true);
    expect(matches(one, { text: 'prod us', state: '' })).toBe(false);
    expect(matches(one, { text: '', state: 'offline' })).toBe(false);
  });

  it('keeps its order in the address', () => {
    expect(readSort('-cpu')).toEqual({ key: 'cpu', descending: true });
    expect(readSort('nonsense')).toEqual({ key: 'name', descending: false });
    for (const text of ['-name', 'load', '-seen']) expect(writeSort(readSort(text))).toBe(text);
    expect(writeSort(readSort('name'))).toBeNull();
    expect(pressed(readSort('name'), 'cpu')).toEqual({ key: 'cpu', descending: true });
    expect(pressed(readSort('-cpu'), 'cpu')).toEqual({ key: 'cpu', descending: false });
  });

  it('adds up only what is connected, weighted by size', () => {
    const small = online({ load: 2, live: { ...online().live, gauges: gauges({ cpu_percent: 100 }) } });
    const large = online({ live: { ...online().live, gauges: gauges({ cpu_percent: 0 }) } });
    if (large.agent) large.agent.machine.cpus = 12;
    const gone = online({ load: 1, status: { state: 'offline', since: AT, reason: 'no_answer' } });
    expect(totals([small, large, gone])).toMatchObject({
      nodes: 3,
      online: 2,
      load: 3,
      cpu: 25,
      cpus: 16,
      memoryTotal: 8 * 2 ** 30,
    });
    expect(totals([node()]).cpu).toBeNull();
  });
});
