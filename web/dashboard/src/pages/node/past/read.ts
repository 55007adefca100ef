// Asks the server how a node stood at a point of its history, and what there was on it.
import { api, take } from '../../../api/client';
import { readAll } from '../../../api/pages';
import { Problem } from '../../../api/problem';
import type { ReadMoment } from './reading.svelte';

/** Reads moments of one node. */
export function momentsOf(org: string, node: string): ReadMoment {
  return async (asOf, signal) => {
    const query = { as_of: asOf };
    const read = async () => {
      try {
        return await take(
          api.GET('/api/orgs/{org}/nodes/{node}', { params: { path: { org, node }, query }, signal }),
        );
      } catch (failure) {
        if (failure instanceof Problem && failure.status === 404) return null;
        throw failure;
      }
    };
    const path = { org };
    const [then, workers, deployments] = await Promise.all([
      read(),
      readAll((cursor) =>
        take(api.GET('/api/orgs/{org}/workers', { params: { path, query: { ...query, cursor } }, signal })),
      ),
      readAll((cursor) =>
        take(
          api.GET('/api/orgs/{org}/deployments', { params: { path, query: { ...query, cursor } }, signal }),
        ),
      ),
    ]);
    return { node: then, workers: workers.items, deployments: deployments.items };
  };
}
