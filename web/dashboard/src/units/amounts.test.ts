import { describe, expect, it } from 'vitest';

import { readCores, readMemory } from './amounts';

const MIB = 1024 * 1024;

describe('cores', () => {
  it.each<[string, number | null]>([
    ['', null],
    ['0.5', 500],
    ['.25', 250],
    ['2', 2000],
    ['1,5', 1500],
    ['250m', 250],
    ['0.01', 10],
  ])('%j is read', (text, value) => expect(readCores(text)).toEqual({ value, error: null }));

  it.each(['0', '0.009', '-1', 'two', '1 core', '9999999999', '1.2.3'])('%j is refused', (text) => {
    expect(readCores(text).error).not.toBeNull();
    expect(readCores(text).value).toBeNull();
  });
});

describe('memory', () => {
  it.each<[string, number | null]>([
    ['', null],
    ['512 MiB', 512 * MIB],
    ['512m', 512 * MIB],
    ['512MB', 512 * MIB],
    ['2g', 2048 * MIB],
    ['1.5 GiB', 1536 * MIB],
    ['6MiB', 6 * MIB],
    ['6291456b', 6 * MIB],
  ])('%j is read', (text, value) => expect(readMemory(text)).toEqual({ value, error: null }));

  it.each(['512', '5 MiB', '0', 'lots', '1 PiB', '-1g', '99999999999 TiB'])('%j is refused', (text) => {
    expect(readMemory(text).error).not.toBeNull();
  });
});
