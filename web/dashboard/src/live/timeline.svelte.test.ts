import { describe, expect, it } from 'vitest';

import type { Event } from '../api/types';
import { live } from './store.svelte';
import { Timeline, type ReadNewest } from './timeline.svelte';

const event = (seq: number, stream = 'nod_a') => ({ position: `a.0.${seq}`, stream }) as Event;
const seqs = (timeline: Timeline) => timeline.events.map((one) => Number(one.position.slice(4)));

/** A log that answers as the API does: newest first, a cursor goes on below it. */
function log(length: number, page: number) {
  const it = { length, asked: 0, broken: false };
  const read: ReadNewest = (cursor) => {
    it.asked += 1;
    if (it.broken) return Promise.reject(new Error('no answer'));
    const from = cursor === undefined ? it.length : Number(cursor.slice(4)) - 1;
    const items = Array.from({ length: Math.min(page, from) }, (_, at) => event(from - at));
    const last = from - items.length;
    return Promise.resolve({ items, next: last > 0 ? `a.0.${last + 1}` : null });
  };
  return Object.assign(it, { read });
}

function happens(...events: Event[]) {
  const none = { nodes: [], workers: [], deployments: [], projects: [], gone: [] };
  live.apply({ reset: false, complete: true, position: events.at(-1)!.position, events, ...none });
}

describe('a timeline', () => {
  it('reads the newest page, and older ones when they are wanted', async () => {
    const timeline = new Timeline(log(5, 2).read);
    await timeline.restart();
    expect([seqs(timeline), timeline.whole]).toEqual([[5, 4], false]);
    await timeline.older();
    await timeline.older();
    expect([seqs(timeline), timeline.whole]).toEqual([[5, 4, 3, 2, 1], true]);
  });

  it('grows from the stream by what is its own, without doubles', async () => {
    const source = log(3, 10);
    const timeline = new Timeline(source.read);
    const stop = timeline.follow('nod_a');
    happens(event(3), event(4, 'nod_b'), event(5));
    await expect.poll(() => timeline.state).toBe('ready');
    expect(seqs(timeline)).toEqual([5, 3, 2, 1]);
    stop();
    happens(event(6));
    expect(seqs(timeline)).toEqual([5, 3, 2, 1]);
  });

  it('keeps what was read where the newest join on to it, and goes on where it was', async () => {
    const source = log(6, 2);
    const timeline = new Timeline(source.read);
    await timeline.restart();
    await timeline.older();
    source.length = 7;
    await timeline.restart();
    expect(seqs(timeline)).toEqual([7, 6, 5, 4, 3]);
    await timeline.older();
    expect(seqs(timeline)).toEqual([7, 6, 5, 4, 3, 2, 1]);
  });

  it('lets go of what was read where events between were missed', async () => {
    const source = log(3, 2);
    const timeline = new Timeline(source.read);
    await timeline.restart();
    source.length = 9;
    const again = timeline.restart();
    // One that comes while the newest are read proves nothing about those before it.
    timeline.add([event(9)]);
    await again;
    expect([seqs(timeline), timeline.whole]).toEqual([[9, 8], false]);
    await timeline.older();
    expect(seqs(timeline)).toEqual([9, 8, 7, 6]);
  });

  it('says that reading failed, keeps what it has, and does again what failed', async () => {
    const source = log(4, 2);
    const timeline = new Timeline(source.read);
    source.broken = true;
    await timeline.restart();
    expect([timeline.state, timeline.events.length]).toEqual(['failed', 0]);
    source.broken = false;
    await timeline.retry();
    source.broken = true;
    await timeline.older();
    expect([timeline.state, seqs(timeline)]).toEqual(['failed', [4, 3]]);
    source.broken = false;
    await timeline.retry();
    expect([timeline.state, seqs(timeline), timeline.whole]).toEqual(['ready', [4, 3, 2, 1], true]);
  });

  it('takes only the answer to the last question', async () => {
    const answers: ((seq: number) => void)[] = [];
    const timeline = new Timeline(
      () => new Promise((resolve) => answers.push((seq) => resolve({ items: [event(seq)], next: null }))),
    );
    const [first, second] = [timeline.restart(), timeline.restart()];
    answers[1]!(2);
    await second;
    answers[0]!(1);
    await first;
    expect(seqs(timeline)).toEqual([2]);
  });
});
