// Reads the organisation's log backwards, in windows of the forward-reading API. Pure: how a page is read comes from outside.
import type { ListPage } from '../../api/pages';
import { positionAt, seqOf } from '../../api/position';
import type { Event } from '../../api/types';

/** Sequence numbers in the first window; doubled while little is found, as where others' events stand between. */
const WINDOW_FIRST = 250;
/** As many as the server looks at for one page. */
const WINDOW_MAX = 20_000;
/** Requests for one step back, so that a rare filter ends as well. */
const REQUESTS_MAX = 12;

export interface Log {
  /** Any position of it. */
  known: string;
  /** A page of it, oldest first, after `cursor`. */
  read: (cursor: string | undefined) => Promise<ListPage<Event>>;
}

export interface Step {
  /** Oldest first. */
  events: Event[];
  /** Everything from this sequence number on is read; 0 at the log's start. */
  from: number;
}

/** Reads the events before `before`, until at least `wanted` of them fit, the log's start is reached, or it takes too long. */
export async function readOlder(
  log: Log,
  before: number,
  wanted: number,
  fits: (event: Event) => boolean,
): Promise<Step> {
  let [from, size, found] = [before, WINDOW_FIRST, 0];
  let events: Event[] = [];
  for (let request = 0; request < REQUESTS_MAX && from > 0 && found < wanted; request += 1) {
    const start = Math.max(0, from - size);
    const more = await readWindow(log, start, from);
    events = [...more, ...events];
    found += more.filter(fits).length;
    from = start;
    size = Math.min(WINDOW_MAX, size * 2);
  }
  return { events, from };
}

/** The events after `start` and up to `end` inclusive. */
async function readWindow(log: Log, start: number, end: number): Promise<Event[]> {
  const events: Event[] = [];
  let cursor = start === 0 ? undefined : positionAt(log.known, start);
  for (;;) {
    const { items, next } = await log.read(cursor);
    events.push(...items.filter((event) => seqOf(event.position) <= end));
    if (next === null || seqOf(next) >= end) return events;
    cursor = next;
  }
}
