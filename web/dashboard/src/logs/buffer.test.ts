import { describe, expect, it } from 'vitest';

import { AnsiReader } from './ansi';
import { BLOCK_LINES, LINE_CHARS_MAX, LINES_MAX, LogBuffer } from './buffer';

const ESC = '\u001b';
const textOf = (buffer: LogBuffer) =>
  [...buffer.blocks.flatMap((block) => block.pieces), ...buffer.unfinished()]
    .map((piece) => piece.text)
    .join('');

describe('terminal sequences', () => {
  const read = (line: string) => new AnsiReader().read(line);

  it('become colours', () => {
    expect(read(`${ESC}[1;31mred${ESC}[0m plain ${ESC}[92mgreen${ESC}[39m.`)).toEqual([
      { text: 'red', look: 'red bold' },
      { text: ' plain ', look: '' },
      { text: 'green', look: 'green' },
      { text: '.', look: '' },
    ]);
    expect(
      read(`${ESC}[38;5;12mb${ESC}[38;2;1;2;3mx${ESC}[48;5;1mon${ESC}[m.`).map((piece) => piece.look),
    ).toEqual(['blue', '', '', '']);
  });

  it('that are not colours are taken out, with every other control character', () => {
    const line = `a${ESC}[2Kb${ESC}]0;title\u0007c${ESC}]8;;http://x${ESC}\\d${ESC}(Be\u0000\u0008\u009bf\tg${ESC}`;
    expect(
      read(line)
        .map((piece) => piece.text)
        .join(''),
    ).toBe('abcdef\tg');
  });

  it('are never markup', () => {
    expect(read('<img src=x onerror=alert(1)>')).toEqual([
      { text: '<img src=x onerror=alert(1)>', look: '' },
    ]);
  });

  it('last beyond the end of a line', () => {
    const reader = new AnsiReader();
    reader.read(`${ESC}[33mwarn`);
    expect(reader.read('still')).toEqual([{ text: 'still', look: 'yellow' }]);
  });
});

describe('the buffer', () => {
  it('puts together what came in pieces', () => {
    const buffer = new LogBuffer();
    for (const part of ['on', 'e\ntw', 'o\r\n', 'thr']) buffer.push(part);
    expect(textOf(buffer)).toBe('one\ntwo\nthr');
    expect(buffer.lines).toBe(2);
  });

  it('shows what a terminal would leave of a progress line', () => {
    const buffer = new LogBuffer();
    buffer.push('10 %\r50 %\r100 %\ndone\n');
    expect(textOf(buffer)).toBe('100 %\ndone\n');
  });

  it('keeps the last lines and lets old blocks go whole', () => {
    const buffer = new LogBuffer();
    for (let at = 0; at < 3 * LINES_MAX; at += 1) buffer.push(`line ${at}\n`);
    expect(buffer.lines).toBeGreaterThanOrEqual(LINES_MAX);
    expect(buffer.lines).toBeLessThan(LINES_MAX + BLOCK_LINES);
    expect(buffer.cut).toBe(true);
    const text = textOf(buffer);
    expect(text.endsWith(`line ${3 * LINES_MAX - 1}\n`)).toBe(true);
    expect(text.split('\n').length - 1).toBe(buffer.lines);
  });

  it('keeps the same even when all comes at once', () => {
    const buffer = new LogBuffer();
    buffer.push(Array.from({ length: 25_000 }, (_, at) => `line ${at}\n`).join(''));
    expect(buffer.lines).toBeGreaterThanOrEqual(LINES_MAX);
    expect(buffer.lines).toBeLessThan(LINES_MAX + BLOCK_LINES);
    expect(textOf(buffer).endsWith('line 24999\n')).toBe(true);
  });

  it('replaces only the block that grows', () => {
    const buffer = new LogBuffer();
    buffer.push('x\n'.repeat(BLOCK_LINES + 1));
    const [first, second] = buffer.blocks;
    buffer.push('y\n');
    expect(buffer.blocks[0]).toBe(first);
    expect(buffer.blocks[1]).not.toBe(second);
    expect(buffer.blocks[1]!.id).toBe(second!.id);
  });

  it('lets no single line fill the memory', () => {
    const buffer = new LogBuffer();
    for (let at = 0; at < 100; at += 1) buffer.push('x'.repeat(10_000));
    expect(textOf(buffer).length).toBeLessThanOrEqual(LINE_CHARS_MAX + 1);
    buffer.push('\n');
    expect(buffer.lines).toBe(1);
    expect(textOf(buffer).length).toBeLessThanOrEqual(LINE_CHARS_MAX + 2);
  });
});
