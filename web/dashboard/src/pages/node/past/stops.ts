// The stops of the time slider: one an event of the node, oldest first, and the present behind the last. Pure.
import { isPosition, newerFirst } from '../../../api/position';
import type { Event } from '../../../api/types';
import { exact } from '../../../format/time';
import type { NameOf, Told } from '../../../words/events';
import { tell } from '../../../words/events';

export interface Stop {
  position: string;
  at: string;
  told: Told;
}

/** What the address says: a position, a time, or nothing for the present. */
export type AsOf = string | null;

/** Stops of events that come newest first. */
export function stopsOf(newestFirst: readonly Event[], nameOf: NameOf): Stop[] {
  return newestFirst
    .map((event) => ({ position: event.position, at: event.at, told: tell(event, nameOf) }))
    .reverse();
}

function isBefore(asOf: string, stop: Stop): boolean {
  return isPosition(asOf) ? newerFirst(asOf, stop.position) > 0 : Date.parse(asOf) < Date.parse(stop.at);
}

/**
 * Where the slider stands: the last stop that had happened by then; one behind the last for the present; -1 where everything
 * known happened later.
 */
export function indexAt(stops: readonly Stop[], asOf: AsOf): number {
  if (asOf === null) return stops.length;
  const later = stops.findIndex((stop) => isBefore(asOf, stop));
  return (later === -1 ? stops.length : later) - 1;
}

/** What a moment is compared with: the event before it; none where it is the first. */
export function beforeOf(stops: readonly Stop[], asOf: string): AsOf {
  const index = indexAt(stops, asOf);
  // Between two events of the node, things on it may have changed since the earlier one.
  const before = stops[index]?.position === asOf ? index - 1 : index;
  return stops[before]?.position ?? null;
}

/** What a stop is called for those who hear it. */
export function valueText(stops: readonly Stop[], index: number): string {
  const stop = stops[index];
  if (!stop) return index < 0 ? 'Before the events that are loaded' : 'Now';
  return `${stop.told.text}, ${exact(Date.parse(stop.at))}, event ${index + 1} of ${stops.length}`;
}

/** Up to so many stops each has a mark of its own; beyond, the track would be all marks. */
const MARKED_MAX = 60;

export interface Mark {
  /** Where along the track, in parts of its length. */
  part: number;
  tone: 'bad' | 'warn' | 'idle';
}

/** What is marked on the track: failures and warnings always, as those are looked for. */
export function marks(stops: readonly Stop[]): Mark[] {
  return stops.flatMap((stop, index): Mark[] => {
    const { tone } = stop.told;
    const part = index / stops.length;
    if (tone === 'bad' || tone === 'warn') return [{ part, tone }];
    return stops.length <= MARKED_MAX ? [{ part, tone: 'idle' }] : [];
  });
}
