// The frames of the live stream (`GET /api/orgs/{org}/live`), and what passes between a tab and the stream's keeper.
import type { components } from '../api/schema';

/** One frame of the stream. */
export type LiveChanges = components['schemas']['LiveChanges'];

export type EndReason = 'signed_out' | 'not_found';

/** How it stands with the stream. Times are milliseconds since 1970. */
export type Connection =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'reconnecting'; since: number }
  | { state: 'ended'; reason: EndReason };

/** From a tab to the keeper. `watch` is also the sign of life: it is said again every {@link ALIVE_EVERY_MS}. */
export type ToKeeper =
  | { type: 'watch'; org: string }
  | { type: 'leave' }
  /** The network may be back: try now. */
  | { type: 'retry' };

/** From the keeper to a tab. */
export type ToTab =
  | { type: 'changes'; org: string; changes: LiveChanges }
  | { type: 'connection'; org: string; connection: Connection };

/** How often a tab says that it is still there, in milliseconds. */
export const ALIVE_EVERY_MS = 30_000;
/** After how long without a sign of life a tab counts as gone, in milliseconds: background tabs' timers run once a minute. */
export const GONE_AFTER_MS = 200_000;
