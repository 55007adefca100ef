import { describe, expect, it } from 'vitest';

import type { Deployment, UnitState, Worker } from '../../api/types';
import { contents } from '../projects/contents';
import { chosenScopes, ownerBusiness } from '../settings/scopes';
import { byName, groupOf, matches } from './list';

const running: UnitState = { state: 'running', container: '', image_digest: '', started_at: '' };
const worker = (over: Partial<Worker>): Worker =>
  ({
    id: 'wkr_a',
    project: 'prj_a',
    name: 'api',
    image: 'debian:12',
    node: 'nod_a',
    reachable: true,
    status: running,
    ...over,
  }) as Worker;

describe('a project’s list', () => {
  it('groups states as people look for them', () => {
    expect(groupOf(running, true)).toBe('running');
    expect(groupOf(running, false)).toBe('unreachable');
    expect(groupOf({ state: 'failed', step: 'pull_image', message: '' }, false)).toBe('wrong');
    expect(groupOf({ state: 'exited', code: 0, oom_killed: false, message: '', finished_at: '' }, true)).toBe(
      'still',
    );
    expect(groupOf({ state: 'exited', code: 1, oom_killed: false, message: '', finished_at: '' }, true)).toBe(
      'wrong',
    );
    expect(groupOf({ state: 'placed' }, true)).toBe('busy');
  });

  it('filters by words and state', () => {
    const nameOf = () => 'prod-eu-1';
    expect(matches(worker({}), { text: 'API prod', state: 'running' }, nameOf)).toBe(true);
    expect(matches(worker({}), { text: 'api nope', state: '' }, nameOf)).toBe(false);
    expect(matches(worker({}), { text: '', state: 'wrong' }, nameOf)).toBe(false);
  });

  it('is in an order that does not dance', () => {
    const items = ['w10', 'w2', 'w1'].map((name) => ({ id: name, value: { name } }));
    expect(items.sort(byName).map((item) => item.id)).toEqual(['w1', 'w2', 'w10']);
  });

  it('counts what is in each project', () => {
    const all = contents([worker({}), worker({ reachable: false })], [{ project: 'prj_b' } as Deployment]);
    expect(all.get('prj_a')).toEqual({ workers: 2, running: 1, deployments: 0 });
    expect(all.get('prj_b')).toEqual({ workers: 0, running: 0, deployments: 1 });
  });
});

describe('scopes and roles', () => {
  it('everything includes the rest', () => {
    expect(chosenScopes(new Set(['workers:read', '*']))).toEqual(['*']);
    expect(chosenScopes(new Set(['workers:read', 'nodes:read']))).toEqual(['nodes:read', 'workers:read']);
    expect(chosenScopes(new Set())).toEqual([]);
  });

  it('owners are owners’ business', () => {
    expect(ownerBusiness('admin', 'owner')).not.toBeNull();
    expect(ownerBusiness('owner', 'owner')).toBeNull();
    expect(ownerBusiness('admin', 'member')).toBeNull();
  });
});
