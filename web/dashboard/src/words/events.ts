// What happened, in plain words. Pure: names of things come from outside.
import type { Event } from '../api/types';
import { tellAccount } from './account-events';
import { tellCloud } from './cloud-events';
import { tellNode } from './node-events';
import { tellUnit } from './unit-events';

/** How an event reads in a timeline. `text` has no subject of its own where the page has one: "went offline: …". */
export interface Told {
  glyph: string;
  tone: 'ok' | 'busy' | 'warn' | 'bad' | 'idle';
  text: string;
}

/** Names of ids; an unknown id is its own name. */
export type NameOf = (id: string) => string;

/** Tells one event. A kind that this version does not know reads as its name, never as nothing. */
export function tell(event: Event, nameOf: NameOf): Told {
  return (
    tellNode(event) ??
    tellUnit(event, nameOf) ??
    tellAccount(event, nameOf) ??
    tellCloud(event, nameOf) ?? { glyph: '·', tone: 'idle', text: event.kind }
  );
}

/** Which thing an event is about, as its id: the stream, or the project or credential that it names. */
export function subjectOf(event: Event): string {
  switch (event.kind) {
    case 'project.created':
    case 'project.renamed':
    case 'project.deleted':
      return event.payload.project;
    case 'credential.added':
    case 'credential.replaced':
    case 'credential.deleted':
    case 'leftover.removal_requested':
      return event.payload.credential;
    default:
      return event.stream;
  }
}
