// Pages of events, and putting them together.
import { take } from './client';
import type { ListPage } from './pages';
import { newerFirst } from './position';
import type { Event } from './types';

/** Like {@link take}, for a page of events. The client's own types widen the tuples within some payloads; these are the schema's. */
export async function takeEvents(call: Parameters<typeof take<unknown>>[0]): Promise<ListPage<Event>> {
  return (await take(call)) as ListPage<Event>;
}

/** Both, newest first, each event once. */
export function mergeEvents(one: readonly Event[], other: readonly Event[]): Event[] {
  const all = new Map([...one, ...other].map((event) => [event.position, event]));
  return [...all.values()].sort((a, b) => newerFirst(a.position, b.position));
}
