// What a container's state means: whether it can be stopped or started, how it ended, which run it is. Pure.
import type { Service, UnitState, Worker } from '../api/types';

const STOPPABLE = new Set(['placed', 'pulling', 'starting', 'running', 'restarting']);
const STARTABLE = new Set(['exited', 'failed', 'stopped', 'lost']);

/** Whether nothing its node could tell would change it. */
export function isFinal(state: UnitState): boolean {
  return ['failed', 'lost', 'removed'].includes(state.state);
}

export function canStop(state: UnitState): boolean {
  return STOPPABLE.has(state.state);
}

export function canStart(state: UnitState): boolean {
  return STARTABLE.has(state.state);
}

const STEPS = {
  pull_image: 'pulling the image',
  create_network: 'making its network',
  create_container: 'making its container',
  start_container: 'starting its container',
  stop_container: 'stopping its container',
  remove: 'removing it',
} as const;

const PULL_ADVICE =
  'Check the name of the image, and that the node reaches its registry; then start it again.';

export interface End {
  tone: 'info' | 'warn' | 'bad';
  text: string;
  /** Docker's own words. */
  quote?: string;
  /** What to do about it. */
  next?: string;
}

/** How it ended, or why it does not run; none where nothing needs to be said. */
export function endOf(state: UnitState): End | null {
  switch (state.state) {
    case 'exited':
      return exited(state);
    case 'failed':
      return {
        tone: 'bad',
        text: `It failed while ${STEPS[state.step]}. Docker says:`,
        quote: state.message,
        next: state.step === 'pull_image' ? PULL_ADVICE : undefined,
      };
    case 'lost':
      return { tone: 'bad', text: `Its container is gone: ${state.reason}` };
    case 'restarting':
      return {
        tone: 'warn',
        text: `It ended with exit code ${state.code} and Docker starts it again; restarted ${state.restarts === 1 ? 'once' : `${state.restarts} times`} so far.`,
      };
    default:
      return null;
  }
}

function exited(state: Extract<UnitState, { state: 'exited' }>): End {
  const words = state.message === '' ? '' : ` Docker says: ${state.message}`;
  if (state.oom_killed)
    return { tone: 'bad', text: `The kernel ended it for want of memory (exit code ${state.code}).${words}` };
  if (state.code === 0) return { tone: 'info', text: `It ended by itself with exit code 0.${words}` };
  return { tone: 'bad', text: `It ended with exit code ${state.code}.${words}` };
}

/** Steps before there is a container that could have said something. */
const NEVER_RAN: ReadonlySet<string> = new Set(['pull_image', 'create_network', 'create_container']);

export interface Blocked {
  /** Why there is no output to read. */
  words: string;
  /** Whether there will be some in a moment. */
  soon: boolean;
}

/** Why there is no output to read; none when there is. `connected`: whether the server answers. */
export function outputBlocked(unit: Worker | Service, connected: boolean): Blocked | null {
  if (!connected) {
    return {
      words:
        'The server does not answer. The output goes on by itself, with what came meanwhile, when it does again.',
      soon: true,
    };
  }
  if (!unit.reachable) {
    return { words: 'Its node is not connected; the output is there when it is back.', soon: false };
  }
  switch (unit.status.state) {
    case 'placed':
    case 'pulling':
    case 'starting':
      return { words: 'It has not started yet: the output begins when it runs.', soon: true };
    case 'failed':
      return NEVER_RAN.has(unit.status.step)
        ? { words: 'It never started, so there is no output.', soon: false }
        : null;
    case 'removed':
    case 'deleting':
      return { words: 'Its container is being removed, and its output with it.', soon: false };
    default:
      return null;
  }
}

/** Tells one run of a container from the next, so that the output of each is followed anew. */
export function runOf(state: UnitState): string {
  return state.state === 'running' ? `${state.container} ${state.started_at}` : '';
}

export function restartWords(policy: Worker['restart']): string {
  if (typeof policy === 'object') return `after a failure, at most ${policy.on_failure.max_retries} times`;
  return { no: 'never', always: 'always', unless_stopped: 'always, unless stopped by hand' }[policy];
}
