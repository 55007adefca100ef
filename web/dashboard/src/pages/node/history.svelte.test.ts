// @vitest-environment jsdom
import { flushSync } from 'svelte';
import { describe, expect, it } from 'vitest';

import { gauges } from '../../test/nodes';
import { columns, GaugesHistory, join, lasting, summary } from './history.svelte';

const at = (second: number, cpu = 10) =>
  gauges({ at: new Date(Date.UTC(2026, 10, 25, 10, 0, second)).toISOString(), cpu_percent: cpu });

describe('the history of gauges', () => {
  it('has each once, in order, and no more than ten minutes', () => {
    const joined = join([at(0), at(5)], [at(5), at(10)]);
    expect(joined.map((one) => one.at)).toEqual([at(0), at(5), at(10)].map((one) => one.at));
    expect(join([at(0)], [at(601)])).toHaveLength(1);
  });

  it('takes gauges that are older than what the server answered, once', () => {
    const history = new GaugesHistory('org', 'node');
    history.add(at(10));
    let runs = 0;
    const end = $effect.root(() => {
      $effect(() => {
        runs += 1;
        history.add(at(5));
      });
    });
    flushSync();
    expect(runs).toBe(1);
    expect(history.items).toEqual([at(5), at(10)]);
    end();
  });

  it('breaks its lines where nothing came', () => {
    expect(columns([at(0), at(5)])[1]).toEqual([10, 10]);
    expect(columns([at(0), at(60)])[1]).toEqual([10, null, 10]);
  });

  it('is summed up in numbers', () => {
    expect(summary([at(0, 0), at(5, 30), at(10, 60)], 'cpu')).toEqual({ least: 0, mean: 30, most: 60 });
    expect(summary([], 'cpu')).toBeNull();
    expect([lasting([at(0, 0), at(5, 30), at(15, 60)]), lasting([])]).toEqual(['15 s', '']);
  });
});
