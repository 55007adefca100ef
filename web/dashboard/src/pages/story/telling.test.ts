import { describe, expect, it } from 'vitest';

import type { StoryLine } from '../../api/types';
import { by, days, gap, isSlow, sliceCommand, title, took } from './telling';

const line = (changes: Partial<StoryLine> = {}) =>
  ({
    position: '9f2c.0.3',
    at: '2026-11-25T12:00:09.000Z',
    gap_ms: null,
    took: null,
    usual: null,
    tone: 'plain',
    text: 'created',
    ...changes,
  }) as StoryLine;
const step = (ms: number) =>
  ({ step: 'create_machine', place: 'hetzner fsn1', ms }) as unknown as StoryLine['took'];
const usual = { p50_ms: 12_000, p95_ms: 20_000 };

describe('the lines of a story', () => {
  it('say how long it was since the line before', () => {
    expect([gap(line()), gap(line({ gap_ms: 0 })), gap(line({ gap_ms: 41_000 }))]).toEqual(['', '', '+41 s']);
  });

  it('say how long a step took beside what is usual, and mark what took too long', () => {
    expect(took(line())).toBe('');
    expect(took(line({ took: step(41_000) }))).toBe('took 41 s');
    expect(took(line({ took: step(41_000), usual }))).toBe('took 41 s, usually 12 s');
    expect([15_000, 20_001].map((ms) => isSlow(line({ took: step(ms), usual })))).toEqual([false, true]);
  });

  it('name who caused them, as far as that is known here', () => {
    const nameOf = (id: string) => (id === 'usr_a' ? 'Ada' : id);
    expect(by({ actor: 'usr_a', who: 'usr_a' }, nameOf)).toBe('Ada');
    expect(by({ actor: 'key_gone', who: 'API key ci' }, nameOf)).toBe('API key ci');
  });

  it('stand under the day on which they happened', () => {
    const lines = [
      line(),
      line({ at: '2026-11-25T12:00:10.000Z' }),
      line({ at: '2026-11-27T12:00:00.000Z' }),
    ];
    expect(days(lines).map((day) => day.lines.length)).toEqual([2, 1]);
  });
});

describe('a story', () => {
  it('is a question while something failed, and a story once it was made good', () => {
    expect(title({ failed: 3, failure: null }, 'web-1')).toBe('Why did web-1 fail?');
    expect(title({ failed: null, failure: null }, 'web-1')).toBe('The story of web-1');
  });

  it('comes with the command that reads its slice, with no name in it that a shell could take amiss', () => {
    expect(sliceCommand('nod_a')).toBe('spunto-replay story nod_a --file nod_a.slice');
  });
});
