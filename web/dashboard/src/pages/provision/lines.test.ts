import { describe, expect, it } from 'vitest';

import { AT } from '../../test/nodes';
import { failed, lines, machine, provision } from '../../test/provisions';
import { announcement, consoleLines, vmWords } from './lines';

const NOW = Date.parse(AT) + 75_000;

describe('the lines of the console', () => {
  it('are the four of the product, with their marks', () => {
    const shown = consoleLines(provision({ lines: lines('✓✓▸·') }), NOW);
    expect(shown.map((line) => `${line.glyph} ${line.text}`)).toEqual([
      '✓ credential verified',
      '✓ VM created',
      '▸ waiting for agent handshake…',
      '· node online',
    ]);
    const broken = consoleLines(provision({ lines: lines('✓✗··') }), NOW);
    expect([broken[1]!.glyph, broken[1]!.tone]).toEqual(['✗', 'bad']);
  });

  it('say how long each took, takes, and may take', () => {
    const [done, current, pending] = consoleLines(provision({ lines: lines('✓▸··') }), NOW);
    expect([done!.took, done!.deadline]).toEqual(['took 1.5 s', '']);
    expect(current!.took).toBe('1 min 15 s');
    expect(current!.deadline).toMatch(/^gives up at \d\d:10:00$/);
    expect([pending!.took, pending!.at]).toEqual(['', null]);
    expect(consoleLines(provision({ lines: lines('✗···') }), NOW)[0]!.took).toBe('after 1.5 s');
  });

  it('say what is usual only as far as it is known', () => {
    const usual = (attempts: number) => {
      const all = lines('▸···');
      all[0] = { ...all[0]!, usual: { p50_ms: 2_000, p95_ms: 90_000, attempts } };
      return consoleLines(provision({ lines: all }), NOW)[0]!.usual;
    };
    expect(usual(20)).toBe('usually 2.0 s, 19 of 20 within 1 min 30 s');
    expect(usual(1)).toBe('took 2.0 s before');
    expect(consoleLines(provision(), NOW)[0]!.usual).toBe('');
  });

  it('hold the stages of the VM inside the handshake', () => {
    const stages = [
      { at: AT, stage: 'installing_docker', detail: '' },
      { at: AT, stage: 'starting_agent', detail: 'attempt 2' },
    ];
    const shown = (states: string, more = stages) =>
      consoleLines(provision({ lines: lines(states), stages: more }), NOW).map((line) =>
        line.stages.map((stage) => `${stage.glyph} ${stage.text}`),
      );
    expect(shown('✓✓▸·')).toEqual([[], [], ['✓ installing docker', '▸ starting agent: attempt 2'], []]);
    expect(shown('✓▸··')[2]).toEqual(['✓ installing docker', '▸ starting agent: attempt 2']);
    expect(shown('✓✓✓✓')[2]).toEqual(['✓ installing docker', '✓ starting agent: attempt 2']);
    const broken = [{ at: AT, stage: 'failed', detail: 'no room on the disk' }];
    expect(shown('✓✓✗·', broken)[2]).toEqual(['✗ failed: no room on the disk']);
  });

  it('are said aloud by the one that matters', () => {
    const said = (states: string) => announcement(consoleLines(provision({ lines: lines(states) }), NOW));
    expect(said('✓▸··')).toBe('VM created: under way');
    expect(said('✓✗··')).toBe('VM created: failed');
    expect(said('✓✓✓✓')).toBe('All four steps are done.');
  });
});

describe('what is said of the VM', () => {
  const words = (changes: Parameters<typeof provision>[0]) => vmWords(provision(changes), NOW);

  it('is nothing before there is one', () => {
    expect(words({})).toBeNull();
    expect(words({ failed: failed() })).toContain('No VM is held');
  });

  it('is its price while it is made', () => {
    expect(words({ machine: machine() })).toBe('VM spunto-a costs €0.0056 an hour, at most €3.56 a month.');
    expect(words({ machine: machine({ price: null }) })).toBeNull();
  });

  it('says that nothing was heard of it, until something is', () => {
    const waiting = { machine: machine({ price: null }), lines: lines('✓✓▸·') };
    expect(words(waiting)).toBe('It has not reported anything yet.');
    expect(words({ ...waiting, machine: machine() })).toMatch(
      /a month\. It has not reported anything yet\.$/,
    );
    expect(words({ ...waiting, stages: [{ at: AT, stage: 'installing_docker', detail: '' }] })).toBeNull();
    expect(words({ ...waiting, lines: lines('✓✓✓▸') })).toBeNull();
  });

  it('is honest about a handshake that may still come', () => {
    const kept = failed({ class: 'no_handshake', kept_until: '2026-11-25T10:30:00.000Z' });
    expect(words({ failed: kept, machine: machine() })).toMatch(
      /kept until \d\d:30:00: if its agent still calls, the node comes online after all.*€3\.56 a month/,
    );
    const late = failed({ class: 'no_handshake', kept_until: AT });
    expect(words({ failed: late, machine: machine() })).toContain('a moment longer');
  });

  it('is that it goes, and why', () => {
    const removal = { since: AT, reason: 'attempt_failed' as const };
    expect(words({ failed: failed(), machine: machine({ removal }) })).toContain(
      'is being removed, as its attempt failed',
    );
    expect(words({ failed: failed(), machine: machine() })).toContain('looked for and removed');
  });
});
