import { describe, expect, it, vi } from 'vitest';

import type { Event } from '../../api/types';
import { live } from '../../live/store.svelte';
import { Feed } from './feed.svelte';
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
  const everything = () => true;
  const seqs = (events: readonly Event[]) => events.map((one) => Number(one.position.slice(LOG.length)));
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

  /** Pages of two, of which the server found as many as stand there. */
  function pages(...sizes: number[]) {
    let asked = 0;
    let seq = 100;
    const read = () => {
      const items = Array.from({ length: sizes[asked] ?? 0 }, () => event(seq--));
      asked += 1;
      return Promise.resolve({ items, next: asked < sizes.length ? `${LOG}${seq}` : null });
    };
    return { read, asked: () => asked };
  }

  it('reads back until enough fits, also through pages with nothing', async () => {
    const log = pages(2, 0, 0, 40, 40, 40);
    const feed = new Feed(log.read, undefined, everything, everything);
    const stop = feed.follow();
    await vi.waitFor(() => expect(feed.busy).toBe(false));
    expect([log.asked(), feed.shown.events.length, feed.shown.whole]).toEqual([5, 82, false]);
    await feed.older();
    expect([feed.shown.events.length, feed.shown.whole]).toEqual([122, true]);
    stop();
  });

  it('gives a rare filter up after a while, and goes on from there', async () => {
    const log = pages(...Array.from({ length: 20 }, () => 2));
    const feed = new Feed(log.read, undefined, () => false, everything);
    const stop = feed.follow();
    await vi.waitFor(() => expect(feed.busy).toBe(false));
    expect([log.asked(), feed.shown.whole]).toEqual([12, false]);
    await feed.older();
    expect([log.asked(), feed.shown.whole]).toEqual([20, true]);
    stop();
  });

  it('shows what comes at once at the top, and lets it wait where one reads', async () => {
    let top = false;
    const feed = new Feed(pages(2).read, undefined, everything, () => top);
    const stop = feed.follow();
    await vi.waitFor(() => expect(feed.busy).toBe(false));
    comes(event(5001));
    expect([seqs(feed.shown.events), seqs(feed.waiting)]).toEqual([[100, 99], [5001]]);
    top = true;
    comes(event(5002));
    expect(seqs(feed.shown.events)).toEqual([5002, 5001, 100, 99]);
    expect(feed.waiting).toEqual([]);
    stop();
    comes(event(5003));
    expect(feed.shown.events.length).toBe(4);
  });
});
