// Pages of events. The client's own types widen the tuples within some payloads; these are the schema's.
import { take } from './client';
import type { ListPage } from './pages';
import type { Event } from './types';

/** Like {@link take}, for a page of events. */
export async function takeEvents(
  call: Parameters<typeof take<ListPage<unknown>>>[0],
): Promise<ListPage<Event>> {
  return (await take(call)) as ListPage<Event>;
}
