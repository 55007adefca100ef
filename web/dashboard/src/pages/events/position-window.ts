// Reads the organisation's log backwards, in windows of the forward-reading API. Knows neither pages nor screens.
import { api, take } from '../../api/client';
import type { ListPage } from '../../api/pages';
import { positionAt, seqOf } from '../../api/position';
import type { Event } from '../../api/types';

/** Sequence numbers in the first window; doubled while little is found, as where others' events stand between. */
const WINDOW_FIRST = 250;
/** As many as the server looks at for one page. */
const WINDOW_MAX = 20_000;
/** Requests for one step back, so that a rare filter ends as well. */
const REQUESTS_MAX = 12;
const PAGE = 1_000;

export interface Query {
  org: string;
  /** Any position of the log, and of what to read only. */
  known: string;
  stream?: string;
}

export interface Step {
  /** Oldest first. */
  events: Event[];
  /** Everything from this sequence number on is read; 0 at the log's start. */
  from: number;
}

/** Reads the events before `before`, until at least `wanted` of them fit, the log's start is reached, or it takes too long. */
export async function readOlder(
  query: Query,
  before: number,
  wanted: number,
  fits: (event: Event) => boolean,
): Promise<Step> {
  let [from, size, found] = [before, WINDOW_FIRST, 0];
  let events: Event[] = [];
  for (let request = 0; request < REQUESTS_MAX && from > 0 && found < wanted; request += 1) {
    const start = Math.max(0, from - size);
    const more = await readWindow(query, start, from);
    events = [...more, ...events];
    found += more.filter(fits).length;
    from = start;
    size = Math.min(WINDOW_MAX, size * 2);
  }
  return { events, from };
}

/** The events after `start` and up to `end` inclusive, less the one at `end` where it was read before. */
async function readWindow(query: Query, start: number, end: number): Promise<Event[]> {
  const { org, stream } = query;
  const events: Event[] = [];
  let cursor = start === 0 ? undefined : positionAt(query.known, start);
  for (;;) {
    const params = { path: { org }, query: { cursor, limit: PAGE, stream } };
    const { items, next } = await (take(api.GET('/api/orgs/{org}/events', { params })) as Promise<
      ListPage<Event>
    >);
    events.push(...items.filter((event) => seqOf(event.position) <= end));
    if (next === null || seqOf(next) >= end) return events;
    cursor = next;
  }
}
