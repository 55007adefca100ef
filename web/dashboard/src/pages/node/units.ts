// What runs on a node: its workers, and the services of deployments. Pure.
import type { Deployment, UnitState, Worker } from '../../api/types';

export interface UnitOnNode {
  id: string;
  name: string;
  kind: 'worker' | 'service';
  project: string;
  /** The deployment of a service. */
  deployment: string | null;
  image: string;
  status: UnitState;
  reachable: boolean;
  since: string;
}

/** Everything on this node, workers first, each by name. */
export function unitsOn(
  node: string,
  workers: readonly Worker[],
  deployments: readonly Deployment[],
): UnitOnNode[] {
  const byName = (a: UnitOnNode, b: UnitOnNode) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1);
  const own = workers.filter((worker) => worker.node === node).map(ofWorker);
  const services = deployments.filter((deployment) => deployment.node === node).flatMap(ofDeployment);
  return [...own.sort(byName), ...services.sort(byName)];
}

function ofWorker(worker: Worker): UnitOnNode {
  const { id, name, project, image, status, reachable, since } = worker;
  return { id, name, kind: 'worker', project, deployment: null, image, status, reachable, since };
}

function ofDeployment(deployment: Deployment): UnitOnNode[] {
  return deployment.services.map(({ id, name, image, status, reachable, since }) => ({
    id,
    name: `${deployment.name}/${name}`,
    kind: 'service',
    project: deployment.project,
    deployment: deployment.id,
    image,
    status,
    reachable,
    since,
  }));
}
