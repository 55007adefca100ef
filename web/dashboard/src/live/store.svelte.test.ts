// @vitest-environment jsdom
import { flushSync } from 'svelte';
import { describe, expect, it } from 'vitest';

import type { Event } from '../api/types';
import { node } from '../test/nodes';
import { merge } from './batch';
import type { LiveChanges } from './contract';
import { LiveStore } from './store.svelte';

const changes = (parts: Partial<LiveChanges>): LiveChanges => ({
  reset: false,
  complete: true,
  position: 'a.0.1',
  events: [],
  nodes: [],
  workers: [],
  deployments: [],
  projects: [],
  gone: [],
  ...parts,
});

const event = (seq: number) =>
  ({ position: `a.0.${seq}`, kind: 'node.undrained', stream: 'n1' }) as unknown as Event;

/** Counts how often a reader is woken. */
function woken(read: () => unknown): { times: () => number; stop: () => void } {
  let times = -1;
  const stop = $effect.root(() => {
    $effect(() => {
      read();
      times += 1;
    });
  });
  flushSync();
  return { times: () => (flushSync(), times), stop };
}

describe('the store', () => {
  it('wakes only the reader of the node that changed', () => {
    const store = new LiveStore();
    store.apply(changes({ reset: true, nodes: [node({ id: 'n1' }), node({ id: 'n2' })] }));
    const [one, two, list] = [
      woken(() => store.nodes.get('n1')?.load),
      woken(() => store.nodes.get('n2')?.load),
      woken(() => store.nodes.entries().length),
    ];
    store.apply(changes({ nodes: [node({ id: 'n1', load: 5 })] }));
    expect([one.times(), two.times(), list.times()]).toEqual([1, 0, 0]);
    store.apply(changes({ gone: ['n2'] }));
    expect([one.times(), two.times(), list.times()]).toEqual([1, 1, 1]);
    expect(store.nodes.get('n1')?.load).toBe(5);
    [one, two, list].forEach((reader) => reader.stop());
  });

  it('is ready with a whole snapshot, and a later one leaves only what it names', () => {
    const store = new LiveStore();
    store.apply(changes({ reset: true, complete: false, nodes: [node({ id: 'n1' }), node({ id: 'n2' })] }));
    expect(store.ready).toBe(false);
    store.apply(changes({ nodes: [node({ id: 'n3' })] }));
    expect([store.ready, store.nodes.size, store.generation]).toEqual([true, 3, 0]);
    const kept = store.nodes.entries().find((entry) => entry.id === 'n3');
    store.apply(changes({ reset: true, nodes: [node({ id: 'n3', load: 1 })] }));
    expect([store.nodes.size, store.generation]).toEqual([1, 1]);
    // The same place, so that its row is not made anew.
    expect(store.nodes.entries()[0]).toBe(kept);
  });

  it('tells events to who asked, until they stop', () => {
    const store = new LiveStore();
    const got: string[] = [];
    const stop = store.onEvents((events) => got.push(...events.map((one) => one.position)));
    store.apply(changes({ events: [event(1), event(2)] }));
    stop();
    store.apply(changes({ events: [event(3)] }));
    expect(got).toEqual(['a.0.1', 'a.0.2']);
  });

  it('takes only what is of the organisation it watches', () => {
    const store = new LiveStore();
    store.org = 'a';
    store.receive({ type: 'connection', org: 'b', connection: { state: 'live' } });
    expect(store.connection.state).toBe('connecting');
    store.receive({ type: 'connection', org: 'a', connection: { state: 'live' } });
    expect(store.connection.state).toBe('live');
  });
});

describe('changes of one frame', () => {
  it('lie over each other: newest wins, what is gone is gone, all events stay', () => {
    const first = changes({
      reset: true,
      complete: false,
      nodes: [node({ id: 'n1' }), node({ id: 'n2' })],
      events: [event(1)],
    });
    const merged = merge(
      first,
      changes({ position: 'a.0.2', nodes: [node({ id: 'n1', load: 7 })], gone: ['n2'], events: [event(2)] }),
    );
    expect(merged).toMatchObject({ reset: true, complete: true, position: 'a.0.2', gone: ['n2'] });
    expect(merged.nodes.map((one) => [one.id, one.load])).toEqual([['n1', 7]]);
    expect(merged.events).toHaveLength(2);
  });

  it('forget what a reset makes void, but for nothing else', () => {
    const merged = merge(
      changes({ nodes: [node({ id: 'n1' })] }),
      changes({ reset: true, nodes: [node({ id: 'n2' })] }),
    );
    expect(merged.nodes.map((one) => one.id)).toEqual(['n2']);
  });
});
