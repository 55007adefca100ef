import { describe, expect, it } from 'vitest';

import { Problem } from '../api/problem';
import type { Receipt } from '../api/types';
import { because, receiptLines } from './receipt';
import { readNoNode } from './refusal';

const base: Receipt = {
  policy: 'least_loaded',
  policy_version: 1,
  decided_at: 7,
  cpu_millis: 0,
  memory_bytes: 0,
  labels: 0,
  node_requested: false,
  chosen: { node: 'nod_a', load: 1 },
  runners_up: [{ node: 'nod_b', load: 3 }],
  decided_by: 'load',
  ineligible: [],
};
const nameOf = (id: string) => id.slice(4).toUpperCase();

describe('a receipt', () => {
  it('says what decided', () => {
    expect(because(base, nameOf)).toBe('it ran the least: 1 worker or service; next was B with 3');
    expect(because({ ...base, decided_by: 'placed_longest_ago' }, nameOf)).toContain(
      'its last placement was longest ago',
    );
    expect(because({ ...base, decided_by: 'id' }, nameOf)).toContain('the smaller id decided');
    const alone: Receipt = { ...base, decided_by: 'only_candidate', runners_up: [] };
    expect(because(alone, nameOf)).toBe('it was the only node that could take it');
    expect(because({ ...alone, node_requested: true }, nameOf)).toBe('you asked for this node');
  });

  it('tells every term', () => {
    const receipt: Receipt = {
      ...base,
      cpu_millis: 250,
      memory_bytes: 64 * 1024 * 1024,
      labels: 1,
      ineligible: [
        ['offline', 2],
        ['cpu_short', 1],
      ],
    };
    const lines = Object.fromEntries(receiptLines(receipt, nameOf).map((line) => [line.term, line.text]));
    expect(lines).toEqual({
      Rule: 'least-loaded, version 1',
      'Asked for': '0.25 CPU, 64 MiB, 1 label',
      'Load before': '1 worker or service',
      'Runners-up': 'B (3)',
      'Not considered': '3 nodes: 2 offline, 1 short of CPU',
    });
  });
});

describe('"no node can take it"', () => {
  const problem = (nodes: unknown) => new Problem(409, 'no_node_available', 'Conflict', 'no node', { nodes });

  it('is told node by node, in the words of the server where it has some', () => {
    const nodes = [
      { node: 'nod_a', name: 'alpha', reason: 'draining', detail: 'it is draining' },
      { node: 'nod_b', name: null, reason: 'cpu_short' },
      { node: 'nod_c', name: 'c', reason: 'asleep', detail: 'it sleeps' },
    ];
    expect(readNoNode(problem(nodes))).toEqual([
      { node: 'nod_a', name: 'alpha', words: 'it is draining' },
      { node: 'nod_b', name: 'nod_b', words: 'it has less free CPU than is asked for' },
      { node: 'nod_c', name: 'c', words: 'it sleeps' },
    ]);
  });

  it('survives a body of another shape', () => {
    expect(readNoNode(problem(undefined))).toEqual([]);
    expect(readNoNode(problem([null, 7, {}]))).toEqual([]);
    expect(readNoNode(new Problem(409, 'name_taken', '', 'taken'))).toBeNull();
    expect(readNoNode(null)).toBeNull();
  });
});
