import { describe, expect, it } from 'vitest';

import { isPosition } from '../../../api/position';
import type { Event } from '../../../api/types';
import { beforeOf, indexAt, marks, stopsOf, valueText } from './stops';

const at = (seq: number) => new Date(Date.UTC(2026, 10, 25, 3, 0, seq)).toISOString();
const event = (seq: number, kind: string, payload: object = {}) =>
  ({
    position: `9f2c.0.${seq}`,
    at: at(seq),
    kind,
    payload,
    stream: 'nod_a',
    actor: 'system',
  }) as unknown as Event;

/** Newest first, as they are read. The node's own are 3, 7, 12: others' lie between. */
const EVENTS = [
  event(12, 'node.offline', { reason: 'no_answer' }),
  event(7, 'node.online', { address: '203.0.113.9', agent_version: '0.1.0', epoch: 1 }),
  event(3, 'node.created', { name: 'web-1' }),
];
const stops = stopsOf(EVENTS, (id) => id);

describe('the stops of the slider', () => {
  it('go from the oldest to the present', () => {
    expect(stops.map((stop) => stop.position)).toEqual(['9f2c.0.3', '9f2c.0.7', '9f2c.0.12']);
    expect(indexAt(stops, null)).toBe(3);
    expect(indexAt(stops, '9f2c.0.12')).toBe(2);
  });

  it('are found by any position: the last one that had happened by then', () => {
    expect(indexAt(stops, '9f2c.0.11')).toBe(1);
    expect(indexAt(stops, '9f2c.0.100')).toBe(2);
    expect(indexAt(stops, '9f2c.0.2')).toBe(-1);
    expect(indexAt([], '9f2c.0.2')).toBe(-1);
  });

  it('are found by a time', () => {
    expect(isPosition('9f2c.0.11')).toBe(true);
    expect(isPosition(at(7))).toBe(false);
    expect(indexAt(stops, at(7))).toBe(1);
    expect(indexAt(stops, at(6))).toBe(0);
    expect(indexAt(stops, at(1))).toBe(-1);
  });

  it('are compared with the event before, and with the nearest where they lie between two', () => {
    expect(beforeOf(stops, '9f2c.0.7')).toBe('9f2c.0.3');
    expect(beforeOf(stops, '9f2c.0.8')).toBe('9f2c.0.7');
    expect(beforeOf(stops, '9f2c.0.3')).toBeNull();
  });

  it('say their sentence, time and place', () => {
    expect(valueText(stops, 1)).toMatch(/^Online: agent 0\.1\.0 connected from .*2026.*, event 2 of 3$/);
    expect(valueText(stops, 3)).toBe('Now');
    expect(valueText(stops, -1)).toBe('Before the events that are loaded');
  });

  it('are marked on the track, all while they are few, failures always', () => {
    expect(marks(stops)).toEqual([
      { part: 0, tone: 'idle' },
      { part: 1 / 3, tone: 'idle' },
      { part: 2 / 3, tone: 'bad' },
    ]);
    const many = Array.from({ length: 99 }, () => stops[0]!);
    expect(marks([...many, stops[2]!])).toEqual([{ part: 0.99, tone: 'bad' }]);
  });
});
