// Asks the server how a node stood at a point of its history, and what there was on it.
import { api, take } from '../../../api/client';
import { readAll } from '../../../api/pages';
import { Problem } from '../../../api/problem';
import type { Deployment, Worker } from '../../../api/types';
import type { PastNode } from './facts';
import type { ReadMoment } from './reading.svelte';

/** What was there; nothing where the node was not there at that moment, which the server answers with 404. */
async function orNothing<T>(read: Promise<T>, nothing: T): Promise<T> {
  try {
    return await read;
  } catch (failure) {
    if (failure instanceof Problem && failure.status === 404) return nothing;
    throw failure;
  }
}

/** Reads moments of one node. */
export function momentsOf(org: string, node: string): ReadMoment {
  return async (as_of, signal) => {
    const path = { org };
    const query = (cursor: string | undefined) => ({ as_of, node, cursor });
    const none = { items: [], cut: false };
    const then = take(
      api.GET('/api/orgs/{org}/nodes/{node}', { params: { path: { org, node }, query: { as_of } }, signal }),
    );
    const workers = readAll((cursor) =>
      take(api.GET('/api/orgs/{org}/workers', { params: { path, query: query(cursor) }, signal })),
    );
    const deployments = readAll((cursor) =>
      take(api.GET('/api/orgs/{org}/deployments', { params: { path, query: query(cursor) }, signal })),
    );
    const [was, on, beside] = await Promise.all([
      orNothing<PastNode | null>(then, null),
      orNothing(workers, none),
      orNothing(deployments, none),
    ]);
    // The client's own types widen the tuples within receipts; these are the schema's.
    return { node: was, workers: on.items as Worker[], deployments: beside.items as Deployment[] };
  };
}
