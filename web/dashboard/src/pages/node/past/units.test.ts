import { describe, expect, it } from 'vitest';

import type { Deployment, Receipt, Service, UnitState, Worker } from '../../../api/types';
import { pastUnits } from './units';

const NODE = 'nod_a';
const receipt = { policy: 'least_loaded', chosen: { node: NODE, load: 0 } } as unknown as Receipt;
const worker = (id: string, state: UnitState['state'], node = NODE) =>
  ({
    id,
    name: id,
    node,
    project: 'prj_a',
    image: 'app:1',
    status: { state },
    reachable: true,
    since: '',
    placement: receipt,
  }) as unknown as Worker;
const at = (...workers: Worker[]) => ({ workers, deployments: [] });
const told = (now: ReturnType<typeof at>, before: ReturnType<typeof at> | null) =>
  pastUnits(NODE, now, before).map(({ name, change, before: was }) => [name, change, was]);

describe('what ran on a node then', () => {
  it('says what came, changed and went since the event before', () => {
    const before = at(worker('api', 'starting'), worker('old', 'running'), worker('same', 'running'));
    const now = at(worker('api', 'running'), worker('new', 'placed'), worker('same', 'running'));
    expect(told(now, before)).toEqual([
      ['api', 'changed', 'starting'],
      ['new', 'new', null],
      ['same', null, null],
      ['old', 'gone', null],
    ]);
  });

  it('counts what moved to another node as gone, and shows no other node’s', () => {
    expect(told(at(worker('api', 'running', 'nod_b')), at(worker('api', 'running')))).toEqual([
      ['api', 'gone', null],
    ]);
  });

  it('lights nothing without an event before', () => {
    expect(told(at(worker('api', 'running')), null)).toEqual([['api', null, null]]);
  });

  it('has the receipt of its placement, a service that of its deployment', () => {
    const service = {
      id: 'svc_a',
      name: 'web',
      image: 'web:1',
      status: { state: 'running' },
      reachable: true,
      since: '',
    } as Service;
    const deployment = {
      id: 'dep_a',
      name: 'shop',
      node: NODE,
      project: 'prj_a',
      services: [service],
      placement: receipt,
    } as unknown as Deployment;
    const units = pastUnits(NODE, { workers: [worker('api', 'running')], deployments: [deployment] }, null);
    expect(units.map(({ name, receipt: why }) => [name, why === receipt])).toEqual([
      ['api', true],
      ['shop/web', true],
    ]);
  });
});
