import { describe, expect, it } from 'vitest';

import document from '../../../openapi.json';
import type { Event } from '../api/types';
import { AT, node, online } from '../test/nodes';
import { subjectOf, tell } from './events';
import { isolationStatus, nodeState, nodeStatus, unitStatus } from './status';

interface Schema {
  properties?: { kind?: { const: string } };
}

const KINDS = (document.components.schemas.Event as { oneOf: Schema[] }).oneOf.map(
  (schema) => schema.properties?.kind?.const ?? '',
);

const event = (kind: string, payload: object): Event =>
  ({
    kind,
    payload,
    position: 'x.0.1',
    at: AT,
    actor: 'system',
    org: 'org_a',
    stream: 'nod_a',
    stream_version: 1,
    correlation: '',
    causation: null,
  }) as unknown as Event;

/** Has every member that any payload has, so that every kind can be told. */
const ANYTHING = new Proxy<Record<string, unknown>>(
  {
    isolation: 'isolated',
    spec: { image: 'img' },
    services: [],
    scopes: [],
    labels: {},
    run: { reason: 'r' },
    container: 'c',
    reason: 'no_answer',
    cause: 'setup',
    stage: 'installing_docker',
    wish: { provider: 'hetzner', machine_type: 'cx23', location: 'fsn1', image: 'debian-12' },
    failure: { class: 'quota', message: 'm' },
    price: { currency: 'EUR', hourly: '0.01', monthly: '5' },
    kept_until: AT,
    name: 'n',
  },
  { get: (target, key) => target[String(key)] ?? 'x' },
);

describe('words of events', () => {
  it('tell every kind that the API has', () => {
    expect(KINDS.length).toBeGreaterThan(40);
    for (const kind of KINDS) {
      const told = tell(event(kind, ANYTHING), (id) => id);
      expect(told.text, kind).not.toBe(kind);
      expect(told.text.length, kind).toBeGreaterThan(5);
    }
  });

  it('name a kind that is new to this version', () => {
    expect(tell(event('node.teleported', {}), (id) => id).text).toBe('node.teleported');
  });

  it('say who was refused, why and how often', () => {
    const refused = event('node.connection_refused', {
      reason: 'token_rotated',
      address: '203.0.113.9',
      count: 3,
    });
    expect(tell(refused, (id) => id).text).toBe(
      'Connection refused: token was rotated, from 203.0.113.9, 3 attempts',
    );
  });

  it('name things by their names', () => {
    const created = event('worker.created', { name: 'web', node: 'nod_a', spec: { image: 'debian:12' } });
    expect(tell(created, (id) => (id === 'nod_a' ? 'prod-1' : id)).text).toBe(
      'Created as web from debian:12, placed on prod-1',
    );
    expect(subjectOf(event('project.renamed', { project: 'prj_a', name: 'n' }))).toBe('prj_a');
    expect(subjectOf(created)).toBe('nod_a');
  });
});

describe('words of states', () => {
  it('say the most telling one of a node', () => {
    expect(nodeState(online())).toBe('online');
    expect(nodeState(online({ live: { ...online().live, suspect: true } }))).toBe('suspect');
    const maintenance = { since: AT, reason: 'kernel', by: 'usr_a' };
    expect(nodeState(online({ maintenance }))).toBe('maintenance');
    expect(
      nodeState(node({ maintenance, status: { state: 'offline', since: AT, reason: 'no_answer' } })),
    ).toBe('offline');
    expect(
      nodeStatus(node({ status: { state: 'offline', since: AT, reason: 'no_answer' } })).detail,
    ).toContain('8 s');
  });

  it('never claim that what can’t be reached runs', () => {
    const running = { state: 'running', container: 'c', image_digest: 'd', started_at: AT } as const;
    expect(unitStatus(running).word).toBe('running');
    expect(unitStatus(running, false).word).toBe('unreachable');
    expect(
      unitStatus({ state: 'exited', code: 0, oom_killed: true, message: '', finished_at: AT }).tone,
    ).toBe('bad');
  });

  it('say what an isolation probe found', () => {
    expect(isolationStatus('isolated').tone).toBe('ok');
    expect(isolationStatus({ reachable: { destinations: ['metadata service'] } }).detail).toContain(
      'metadata service',
    );
    expect(isolationStatus({ not_probed: { reason: 'no image' } }).detail).toBe('no image');
  });
});
