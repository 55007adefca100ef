// Events of organisations, people, projects and keys in plain words.
import type { Event } from '../api/types';
import type { NameOf, Told } from './events';

const CAUSES = {
  setup: 'by the setup link',
  invitation: 'by accepting an invitation',
  reset: 'by the operator',
  change: 'by themselves',
} as const;

/** A key by its name, or by its id where that is all that is known. */
const keyWords = (name: string) => (name.startsWith('key ') ? name : `key ${name}`);

/** Tells an event about accounts; none for others. */
export function tellAccount(event: Event, nameOf: NameOf): Told | null {
  return org(event) ?? people(event, nameOf) ?? things(event, nameOf);
}

function org(event: Event): Told | null {
  switch (event.kind) {
    case 'org.created':
      return { glyph: '✓', tone: 'ok', text: `Organisation ${event.payload.name} created` };
    case 'installation.restored':
      return { glyph: '▾', tone: 'warn', text: 'Restored from a backup; the server only observes' };
    case 'installation.confirmed':
      return { glyph: '✓', tone: 'ok', text: 'Restore confirmed; the server acts again' };
    case 'org.renamed':
      return { glyph: '▸', tone: 'idle', text: `Organisation renamed to ${event.payload.name}` };
    default:
      return null;
  }
}

function people(event: Event, nameOf: NameOf): Told | null {
  switch (event.kind) {
    case 'user.created':
      return { glyph: '✓', tone: 'ok', text: `${nameOf(event.payload.user)} became known to the system` };
    case 'user.password_set':
      return {
        glyph: '▸',
        tone: 'idle',
        text: `Password of ${nameOf(event.payload.user)} set ${CAUSES[event.payload.cause]}`,
      };
    case 'session.started':
      return {
        glyph: '▸',
        tone: 'idle',
        text: `${nameOf(event.payload.user)} signed in from ${event.payload.address}`,
      };
    case 'session.ended':
      return { glyph: '▸', tone: 'idle', text: 'Signed out' };
    case 'member.added':
      return {
        glyph: '✓',
        tone: 'ok',
        text: `${nameOf(event.payload.user)} joined as ${event.payload.role}`,
      };
    case 'member.role_changed':
      return { glyph: '▸', tone: 'idle', text: `${nameOf(event.payload.user)} is ${event.payload.role} now` };
    case 'member.removed':
      return {
        glyph: '✗',
        tone: 'warn',
        text: `${nameOf(event.payload.user)} no longer belongs to the organisation`,
      };
    case 'invitation.created':
      return {
        glyph: '▸',
        tone: 'idle',
        text: `${nameOf(event.payload.user)} invited as ${event.payload.role}`,
      };
    case 'invitation.accepted':
      return { glyph: '✓', tone: 'ok', text: `${nameOf(event.payload.user)} accepted the invitation` };
    default:
      return null;
  }
}

function things(event: Event, nameOf: NameOf): Told | null {
  switch (event.kind) {
    case 'project.created':
      return { glyph: '✓', tone: 'ok', text: `Project ${event.payload.name} created` };
    case 'project.renamed':
      return { glyph: '▸', tone: 'idle', text: `Project renamed to ${event.payload.name}` };
    case 'project.deleted':
      return { glyph: '✗', tone: 'warn', text: `Project ${nameOf(event.payload.project)} deleted` };
    case 'api_key.created':
      return {
        glyph: '✓',
        tone: 'ok',
        text: `API key ${event.payload.name} created (${event.payload.scopes.join(', ')})`,
      };
    case 'api_key.revoked':
      return { glyph: '✗', tone: 'warn', text: `API ${keyWords(nameOf(event.payload.key))} revoked` };
    case 'request.recorded':
      return { glyph: '·', tone: 'idle', text: 'Request remembered, so that a repeat does nothing twice' };
    case 'actor.seen':
      return { glyph: '·', tone: 'idle', text: `Seen from ${event.payload.address}` };
    default:
      return null;
  }
}
