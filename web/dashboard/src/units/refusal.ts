// "No node can take it", node by node, as the server's problem says it. Pure.
import type { Problem } from '../api/problem';
import { INELIGIBLE_WORDS } from './receipt';

export interface NodeReason {
  node: string;
  name: string;
  /** In plain words. */
  words: string;
}

/** Each node's reason; none when the problem is another one. */
export function readNoNode(problem: Problem | null): NodeReason[] | null {
  if (problem?.code !== 'no_node_available') return null;
  const { nodes } = problem.more;
  return Array.isArray(nodes) ? nodes.flatMap(readOne) : [];
}

function readOne(item: unknown): NodeReason[] {
  if (typeof item !== 'object' || item === null) return [];
  const { node, name, reason, detail } = item as Record<string, unknown>;
  if (typeof node !== 'string') return [];
  const own =
    typeof reason === 'string' && reason in INELIGIBLE_WORDS
      ? (reason as keyof typeof INELIGIBLE_WORDS)
      : null;
  // The server's own words first: a reason that is new to this version has only them.
  const words =
    typeof detail === 'string' && detail !== '' ? detail : own ? INELIGIBLE_WORDS[own] : String(reason);
  return [{ node, name: typeof name === 'string' ? name : node, words }];
}
