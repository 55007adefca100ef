// Where the page of what an event speaks of is.
import { live } from '../../live/store.svelte';
import { paths } from '../../paths';

/** The page of a thing that is there; none for what is gone, or has no page. */
export function pageOf(org: string, id: string): string | null {
  const worker = live.workers.get(id);
  if (worker) return paths.worker(org, worker.project, id);
  const deployment = live.deployments.get(id);
  if (deployment) return paths.deployment(org, deployment.project, id);
  if (live.nodes.get(id)) return paths.node(org, id);
  if (live.projects.get(id)) return paths.project(org, id);
  return id === org ? paths.settings(org) : null;
}
