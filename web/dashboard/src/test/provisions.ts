// Provisions for tests: at their start, and different only where a test says so.
import type { Machine, Provision, StepperLine } from '../api/types';
import { AT } from './nodes';

export const LINES = ['credential_verified', 'machine_created', 'agent_handshake', 'node_online'] as const;

/** `✓▸··` as four lines. */
export function lines(states: string): StepperLine[] {
  const STATES = { '✓': 'done', '▸': 'current', '·': 'pending', '✗': 'failed' } as const;
  return LINES.map((line, index) => {
    const state = STATES[states.charAt(index) as keyof typeof STATES];
    const ended = state === 'done' || state === 'failed';
    return {
      line,
      state,
      started_at: state === 'pending' ? null : AT,
      took_ms: ended ? 1_500 : null,
      deadline: state === 'current' ? '2026-11-25T10:10:00.000Z' : null,
      usual: null,
    };
  });
}

export function machine(changes: Partial<Machine> = {}): Machine {
  return {
    attempt: 1,
    name: 'spunto-a',
    reference: '42',
    location: 'fsn1',
    machine_type: 'cx23',
    credential: 'crd_aaaaaaaaaaaaa',
    address: '203.0.113.7',
    price: { currency: 'EUR', hourly: '0.005619', monthly: '3.5641' },
    since: AT,
    removal: null,
    ...changes,
  };
}

export function provision(changes: Partial<Provision> = {}): Provision {
  return {
    attempt: 1,
    wish: { provider: 'hetzner', location: 'fsn1', machine_type: 'cx23', image: 'debian-12' },
    credential: 'crd_aaaaaaaaaaaaa',
    account: null,
    requested_at: AT,
    lines: lines('▸···'),
    stages: [],
    failed: null,
    machine: null,
    trouble: null,
    ...changes,
  };
}

export function failed(
  changes: Partial<NonNullable<Provision['failed']>> = {},
): NonNullable<Provision['failed']> {
  return {
    at: AT,
    step: 'create_machine',
    class: 'quota',
    message: 'server limit reached',
    code: 'resource_limit_exceeded',
    request_id: null,
    next_step: 'ask for a higher limit',
    alternatives: [],
    kept_until: null,
    ...changes,
  };
}
