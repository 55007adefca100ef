// What a node was at a point of its history, in rows of words; and which of them an event changed. Pure.
import type { Node } from '../../../api/types';
import { bytes, count } from '../../../format/units';
import type { NameOf } from '../../../words/events';
import { providerName } from '../../../words/providers';
import { writeLabels } from '../../../words/rules';
import { isolationStatus, nodeState, nodeStatus } from '../../../words/status';

/** A node as it was: nothing of it is live. */
export type PastNode = Omit<Node, 'live'>;

export interface Fact {
  term: string;
  text: string;
  /** Is a name, number or address to be read letter by letter. */
  mono?: boolean;
}

export interface Shown extends Fact {
  /** What it was before, where the event changed it; `undefined` where it did not. */
  before?: string;
}

const NONE = '–';
const NOT_LIVE: Node['live'] = { suspect: false, session: null, drain: null, gauges: null };

/** For words that are made of a node as it is shown live. */
export function asLive(node: PastNode): Node {
  return { ...node, live: NOT_LIVE };
}

function state(node: PastNode): string {
  const { word, detail } = nodeStatus(asLive(node));
  // Maintenance has a row of its own.
  if (nodeState(asLive(node)) === 'maintenance') return 'online';
  return detail ? `${word}: ${detail}` : word;
}

function machine({ agent, provision }: PastNode): string {
  if (agent) {
    const { hostname, os, arch, cpus, memory_bytes, docker_version } = agent.machine;
    return `${hostname}: ${cpus} CPUs, ${bytes(memory_bytes)} RAM, ${os}, ${arch}, Docker ${docker_version}`;
  }
  if (provision?.machine) return `VM ${provision.machine.name}, its agent had not called`;
  return NONE;
}

function cloud({ provision }: PastNode): Fact[] {
  if (!provision) return [];
  const { wish, machine: made, attempt } = provision;
  return [
    { term: 'Asked for', text: `${wish.machine_type} in ${wish.location}, ${wish.image}` },
    { term: 'Attempt', text: String(attempt) },
    { term: 'VM', text: made ? `${made.name}${made.removal ? ', being removed' : ''}` : 'none', mono: true },
  ];
}

/** Everything that is shown of a node, in this order. */
export function facts(node: PastNode, nameOf: NameOf): Fact[] {
  const { agent, maintenance, token } = node;
  return [
    { term: 'Status', text: state(node) },
    { term: 'Name', text: node.name, mono: true },
    { term: 'Provider', text: providerName(node.provider) },
    ...cloud(node),
    { term: 'Labels', text: writeLabels(node.labels) || 'none', mono: true },
    {
      term: 'Maintenance',
      text: maintenance ? `“${maintenance.reason}”, by ${nameOf(maintenance.by)}` : 'no',
    },
    { term: 'Active', text: count(node.load, 'worker or service', 'workers and services') },
    { term: 'Agent', text: agent ? `${agent.version} (protocol ${agent.protocol})` : NONE, mono: true },
    { term: 'Address', text: agent?.address ?? NONE, mono: true },
    { term: 'Session', text: node.epoch > 0 ? String(node.epoch) : 'never connected' },
    { term: 'Machine', text: machine(node) },
    { term: 'Isolation', text: isolationStatus(node.isolation).word },
    { term: 'Token', text: `version ${token.version}, ${token.fingerprint}`, mono: true },
    { term: 'Refused', text: refused(node) },
  ];
}

function refused({ connection_refusals: refusals }: PastNode): string {
  const attempts = refusals.reduce((sum, one) => sum + one.count, 0);
  return attempts === 0 ? 'no connection' : count(attempts, 'connection');
}

/** The facts with what the event changed beside them. Without a node before, nothing is lit: all of it is new. */
export function compared(now: readonly Fact[], before: readonly Fact[] | null): Shown[] {
  if (before === null) return now.map((fact) => ({ ...fact }));
  const old = new Map(before.map((fact) => [fact.term, fact.text]));
  return now.map((fact) => {
    const was = old.get(fact.term) ?? NONE;
    return was === fact.text ? { ...fact } : { ...fact, before: was };
  });
}
