import { beforeEach, describe, expect, it, vi } from 'vitest';

import { seqOf } from '../../api/position';
import type { Event } from '../../api/types';
import { live } from '../../live/store.svelte';
import { Feed, merge } from './feed.svelte';
import { fits, isAbout, namesIn, streamOf, type Filter } from './filter';

const LOG = '00000000000000aa.0.';
const all: Filter = { text: '', kind: '', who: '', subject: '' };
const nameOf = (id: string) => ({ usr_a: 'Ada', nod_a: 'prod-eu-1' })[id] ?? id;

function event(seq: number, over: Partial<Event> = {}): Event {
  return {
    position: `${LOG}${seq}`,
    kind: 'node.undrained',
    at: '2026-01-01T00:00:00Z',
    actor: 'usr_a',
    org: 'org_a',
    stream: 'nod_a',
    stream_version: seq,
    correlation: '',
    causation: null,
    payload: { node: 'nod_a' },
    ...over,
  } as Event;
}

describe('the filter', () => {
  it('takes kinds, people, subjects and words', () => {
    const one = event(1);
    expect(fits(one, all, nameOf)).toBe(true);
    expect(fits(one, { ...all, kind: 'nodes' }, nameOf)).toBe(true);
    expect(fits(one, { ...all, kind: 'work' }, nameOf)).toBe(false);
    expect(fits(one, { ...all, who: 'usr_a' }, nameOf)).toBe(true);
    expect(fits(one, { ...all, who: 'usr_b' }, nameOf)).toBe(false);
    expect(fits(one, { ...all, subject: 'nod_b' }, nameOf)).toBe(false);
    expect(fits(one, { ...all, text: 'ADA drain prod-eu-1' }, nameOf)).toBe(true);
    expect(fits(one, { ...all, text: 'ada grace' }, nameOf)).toBe(false);
  });

  it('leaves out book-keeping unless it is asked for', () => {
    const kept = event(1, { kind: 'request.recorded', payload: {} } as Partial<Event>);
    expect(fits(kept, all, nameOf)).toBe(false);
    expect(fits(kept, { ...all, text: 'request' }, nameOf)).toBe(true);
  });

  it('finds what an event is about in its payload too', () => {
    const made = event(1, {
      kind: 'worker.created',
      stream: 'wkr_a',
      payload: { worker: 'wkr_a', name: 'api', node: 'nod_b', project: 'prj_a' },
    } as unknown as Partial<Event>);
    expect(['wkr_a', 'nod_b', 'prj_a', 'nod_c'].map((id) => isAbout(made, id))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(namesIn([made]).get('wkr_a')).toBe('api');
    expect([streamOf('wkr_a'), streamOf('prj_a'), streamOf('')]).toEqual(['wkr_a', undefined, undefined]);
  });
});

describe('the feed', () => {
  // A log of another organisation's events with few of one's own between: 1, 1000, 2000, … 5000.
  const mine = [1, 1000, 2000, 3000, 4000, 5000].map((seq) => event(seq));
  let asked: number[] = [];
  const read = (cursor: string | undefined) => {
    const after = seqOf(cursor ?? `${LOG}0`);
    asked.push(after);
    return Promise.resolve({ items: mine.filter((one) => seqOf(one.position) > after), next: null });
  };

  beforeEach(() => {
    asked = [];
    live.position = `${LOG}5000`;
  });

  it('reads backwards until it has what it wants or the log begins, each event once', async () => {
    const feed = new Feed(
      read,
      undefined,
      () => true,
      () => true,
    );
    const stop = feed.follow(`${LOG}5000`);
    await vi.waitFor(() => expect(feed.state).toBe('ready'));
    expect(feed.events.map((one) => seqOf(one.position))).toEqual([5000, 4000, 3000, 2000, 1000, 1]);
    expect(feed.from).toBe(0);
    expect(asked).toEqual([4750, 4250, 3250, 1250, 0]);
    stop();
  });

  it('shows what comes at once at the top, and lets it wait where one reads', async () => {
    let top = false;
    const feed = new Feed(
      read,
      undefined,
      () => true,
      () => top,
    );
    const stop = feed.follow(`${LOG}5000`);
    await vi.waitFor(() => expect(feed.state).toBe('ready'));
    const comes = (one: Event) =>
      live.apply({
        reset: false,
        complete: true,
        position: one.position,
        events: [one],
        nodes: [],
        workers: [],
        deployments: [],
        projects: [],
        gone: [],
      });
    comes(event(5001));
    expect([feed.events.length, feed.waiting.length]).toEqual([6, 1]);
    top = true;
    comes(event(5002));
    expect(feed.waiting).toEqual([]);
    expect(feed.events.slice(0, 2).map((one) => seqOf(one.position))).toEqual([5002, 5001]);
    stop();
    comes(event(5003));
    expect(feed.events.length).toBe(8);
  });

  it('merges without doubles', () => {
    expect(merge([event(2), event(1)], [event(2), event(3)]).map((one) => seqOf(one.position))).toEqual([
      3, 2, 1,
    ]);
  });
});
