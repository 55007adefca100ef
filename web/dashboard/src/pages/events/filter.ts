// Which events are shown. Pure.
import type { Event } from '../../api/types';
import { subjectOf, tell, type NameOf } from '../../words/events';

export interface Filter {
  text: string;
  /** A key of {@link GROUPS}; empty for all. */
  kind: string;
  /** Who did it, as the id of a person, key or node; empty for all. */
  who: string;
  /** What it is about, as its id; empty for all. */
  subject: string;
}

/** Kinds that belong together, by how their names start. */
export const GROUPS = [
  { value: '', text: 'All kinds', starts: [''] },
  { value: 'nodes', text: 'Nodes', starts: ['node.'] },
  { value: 'clouds', text: 'Cloud credentials', starts: ['credential.', 'leftover.'] },
  { value: 'work', text: 'Workers and deployments', starts: ['worker.', 'deployment.', 'service.'] },
  { value: 'projects', text: 'Projects', starts: ['project.'] },
  {
    value: 'people',
    text: 'People and keys',
    starts: ['org.', 'user.', 'member.', 'invitation.', 'session.', 'api_key.', 'actor.'],
  },
] as const;

/** Book-keeping, of interest in an audit of the log only: shown when it is asked for by name. */
const QUIET = /^request\./;

/** Whether an event is shown. */
export function fits(event: Event, filter: Filter, nameOf: NameOf): boolean {
  if (QUIET.test(event.kind) && !filter.text.includes('request')) return false;
  const group = GROUPS.find((one) => one.value === filter.kind);
  if (group && !group.starts.some((start) => event.kind.startsWith(start))) return false;
  if (filter.who !== '' && event.actor !== filter.who) return false;
  if (filter.subject !== '' && !isAbout(event, filter.subject)) return false;
  return filter.text.trim() === '' || holds(event, filter.text, nameOf);
}

/** Whether an event is about this thing: its stream, or what its payload names. */
export function isAbout(event: Event, id: string): boolean {
  if (event.stream === id || subjectOf(event) === id) return true;
  return Object.values(event.payload as Record<string, unknown>).includes(id);
}

function holds(event: Event, text: string, nameOf: NameOf): boolean {
  const all = [
    event.kind,
    tell(event, nameOf).text,
    nameOf(subjectOf(event)),
    subjectOf(event),
    nameOf(event.actor),
    event.actor,
    event.position,
  ];
  const lower = all.join(' ').toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => lower.includes(word));
}

/** The stream to ask the server for, where the subject has one of its own. */
export function streamOf(subject: string): string | undefined {
  return /^(nod|wkr|dep|org)_/.test(subject) ? subject : undefined;
}

/** Names that events gave to things, for those that are gone: the latest of each. `events` stand newest first. */
export function namesIn(events: readonly Event[]): Map<string, string> {
  const names = new Map<string, string>();
  for (const event of events) {
    const named = nameGiven(event);
    if (named && !names.has(named[0])) names.set(named[0], named[1]);
  }
  return names;
}

function nameGiven(event: Event): readonly [string, string] | null {
  switch (event.kind) {
    case 'worker.created':
    case 'deployment.created':
    case 'node.created':
    case 'node.renamed':
      return [event.stream, event.payload.name];
    case 'project.created':
    case 'project.renamed':
      return [event.payload.project, event.payload.name];
    case 'credential.added':
      return [event.payload.credential, event.payload.name];
    case 'api_key.created':
      return [event.payload.key, `key ${event.payload.name}`];
    default:
      return null;
  }
}
