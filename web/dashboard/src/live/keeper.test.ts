import { describe, expect, it } from 'vitest';

import { node } from '../test/nodes';
import { GONE_AFTER_MS, type LiveChanges, type ToTab } from './contract';
import { Keeper, type Tab } from './keeper';
import type { OrgStream, StreamEvents } from './stream';

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

function setUp() {
  const streams: { org: string; tell: StreamEvents; closed: boolean }[] = [];
  const keeper = new Keeper((org, tell) => {
    const stream = { org, tell, closed: false };
    streams.push(stream);
    return { close: () => (stream.closed = true), retry: () => undefined } as unknown as OrgStream;
  });
  const tab = () => {
    const got: ToTab[] = [];
    return { got, post: (message: ToTab) => void got.push(message) } satisfies Tab & { got: ToTab[] };
  };
  return { streams, keeper, tab };
}

describe('the keeper', () => {
  it('opens one stream an organisation, and tells a later tab what the first one knows', () => {
    const { streams, keeper, tab } = setUp();
    const [first, second] = [tab(), tab()];
    keeper.receive(first, { type: 'watch', org: 'a' });
    streams[0]!.tell.changes(changes({ reset: true, nodes: [node({ id: 'n1' }), node({ id: 'n2' })] }));
    streams[0]!.tell.changes(changes({ gone: ['n2'] }));
    streams[0]!.tell.connection({ state: 'live' });
    keeper.receive(second, { type: 'watch', org: 'a' });
    expect(streams).toHaveLength(1);
    expect(second.got[0]).toMatchObject({
      type: 'changes',
      changes: { reset: true, complete: true, nodes: [{ id: 'n1' }] },
    });
    expect(second.got[1]).toMatchObject({ type: 'connection', connection: { state: 'live' } });
  });

  it('takes a repeated watch for a sign of life, not for a new tab', () => {
    const { streams, keeper, tab } = setUp();
    const first = tab();
    keeper.receive(first, { type: 'watch', org: 'a' });
    streams[0]!.tell.changes(changes({ reset: true }));
    const before = first.got.length;
    keeper.receive(first, { type: 'watch', org: 'a' });
    expect(first.got).toHaveLength(before);
  });

  it('closes a stream that nobody watches, also when a tab went without a word', () => {
    const { streams, keeper, tab } = setUp();
    const [first, second] = [tab(), tab()];
    keeper.receive(first, { type: 'watch', org: 'a' }, 0);
    keeper.receive(first, { type: 'watch', org: 'b' }, 0);
    expect(streams[0]!.closed).toBe(true);
    keeper.receive(second, { type: 'watch', org: 'c' }, GONE_AFTER_MS + 1);
    expect(streams.map((stream) => stream.closed)).toEqual([true, true, false]);
  });

  it('starts anew after a stream has ended', () => {
    const { streams, keeper, tab } = setUp();
    const first = tab();
    keeper.receive(first, { type: 'watch', org: 'a' });
    streams[0]!.tell.connection({ state: 'ended', reason: 'signed_out' });
    keeper.receive(first, { type: 'watch', org: 'a' });
    expect(streams).toHaveLength(2);
  });
});
