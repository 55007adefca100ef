import { describe, expect, it } from 'vitest';

import type { Deployment, Event, Service, UnitState, Worker } from '../api/types';
import { anyStarts, anyStops, deploymentStatus } from './deployment';
import { restartsIn } from './told';
import { canStart, canStop, endOf, outputBlocked, restartWords, runOf } from './run';

const running: UnitState = {
  state: 'running',
  container: 'c',
  image_digest: 'd',
  started_at: '2026-01-01T00:00:00Z',
};
const exited = (code: number, oom = false): UnitState => ({
  state: 'exited',
  code,
  oom_killed: oom,
  message: '',
  finished_at: '2026-01-01T00:00:00Z',
});
const unit = (status: UnitState, reachable = true) => ({ status, reachable }) as Worker;

describe('a container', () => {
  it('can be stopped while it runs and started when it does not', () => {
    const states: UnitState[] = [
      running,
      { state: 'placed' },
      exited(0),
      { state: 'stopping' },
      { state: 'deleting' },
    ];
    expect(states.map(canStop)).toEqual([true, true, false, false, false]);
    expect(states.map(canStart)).toEqual([false, false, true, false, false]);
  });

  it('says how it ended', () => {
    expect(endOf(exited(0))?.tone).toBe('info');
    expect(endOf(exited(3))).toEqual({ tone: 'bad', text: 'It ended with exit code 3.' });
    expect(endOf(exited(137, true))?.text).toContain('want of memory');
    expect(endOf({ state: 'restarting', code: 1, restarts: 1 })?.text).toContain('restarted once');
    expect(endOf(running)).toBeNull();
  });

  it('has no output before it ran, nor while its node or the server is away', () => {
    expect(outputBlocked(unit(running), false)?.words).toContain('by itself');
    expect(outputBlocked(unit(running), true)).toBeNull();
    expect(outputBlocked(unit(running, false), true)?.soon).toBe(false);
    expect(outputBlocked(unit({ state: 'starting' }), true)?.soon).toBe(true);
    expect(outputBlocked(unit({ state: 'failed', step: 'pull_image', message: '' }), true)?.soon).toBe(false);
    expect(outputBlocked(unit({ state: 'failed', step: 'start_container', message: '' }), true)).toBeNull();
  });

  it('is another run after each start', () => {
    expect(runOf(running)).not.toBe(runOf({ ...running, started_at: '2026-01-02T00:00:00Z' }));
    expect(runOf(exited(0))).toBe(runOf({ state: 'stopped' }));
  });

  it('starts again as its policy says', () => {
    expect(restartWords('no')).toBe('never');
    expect(restartWords({ on_failure: { max_retries: 3 } })).toContain('3 times');
  });
});

describe('a deployment', () => {
  const of = (...states: UnitState[]) =>
    ({
      deleting: false,
      services: states.map((status, index) => ({ name: `s${index}`, status, reachable: true }) as Service),
    }) as Deployment;

  it('stands as its services stand', () => {
    expect(deploymentStatus(of(running, running)).word).toBe('running');
    expect(deploymentStatus(of(running, exited(1)))).toMatchObject({ word: '1 of 2 run', tone: 'bad' });
    expect(deploymentStatus(of(running, { state: 'starting' }))).toMatchObject({
      word: '1 of 2 run',
      tone: 'busy',
    });
    expect(deploymentStatus({ ...of(running), deleting: true }).word).toBe('being deleted');
  });

  it('can be stopped and started where any service can', () => {
    expect([anyStops(of(running, exited(1))), anyStarts(of(running, exited(1)))]).toEqual([true, true]);
    expect([anyStops(of(running)), anyStarts(of(running))]).toEqual([true, false]);
  });
});

describe('a timeline', () => {
  const told = (kind: string, payload: unknown) => ({ kind, payload }) as Event;

  it('tells the restarts since the last start by order, as far as it was read', () => {
    const flaps = (restarts: number) => told('worker.restarting', { run: { code: 1, restarts } });
    const started = told('worker.start_requested', {});
    expect(restartsIn([flaps(2), flaps(1), started, flaps(9)])).toBe(2);
    expect(restartsIn([started, flaps(9)])).toBe(0);
    expect(restartsIn([told('worker.created', {})])).toBe(0);
    expect(restartsIn([told('worker.stopped', {})])).toBeNull();
  });

  it('tells each service of a deployment apart', () => {
    const flaps = (service: string, restarts: number) =>
      told('service.restarting', { service, run: { code: 1, restarts } });
    const started = told('deployment.start_requested', { orders: [{ service: 'svc_c', operation: 'op' }] });
    const events = [flaps('svc_a', 4), flaps('svc_b', 9), flaps('svc_a', 3), started, flaps('svc_c', 7)];
    expect(['svc_a', 'svc_b', 'svc_c', 'svc_d'].map((service) => restartsIn(events, service))).toEqual([
      4,
      9,
      0,
      null,
    ]);
  });
});
