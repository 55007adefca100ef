import { describe, expect, it } from 'vitest';

import { AT, node, online } from '../../test/nodes';
import { lines, silentFor, stage } from './progress';

const texts = (shown: ReturnType<typeof lines>) => shown.map((line) => `${line.glyph} ${line.text}`);

describe('a node on its way', () => {
  it('waits, is connected, is online', () => {
    expect(texts(lines(node()))).toEqual([
      '✓ node prod-eu-1 created',
      '▸ waiting for agent…',
      '· node online',
    ]);
    expect(texts(lines(online()))).toEqual([
      '✓ node prod-eu-1 created',
      '✓ agent connected from 203.0.113.9, version 0.1.0',
      '● node online',
    ]);
    expect([stage(node()), stage(online()), stage(undefined)]).toEqual(['waiting', 'online', 'gone']);
  });

  it('shows refused attempts of this token in their order', () => {
    const refused = (at: string, count: number) => ({
      reason: 'wrong_token' as const,
      address: `203.0.113.${count}`,
      at,
      count,
    });
    const token = { version: 2, issued_at: '2026-11-25T10:05:00.000Z', fingerprint: '' };
    const refusals = [
      refused('2026-11-25T10:07:00.000Z', 2),
      refused('2026-11-25T10:06:00.000Z', 1),
      refused(AT, 9),
    ];
    expect(texts(lines(node({ token, connection_refusals: refusals })))).toEqual([
      '✓ token rotated, now version 2',
      '✗ refused: token is not this node’s, from 203.0.113.1',
      '✗ refused: token is not this node’s, from 203.0.113.2 (2 attempts)',
      '▸ waiting for agent…',
      '· node online',
    ]);
  });

  it('counts silence from the last sign of life', () => {
    const start = Date.parse(AT);
    expect(silentFor(node(), start + 31_000)).toBe(31_000);
    const refusal = {
      reason: 'wrong_token' as const,
      address: 'a',
      at: '2026-11-25T10:00:20.000Z',
      count: 1,
    };
    expect(silentFor(node({ connection_refusals: [refusal] }), start + 31_000)).toBe(11_000);
  });
});
