// What ran on a node at a point of its history, why it was placed there, and what came, changed and went since the event before. Pure.
import type { Deployment, Receipt, Worker } from '../../../api/types';
import { unitStatus } from '../../../words/status';
import { unitsOn, type UnitOnNode } from '../units';

export interface Units {
  workers: readonly Worker[];
  deployments: readonly Deployment[];
}

export interface PastUnit extends UnitOnNode {
  receipt: Receipt | null;
  change: 'new' | 'changed' | 'gone' | null;
  /** The state's word at the event before, where it was another. */
  before: string | null;
}

function receipts({ workers, deployments }: Units): Map<string, Receipt> {
  const own = workers.map(({ id, placement }) => [id, placement] as const);
  return new Map([...own, ...deployments.map(({ id, placement }) => [id, placement] as const)]);
}

const word = (unit: UnitOnNode) => unitStatus(unit.status).word;

/** Without what was before, nothing counts as changed. */
export function pastUnits(node: string, now: Units, before: Units | null): PastUnit[] {
  const why = receipts(now);
  const old = new Map(
    (before ? unitsOn(node, before.workers, before.deployments) : []).map((one) => [one.id, one]),
  );
  const there = unitsOn(node, now.workers, now.deployments).map((unit): PastUnit => {
    const was = old.get(unit.id);
    old.delete(unit.id);
    const receipt = why.get(unit.deployment ?? unit.id) ?? null;
    if (before === null) return { ...unit, receipt, change: null, before: null };
    if (!was) return { ...unit, receipt, change: 'new', before: null };
    const differs = word(was) !== word(unit);
    return { ...unit, receipt, change: differs ? 'changed' : null, before: differs ? word(was) : null };
  });
  const gone = [...old.values()].map((unit): PastUnit => ({
    ...unit,
    receipt: null,
    change: 'gone',
    before: null,
  }));
  return [...there, ...gone];
}
