// Events of a node's life in plain words.
import type { Event, Isolation } from '../api/types';
import type { Told } from './events';
import { OFFLINE_WORDS, REFUSAL_WORDS } from './status';

type NodeEvent = Extract<Event, { kind: `node.${string}` }>;

function isNodeEvent(event: Event): event is NodeEvent {
  return event.kind.startsWith('node.');
}

/** Tells an event of a node; none for other events and for kinds that are new to this version. */
export function tellNode(event: Event): Told | null {
  return isNodeEvent(event) ? (connection(event) ?? operation(event) ?? record(event)) : null;
}

function connection(event: NodeEvent): Told | null {
  switch (event.kind) {
    case 'node.online': {
      const { address, agent_version, epoch } = event.payload;
      return {
        glyph: '●',
        tone: 'ok',
        text: `Online: agent ${agent_version} connected from ${address} (session ${epoch})`,
      };
    }
    case 'node.offline':
      return { glyph: '✗', tone: 'bad', text: `Offline: ${OFFLINE_WORDS[event.payload.reason]}` };
    case 'node.connection_refused': {
      const { reason, address, count } = event.payload;
      const times = count > 1 ? `, ${count} attempts` : '';
      return {
        glyph: '✗',
        tone: 'warn',
        text: `Connection refused: ${REFUSAL_WORDS[reason]}, from ${address}${times}`,
      };
    }
    case 'node.isolation_probed':
      return isolation(event.payload.isolation);
    case 'node.containers_kept':
      return {
        glyph: '▸',
        tone: 'warn',
        text: `${event.payload.containers.length} containers that the restored log does not know stay`,
      };
    case 'node.orphan_found':
      return {
        glyph: '▸',
        tone: 'warn',
        text: `Removed container ${event.payload.container.slice(0, 12)}, which belonged to nothing known`,
      };
    default:
      return null;
  }
}

function operation(event: NodeEvent): Told | null {
  switch (event.kind) {
    case 'node.draining':
      return {
        glyph: '▾',
        tone: 'warn',
        text: `Draining${because(event.payload.reason)}: nothing new is placed here`,
      };
    case 'node.undrained':
      return { glyph: '▸', tone: 'ok', text: 'Drain ended: takes workers again' };
    case 'node.maintenance_started':
      return { glyph: '‖', tone: 'warn', text: `Maintenance started${because(event.payload.reason)}` };
    case 'node.maintenance_ended':
      return { glyph: '▸', tone: 'ok', text: 'Maintenance ended: takes workers again' };
    case 'node.token_rotated':
      return {
        glyph: '▸',
        tone: 'warn',
        text: `Token rotated (now version ${event.payload.token_version}): the old one is dead`,
      };
    case 'node.deletion_started':
      return {
        glyph: '▾',
        tone: 'bad',
        text: event.payload.forced ? 'Deletion started, workers included' : 'Deletion started',
      };
    case 'node.deleted':
      return { glyph: '✗', tone: 'bad', text: 'Deleted' };
    default:
      return null;
  }
}

function record(event: NodeEvent): Told | null {
  switch (event.kind) {
    case 'node.created':
      return { glyph: '✓', tone: 'ok', text: `Created as ${event.payload.name}` };
    case 'node.renamed':
      return { glyph: '▸', tone: 'idle', text: `Renamed to ${event.payload.name}` };
    case 'node.labels_changed': {
      const labels = Object.entries(event.payload.labels).map(([key, value]) => `${key}=${value}`);
      return {
        glyph: '▸',
        tone: 'idle',
        text: labels.length > 0 ? `Labels set to ${labels.join(', ')}` : 'Labels removed',
      };
    }
    default:
      return null;
  }
}

function isolation(result: Isolation): Told {
  if (result === 'isolated')
    return { glyph: '✓', tone: 'ok', text: 'Isolation probed: workers can reach nothing forbidden' };
  if ('reachable' in result) {
    return {
      glyph: '✗',
      tone: 'bad',
      text: `Isolation probed: workers can reach ${result.reachable.destinations.join(', ')}`,
    };
  }
  return { glyph: '?', tone: 'warn', text: `Isolation could not be probed: ${result.not_probed.reason}` };
}

function because(reason: string): string {
  return reason === '' ? '' : ` (“${reason}”)`;
}
