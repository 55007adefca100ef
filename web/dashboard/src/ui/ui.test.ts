import { describe, expect, it } from 'vitest';

import css from './tokens.css?raw';
import { DRAWN_WHOLE_MAX, OVERSCAN, visible } from './window';

describe('a long list', () => {
  it('is drawn whole while it is short', () => {
    expect(visible(DRAWN_WHOLE_MAX, 50, -2000, 800)).toEqual({ start: 0, end: DRAWN_WHOLE_MAX });
  });

  it('is drawn where it is seen, with something beyond either edge', () => {
    expect(visible(1000, 50, 300, 800)).toEqual({ start: 0, end: 16 + 2 * OVERSCAN });
    expect(visible(1000, 50, -5000, 800)).toEqual({ start: 100 - OVERSCAN, end: 100 + 16 + OVERSCAN });
  });

  it('ends with its last row, however far one scrolls', () => {
    const { start, end } = visible(1000, 50, -1_000_000, 800);
    expect(end).toBe(1000);
    expect(start).toBe(1000 - 16 - 2 * OVERSCAN);
  });
});

describe('colours', () => {
  const tokens = new Map<string, [string, string]>();
  for (const [, name, light, dark] of css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)) {
    tokens.set(name ?? '', [light ?? '', dark ?? '']);
  }

  function luminance(hex: string): number {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
      const part = parseInt(hex.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }

  function contrast(a: string, b: string, scheme: 0 | 1): number {
    const [first = 0, second = 0] = [a, b]
      .map((name) => luminance(tokens.get(name)?.[scheme] ?? ''))
      .sort((x, y) => y - x);
    return (first + 0.05) / (second + 0.05);
  }

  const TEXT = ['ink', 'ink-2', 'ink-3', 'accent', 'ok', 'warn', 'bad', 'info'].flatMap((ink) =>
    ['bg', 'surface', 'sunken', 'hover'].map((ground) => [ink, ground] as const),
  );
  const SOFT = ['ok', 'warn', 'bad', 'info'].flatMap((tone) => [
    [tone, `${tone}-soft`] as const,
    ['ink', `${tone}-soft`] as const,
    ['ink-2', `${tone}-soft`] as const,
  ]);
  const BUTTONS = [
    ['on-accent', 'accent'],
    ['on-bad', 'bad'],
    ['bg', 'ink'],
  ] as const;

  it.each([...TEXT, ...SOFT, ...BUTTONS])('%s on %s can be read, light and dark (WCAG AA)', (ink, ground) => {
    expect(contrast(ink, ground, 0)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(ink, ground, 1)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['bg', 'surface'])('borders of what can be used are seen on %s', (ground) => {
    expect(contrast('line-strong', ground, 0)).toBeGreaterThanOrEqual(3);
    expect(contrast('line-strong', ground, 1)).toBeGreaterThanOrEqual(3);
  });
});
