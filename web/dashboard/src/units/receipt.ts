// Why a worker or deployment is where it is, in words. Pure.
import type { Receipt } from '../api/types';
import { bytes, count, cpus } from '../format/units';
import type { NameOf } from '../words/events';

type Ineligible = Receipt['ineligible'][number][0];

/** What is said of one node. */
export const INELIGIBLE_WORDS: Readonly<Record<Ineligible, string>> = {
  pending: 'its agent has never connected: run the docker command on the server',
  not_provisioned: 'its machine is not provisioned',
  offline: 'its agent is not connected',
  draining: 'it is draining',
  maintenance: 'it is in maintenance',
  deleting: 'it is being deleted',
  cpu_short: 'it has less free CPU than is asked for',
  memory_short: 'it has less free memory than is asked for',
  label_missing: 'it lacks a label that is asked for',
  not_requested: 'another node was asked for',
};

/** What is said of several at once. */
const OUT_WORDS: Readonly<Record<Ineligible, string>> = {
  pending: 'never connected',
  not_provisioned: 'not provisioned',
  offline: 'offline',
  draining: 'draining',
  maintenance: 'in maintenance',
  deleting: 'being deleted',
  cpu_short: 'short of CPU',
  memory_short: 'short of memory',
  label_missing: 'without a label asked for',
  not_requested: 'not the one asked for',
};

const units = (load: number) =>
  load === 0 ? 'nothing' : count(load, 'worker or service', 'workers and services');

/** Why it won: half a sentence, to stand after "because". */
export function because(
  receipt: Pick<Receipt, 'runners_up' | 'chosen' | 'decided_by' | 'node_requested'>,
  nameOf: NameOf,
): string {
  const next = receipt.runners_up[0];
  const { load } = receipt.chosen;
  if (receipt.decided_by === 'only_candidate' || !next) {
    return receipt.node_requested ? 'you asked for this node' : 'it was the only node that could take it';
  }
  const other = nameOf(next.node);
  switch (receipt.decided_by) {
    case 'load':
      return `it ran the least: ${units(load)}; next was ${other} with ${next.load}`;
    case 'placed_longest_ago':
      return `it ran as little as ${other} (${units(load)}), and its last placement was longest ago`;
    case 'id':
      return `it ran as little as ${other} (${units(load)}), and neither had a later placement; the smaller id decided`;
  }
}

export interface ReceiptLine {
  term: string;
  text: string;
}

/** The whole receipt, term by term. */
export function receiptLines(receipt: Receipt, nameOf: NameOf): ReceiptLine[] {
  const lines: ReceiptLine[] = [
    { term: 'Rule', text: `${receipt.policy.replaceAll('_', '-')}, version ${receipt.policy_version}` },
    { term: 'Asked for', text: asked(receipt) },
    { term: 'Load before', text: units(receipt.chosen.load) },
  ];
  if (receipt.runners_up.length > 0) {
    const others = receipt.runners_up.map((one) => `${nameOf(one.node)} (${one.load})`);
    lines.push({ term: 'Runners-up', text: others.join(', ') });
  }
  if (receipt.ineligible.length > 0) lines.push({ term: 'Not considered', text: outOfIt(receipt) });
  return lines;
}

function asked(receipt: Receipt): string {
  const parts = [
    receipt.cpu_millis > 0 ? cpus(receipt.cpu_millis) : '',
    receipt.memory_bytes > 0 ? bytes(receipt.memory_bytes) : '',
    receipt.labels > 0 ? count(receipt.labels, 'label') : '',
    receipt.node_requested ? 'this one node' : '',
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(', ') : 'any node that is ready';
}

function outOfIt(receipt: Receipt): string {
  const total = receipt.ineligible.reduce((sum, [, number]) => sum + number, 0);
  const each = receipt.ineligible.map(([why, number]) => `${number} ${OUT_WORDS[why]}`);
  return `${count(total, 'node')}: ${each.join(', ')}`;
}
