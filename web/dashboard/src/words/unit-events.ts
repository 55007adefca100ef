// Events of workers, deployments and their services in plain words.
import type { Event } from '../api/types';
import type { NameOf, Told } from './events';

type Run = Extract<
  Event,
  { kind: 'worker.started' | 'worker.failed' | 'worker.exited' | 'worker.restarting' | 'worker.lost' }
>['payload']['run'];

const STEP_WORDS: Readonly<Record<string, string>> = {
  pull_image: 'pulling the image',
  create_network: 'making its network',
  create_container: 'making its container',
  start_container: 'starting its container',
  stop_container: 'stopping its container',
  remove: 'removing it',
};

/** Tells an event of a worker, deployment or service; none for others. */
export function tellUnit(event: Event, nameOf: NameOf): Told | null {
  return worker(event, nameOf) ?? deployment(event, nameOf) ?? service(event, nameOf);
}

function worker(event: Event, nameOf: NameOf): Told | null {
  switch (event.kind) {
    case 'worker.created':
      return {
        glyph: '✓',
        tone: 'ok',
        text: `Created as ${event.payload.name} from ${event.payload.spec.image}, placed on ${nameOf(event.payload.node)}`,
      };
    case 'worker.started':
    case 'worker.failed':
    case 'worker.exited':
    case 'worker.restarting':
    case 'worker.lost':
      return run(event.kind.slice('worker.'.length), event.payload.run);
    case 'worker.stop_requested':
      return { glyph: '▾', tone: 'busy', text: 'Stop requested' };
    case 'worker.stopped':
      return { glyph: '‖', tone: 'idle', text: 'Stopped' };
    case 'worker.start_requested':
      return { glyph: '▸', tone: 'busy', text: 'Start requested' };
    case 'worker.delete_requested':
      return { glyph: '▾', tone: 'bad', text: 'Deletion requested' };
    case 'worker.deleted':
      return {
        glyph: '✗',
        tone: 'bad',
        text: `Deleted${event.payload.unheard ? ' without hearing from its node' : ''}`,
      };
    default:
      return null;
  }
}

function deployment(event: Event, nameOf: NameOf): Told | null {
  switch (event.kind) {
    case 'deployment.created': {
      const { name, node, services } = event.payload;
      return {
        glyph: '✓',
        tone: 'ok',
        text: `Created as ${name} with ${services.map((one) => one.name).join(', ')}, placed on ${nameOf(node)}`,
      };
    }
    case 'deployment.stop_requested':
      return { glyph: '▾', tone: 'busy', text: 'Stop requested' };
    case 'deployment.start_requested':
      return { glyph: '▸', tone: 'busy', text: 'Start requested' };
    case 'deployment.delete_requested':
      return { glyph: '▾', tone: 'bad', text: 'Deletion requested' };
    case 'deployment.deleted':
      return {
        glyph: '✗',
        tone: 'bad',
        text: `Deleted${event.payload.unheard ? ' without hearing from its node' : ''}`,
      };
    default:
      return null;
  }
}

function service(event: Event, nameOf: NameOf): Told | null {
  switch (event.kind) {
    case 'service.started':
    case 'service.failed':
    case 'service.exited':
    case 'service.restarting':
    case 'service.lost': {
      const told = run(event.kind.slice('service.'.length), event.payload.run);
      return { ...told, text: `${nameOf(event.payload.service)}: ${told.text}` };
    }
    case 'service.stopped':
      return { glyph: '‖', tone: 'idle', text: `${nameOf(event.payload.service)}: Stopped` };
    case 'service.removed':
      return { glyph: '✗', tone: 'idle', text: `${nameOf(event.payload.service)}: Removed` };
    default:
      return null;
  }
}

function run(what: string, payload: Run): Told {
  if ('container' in payload) {
    return { glyph: '●', tone: 'ok', text: `Running in container ${payload.container.slice(0, 12)}` };
  }
  if ('step' in payload) {
    return {
      glyph: '✗',
      tone: 'bad',
      text: `Failed while ${STEP_WORDS[payload.step] ?? payload.step}: ${payload.message}`,
    };
  }
  if ('restarts' in payload) {
    return {
      glyph: '▸',
      tone: 'warn',
      text: `Exited with code ${payload.code}; Docker starts it again (${payload.restarts} so far)`,
    };
  }
  if ('oom_killed' in payload) {
    const why = payload.oom_killed ? ': out of memory' : payload.message === '' ? '' : `: ${payload.message}`;
    const clean = payload.code === 0 && !payload.oom_killed;
    return {
      glyph: clean ? '✓' : '✗',
      tone: clean ? 'idle' : 'bad',
      text: `Exited with code ${payload.code}${why}`,
    };
  }
  if ('reason' in payload) return { glyph: '✗', tone: 'bad', text: `Lost: ${payload.reason}` };
  return { glyph: '·', tone: 'idle', text: what };
}
