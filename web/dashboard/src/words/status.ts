// States of nodes and workers as glyph, word and tone. Pure.
import type { ConnectionRefusal, Isolation, Node, OfflineReason, UnitState } from '../api/types';
import { STEP_WORDS } from './provision';

export interface Status {
  glyph: string;
  word: string;
  tone: 'ok' | 'busy' | 'warn' | 'bad' | 'idle';
  /** One more sentence, for a hover. */
  detail?: string;
}

export const OFFLINE_WORDS: Readonly<Record<OfflineReason, string>> = {
  connection_closed: 'the connection was closed',
  no_answer: 'its agent did not answer for 8 s',
  token_rotated: 'its token was rotated',
  agent_stopped: 'its agent was stopped',
  protocol_error: 'its agent broke the protocol or read too slowly',
  server_restarted: 'the server was restarted and its agent has not come back',
};

export const REFUSAL_WORDS: Readonly<Record<ConnectionRefusal, string>> = {
  token_rotated: 'token was rotated',
  wrong_token: 'token is not this node’s',
  already_connected: 'another agent with this token is connected and answers',
  unsupported_protocol: 'agent speaks a protocol that this server does not',
  wrong_enrolment: 'enrolment token is not this attempt’s',
  enrolment_used: 'enrolment token was used by another installation, or is no longer needed',
  enrolment_expired: 'the enrolment token’s time is over',
  machine_removed: 'its VM is being removed at its provider',
};

/** States by which nodes are filtered, in the order of their urgency. */
export const NODE_STATES = [
  'online',
  'suspect',
  'draining',
  'maintenance',
  'offline',
  'pending',
  'provisioning',
  'provisioning_failed',
  'deleting',
] as const;
export type NodeStateName = (typeof NODE_STATES)[number];

/** The one state that says most about a node. */
export function nodeState(node: Node): NodeStateName {
  if (node.status.state === 'online' && node.live.suspect) return 'suspect';
  if (node.status.state === 'online' && node.maintenance) return 'maintenance';
  return node.status.state;
}

export function nodeStatus(node: Node): Status {
  const { status } = node;
  switch (nodeState(node)) {
    case 'online':
      return { glyph: '●', word: 'online', tone: 'ok' };
    case 'suspect':
      return {
        glyph: '●',
        word: 'not answering',
        tone: 'warn',
        detail: 'Its agent has not answered for 5 s; after 8 s it counts as offline.',
      };
    case 'maintenance':
      return { glyph: '‖', word: 'maintenance', tone: 'warn', detail: node.maintenance?.reason };
    case 'draining':
      return {
        glyph: '▾',
        word: 'draining',
        tone: 'warn',
        detail: status.state === 'draining' && status.reason !== '' ? status.reason : undefined,
      };
    case 'offline':
      return {
        glyph: '✗',
        word: 'offline',
        tone: 'bad',
        detail: status.state === 'offline' ? OFFLINE_WORDS[status.reason] : undefined,
      };
    case 'pending':
      return {
        glyph: '·',
        word: 'waiting for agent',
        tone: 'idle',
        detail: 'Its agent has never connected: run the docker command on the server.',
      };
    case 'provisioning':
      return {
        glyph: '▸',
        word: status.state === 'provisioning' ? STEP_WORDS[status.step] : 'provisioning',
        tone: 'busy',
        detail: status.state === 'provisioning' ? `Provisioning, attempt ${status.attempt}` : undefined,
      };
    case 'provisioning_failed':
      return {
        glyph: '✗',
        word: 'provisioning failed',
        tone: 'bad',
        detail: status.state === 'provisioning_failed' ? status.message : undefined,
      };
    case 'deleting':
      return { glyph: '▸', word: 'being deleted', tone: 'busy' };
  }
}

/** `reachable` is false while the unit's node is away: then its state is what was last known. */
export function unitStatus(state: UnitState, reachable = true): Status {
  if (!reachable && !['failed', 'lost', 'removed'].includes(state.state)) {
    return {
      glyph: '?',
      word: 'unreachable',
      tone: 'warn',
      detail: `Its node is away; last known: ${state.state}.`,
    };
  }
  switch (state.state) {
    case 'placed':
      return { glyph: '·', word: 'placed', tone: 'busy' };
    case 'pulling':
      return { glyph: '▸', word: 'pulling image', tone: 'busy' };
    case 'starting':
      return { glyph: '▸', word: 'starting', tone: 'busy' };
    case 'running':
      return { glyph: '●', word: 'running', tone: 'ok' };
    case 'restarting':
      return {
        glyph: '▸',
        word: 'restarting',
        tone: 'warn',
        detail: `Exit code ${state.code}; restarted ${state.restarts} times so far.`,
      };
    case 'exited':
      return exitStatus(state.code, state.oom_killed, state.message);
    case 'failed':
      return { glyph: '✗', word: 'failed', tone: 'bad', detail: state.message };
    case 'stopping':
      return { glyph: '▾', word: 'stopping', tone: 'busy' };
    case 'stopped':
      return { glyph: '‖', word: 'stopped', tone: 'idle' };
    case 'lost':
      return { glyph: '✗', word: 'lost', tone: 'bad', detail: state.reason };
    case 'deleting':
      return { glyph: '▸', word: 'being deleted', tone: 'busy' };
    case 'removed':
      return { glyph: '·', word: 'removed', tone: 'idle' };
  }
}

function exitStatus(code: number, oomKilled: boolean, message: string): Status {
  if (oomKilled)
    return {
      glyph: '✗',
      word: 'out of memory',
      tone: 'bad',
      detail: 'The kernel ended it for want of memory.',
    };
  const tone = code === 0 ? 'idle' : 'bad';
  return {
    glyph: code === 0 ? '✓' : '✗',
    word: `exited (${code})`,
    tone,
    detail: message === '' ? undefined : message,
  };
}

export function isolationStatus(isolation: Isolation | null): Status {
  if (isolation === null) return { glyph: '·', word: 'not probed yet', tone: 'idle' };
  if (isolation === 'isolated') return { glyph: '✓', word: 'isolated', tone: 'ok' };
  if ('reachable' in isolation) {
    return {
      glyph: '✗',
      word: 'not isolated',
      tone: 'bad',
      detail: `Workers can reach ${isolation.reachable.destinations.join(', ')}.`,
    };
  }
  return { glyph: '?', word: 'not probed', tone: 'warn', detail: isolation.not_probed.reason };
}
