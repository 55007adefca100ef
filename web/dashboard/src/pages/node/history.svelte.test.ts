// @vitest-environment jsdom
import { flushSync } from 'svelte';
import { expect, it } from 'vitest';

import type { Gauges } from '../../api/types';
import { GaugesHistory } from './history.svelte';

const at = (seconds: number) => ({ at: new Date(seconds * 1_000).toISOString() }) as Gauges;

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
