// Which workers and deployments are shown, and in which order. Pure.
import type { Deployment, UnitState, Worker } from '../../api/types';
import type { NameOf } from '../../words/events';

export interface Filter {
  text: string;
  /** One of {@link GROUPS}; empty for all. */
  state: string;
}

/** States that mean the same to somebody who looks for something. */
export const GROUPS = [
  { value: '', text: 'All states' },
  { value: 'running', text: 'Running' },
  { value: 'busy', text: 'On their way' },
  { value: 'still', text: 'Stopped or ended' },
  { value: 'wrong', text: 'Failed or lost' },
  { value: 'unreachable', text: 'Unreachable' },
] as const;

type Group = (typeof GROUPS)[number]['value'];

/** The group of a state. */
export function groupOf(state: UnitState, reachable: boolean): Group {
  if (state.state === 'failed' || state.state === 'lost') return 'wrong';
  if (!reachable && state.state !== 'removed') return 'unreachable';
  switch (state.state) {
    case 'running':
      return 'running';
    case 'exited':
      return state.code === 0 && !state.oom_killed ? 'still' : 'wrong';
    case 'stopped':
    case 'removed':
      return 'still';
    case 'restarting':
      return 'wrong';
    default:
      return 'busy';
  }
}

/** Whether all words of the text are in a worker's name, image, id or node. */
export function matches(worker: Worker, filter: Filter, nameOf: NameOf): boolean {
  if (filter.state !== '' && groupOf(worker.status, worker.reachable) !== filter.state) return false;
  return holds([worker.name, worker.image, worker.id, nameOf(worker.node)], filter.text);
}

/** The same of a deployment; any of its services may be in the state. */
export function matchesDeployment(deployment: Deployment, filter: Filter, nameOf: NameOf): boolean {
  const { services } = deployment;
  if (filter.state !== '' && !services.some((one) => groupOf(one.status, one.reachable) === filter.state))
    return false;
  const texts = services.flatMap((one) => [one.name, one.image]);
  return holds([deployment.name, deployment.id, nameOf(deployment.node), ...texts], filter.text);
}

function holds(texts: readonly string[], wanted: string): boolean {
  const all = texts.join(' ').toLowerCase();
  return wanted
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

const names = new Intl.Collator('en', { numeric: true });

interface Named {
  id: string;
  value: { name: string };
}

/** By name, then by id: what is live never changes places. */
export function byName(a: Named, b: Named): number {
  return names.compare(a.value.name, b.value.name) || (a.id < b.id ? -1 : 1);
}
