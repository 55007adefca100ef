import { describe, expect, it } from 'vitest';

import { ago, amount, duration, longDuration } from './time';
import { bytes, count, cpus, share } from './units';

describe('amounts', () => {
  it('are short and exact enough', () => {
    expect([0, 1023, 1024, 1536, 8 * 2 ** 30, 23.47 * 2 ** 30].map(bytes)).toEqual([
      '0 B',
      '1023 B',
      '1 KiB',
      '1.5 KiB',
      '8 GiB',
      '23.5 GiB',
    ]);
    expect(bytes(1024 * 1024 - 1)).toBe('1 MiB');
    expect([0, 0.2, 0.5, 12.4, 99.6].map(share)).toEqual(['0 %', '<1 %', '1 %', '12 %', '100 %']);
    expect([count(1, 'node'), count(2, 'node'), count(1200, 'node')]).toEqual([
      '1 node',
      '2 nodes',
      '1,200 nodes',
    ]);
    expect(cpus(1500)).toBe('1.5 CPU');
  });
});

describe('times', () => {
  it('are told by their largest unit', () => {
    expect([0.4, 59, 60, 3599, 3600, 90_000, 86_400 * 400].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '59 min',
      '1 h',
      '1 d',
      '1 y',
    ]);
    expect([59, 60, 90, 3_660, 90_000].map(longDuration)).toEqual([
      '59 s',
      '1 min',
      '1 min 30 s',
      '1 h 1 min',
      '1 d 1 h',
    ]);
  });

  it('are told with their parts where they are short', () => {
    expect([-3, 0, 700, 1_740, 10_000, 185_000, 11_100_000].map(amount)).toEqual([
      '0 ms',
      '0 ms',
      '700 ms',
      '1.7 s',
      '10 s',
      '3 min 5 s',
      '3 h 5 min',
    ]);
  });

  it('are ago, now, or to come', () => {
    expect(ago(0, 90_000)).toBe('1 min ago');
    expect(ago(0, 1_000)).toBe('just now');
    expect(ago(1_000, 0)).toBe('just now');
    expect(ago(7 * 86_400_000, 0)).toBe('in 7 d');
  });
});
