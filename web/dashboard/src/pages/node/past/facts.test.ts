import { describe, expect, it } from 'vitest';

import { node, online } from '../../../test/nodes';
import { provision } from '../../../test/provisions';
import { compared, facts } from './facts';

const nameOf = (id: string) => (id === 'usr_a' ? 'Ada' : id);
const lit = (now: Parameters<typeof facts>[0], before: Parameters<typeof facts>[0]) =>
  compared(facts(now, nameOf), facts(before, nameOf))
    .filter((fact) => fact.before !== undefined)
    .map((fact) => `${fact.term}: ${fact.before} → ${fact.text}`);

describe('a node as it was', () => {
  it('lights what an event changed, and nothing else', () => {
    const before = online({ labels: { zone: 'eu' } });
    expect(lit(online({ labels: { zone: 'us' } }), before)).toEqual(['Labels: zone=eu → zone=us']);
    expect(lit(before, before)).toEqual([]);
  });

  it('tells of a drain, of maintenance and of what was placed', () => {
    const at = '2026-11-25T10:00:00.000Z';
    const drained = online({ status: { state: 'draining', since: at, reason: 'new kernel' }, load: 1 });
    expect(lit(drained, online({ load: 2 }))).toEqual([
      'Status: online → draining: new kernel',
      'Active: 2 workers and services → 1 worker or service',
    ]);
    const kept = online({ maintenance: { since: at, by: 'usr_a', reason: 'disk' } });
    expect(lit(kept, online())).toEqual(['Maintenance: no → “disk”, by Ada']);
  });

  it('lights rows that were not there before', () => {
    const now = node({ provider: 'hetzner', provision: provision() });
    const before = node({ provider: 'hetzner' });
    expect(lit(now, before)).toContain('Attempt: – → 1');
  });

  it('lights nothing of the first event: all of it is new', () => {
    expect(compared(facts(node(), nameOf), null).every((fact) => fact.before === undefined)).toBe(true);
  });
});
