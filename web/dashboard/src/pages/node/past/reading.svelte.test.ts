import { describe, expect, it } from 'vitest';

import { node } from '../../../test/nodes';
import { KEPT_MAX, Reading, type Moment } from './reading.svelte';

const moment = (asOf: string): Moment => ({ node: node({ name: asOf }), workers: [], deployments: [] });
const position = (seq: number) => `9f2c.0.${seq}`;

/** A server that answers when the test says so. */
function server() {
  const asked: { asOf: string; signal: AbortSignal; answer: () => void; fail: () => void }[] = [];
  const read = (asOf: string, signal: AbortSignal) =>
    new Promise<Moment>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('given up', 'AbortError')));
      asked.push({
        asOf,
        signal,
        answer: () => resolve(moment(asOf)),
        fail: () => reject(new Error('no answer')),
      });
    });
  return { asked, read };
}

describe('reading the past', () => {
  it('gives up what is superseded, and shows the newest question alone', async () => {
    const { asked, read } = server();
    const reading = new Reading(read);
    const first = reading.show(position(3), null);
    const second = reading.show(position(7), null);
    expect(asked.map((one) => one.signal.aborted)).toEqual([true, false]);
    asked[1]!.answer();
    await Promise.all([first, second]);
    expect([reading.seen?.asOf, reading.busy, reading.failure]).toEqual([position(7), false, null]);
  });

  it('keeps what is shown while the next is on its way', async () => {
    const { asked, read } = server();
    const reading = new Reading(read);
    const first = reading.show(position(3), null);
    asked[0]!.answer();
    await first;
    void reading.show(position(7), position(3));
    expect([reading.seen?.asOf, reading.busy]).toEqual([position(3), true]);
    expect(asked.map((one) => one.asOf)).toEqual([position(3), position(7)]);
  });

  it('asks once for a position, and again for a time', async () => {
    const { asked, read } = server();
    const reading = new Reading(read);
    const look = async (asOf: string, answers: number) => {
      const shown = reading.show(asOf, null);
      if (answers > 0) asked.at(-1)!.answer();
      await shown;
    };
    await look(position(3), 1);
    await look(position(3), 0);
    expect([asked.length, reading.seen?.now.node?.name]).toEqual([1, position(3)]);
    await look('2026-11-25T03:00:00Z', 1);
    await look('2026-11-25T03:00:00Z', 1);
    expect(asked.length).toBe(3);
  });

  it('lets the oldest moments go', async () => {
    const { asked, read } = server();
    const reading = new Reading(read);
    for (let seq = 0; seq <= KEPT_MAX; seq += 1) {
      const shown = reading.show(position(seq), null);
      asked.at(-1)!.answer();
      await shown;
    }
    void reading.show(position(0), null);
    expect(asked.at(-1)!.asOf).toBe(position(0));
    expect(asked.length).toBe(KEPT_MAX + 2);
  });

  it('says why it could not be read, and reads again', async () => {
    const { asked, read } = server();
    const reading = new Reading(read);
    const failed = reading.show(position(3), null);
    asked[0]!.fail();
    await failed;
    expect([reading.failure instanceof Error, reading.busy]).toEqual([true, false]);
    const again = reading.show(position(3), null);
    asked[1]!.answer();
    await again;
    expect([reading.failure, reading.seen?.asOf]).toEqual([null, position(3)]);
  });
});
