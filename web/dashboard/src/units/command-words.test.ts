import { describe, expect, it } from 'vitest';

import { readCommand, writeCommand } from './command-words';

describe('a command', () => {
  it.each<[string, string[]]>([
    ['', []],
    ['  sleep   100 ', ['sleep', '100']],
    ["sh -c 'echo $HOME | wc -l'", ['sh', '-c', 'echo $HOME | wc -l']],
    ['echo "a \\"b\\" \\n"', ['echo', 'a "b" \\n']],
    ['a\'b\'"c"d', ['abcd']],
    ["''", ['']],
    ['""', ['']],
    ['one\\ word', ['one word']],
    ['two \\\n  lines', ['two', 'lines']],
    ['line\nbreak', ['line', 'break']],
    ["'it'\\''s'", ["it's"]],
  ])('%j has its words', (text, words) => {
    expect(readCommand(text)).toMatchObject({ words, error: null });
  });

  it.each(['echo "open', "echo 'open", 'echo \\'])('%j is not whole', (text) => {
    const read = readCommand(text);
    expect(read.error).not.toBeNull();
    expect(read.words).toEqual([]);
  });

  it('says when a shell was meant', () => {
    expect(readCommand('cat a | wc').wantsShell).toBe(true);
    expect(readCommand('echo $HOME').wantsShell).toBe(true);
    expect(readCommand('echo "$HOME"').wantsShell).toBe(true);
    expect(readCommand("sh -c 'cat a | wc $HOME'").wantsShell).toBe(false);
  });

  it('is written as it is read', () => {
    const words = ['sh', '-c', "it's; $x", '', 'a b', '--flag=1', 'ä\n"'];
    expect(readCommand(writeCommand(words)).words).toEqual(words);
  });
});
