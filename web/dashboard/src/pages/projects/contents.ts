// What is in each project, counted. Pure.
import type { Deployment, Worker } from '../../api/types';

export interface Contents {
  workers: number;
  running: number;
  deployments: number;
}

export const NOTHING: Contents = { workers: 0, running: 0, deployments: 0 };

/** Counts by project. Of a worker whose node is away nobody knows whether it runs: it is not counted as running. */
export function contents(
  workers: readonly Worker[],
  deployments: readonly Deployment[],
): Map<string, Contents> {
  const all = new Map<string, Contents>();
  const of = (project: string) => {
    const known = all.get(project) ?? { ...NOTHING };
    all.set(project, known);
    return known;
  };
  for (const worker of workers) {
    const one = of(worker.project);
    one.workers += 1;
    if (worker.reachable && worker.status.state === 'running') one.running += 1;
  }
  for (const deployment of deployments) of(deployment.project).deployments += 1;
  return all;
}
