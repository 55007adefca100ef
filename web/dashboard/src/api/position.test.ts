import { expect, it } from 'vitest';

import { mergeEvents } from './events';
import { newerFirst } from './position';
import type { Event } from './types';

it('positions of one log are ordered by number, not by letter', () => {
  const positions = ['fefaf01a.0.9', 'fefaf01a.0.100', 'fefaf01a.0.10'];
  expect(positions.sort(newerFirst)).toEqual(['fefaf01a.0.100', 'fefaf01a.0.10', 'fefaf01a.0.9']);
});

it('events are put together newest first, each once', () => {
  const event = (seq: number) => ({ position: `a.0.${seq}` }) as Event;
  const merged = mergeEvents([event(2), event(1)], [event(2), event(10)]);
  expect(merged.map((one) => one.position)).toEqual(['a.0.10', 'a.0.2', 'a.0.1']);
});
