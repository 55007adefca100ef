// A node at points of its history, read as they are asked for: the newest question alone is answered, and what was read is kept,
// because the past does not change.
import { isPosition } from '../../../api/position';
import type { Deployment, Worker } from '../../../api/types';
import type { PastNode } from './facts';
import type { AsOf } from './stops';

/** How the node stood at a point, and what there was on it. */
export interface Moment {
  /** None before it was created, and after it was deleted. */
  node: PastNode | null;
  workers: readonly Worker[];
  deployments: readonly Deployment[];
}

/** Reads a moment; gives up when the signal says so. */
export type ReadMoment = (asOf: string, signal: AbortSignal) => Promise<Moment>;

export interface Seen {
  asOf: string;
  now: Moment;
  before: Moment | null;
}

/** Moments kept, oldest out first: going back and forth over a few events asks once. */
export const KEPT_MAX = 40;

export class Reading {
  /** What was read last; stays while the next is on its way, so that nothing jumps. */
  seen = $state.raw<Seen | null>(null);
  failure = $state.raw<unknown>(null);
  busy = $state(false);

  #read: ReadMoment;
  #kept = new Map<string, Moment>();
  #going: AbortController | null = null;

  constructor(read: ReadMoment) {
    this.#read = read;
  }

  /** Shows a moment beside the one before it. What is on its way for another is given up. */
  async show(asOf: string, before: AsOf): Promise<void> {
    this.stop();
    const going = new AbortController();
    this.#going = going;
    this.failure = null;
    const known = this.#known(asOf, before);
    if (known) {
      this.seen = known;
      return;
    }
    this.busy = true;
    try {
      const moment = (at: string) => this.#moment(at, going.signal);
      const [now, was] = await Promise.all([moment(asOf), before === null ? null : moment(before)]);
      if (!going.signal.aborted) this.seen = { asOf, now, before: was };
    } catch (failure) {
      if (!going.signal.aborted) this.failure = failure;
    } finally {
      if (this.#going === going) this.busy = false;
    }
  }

  /** Gives up what is on its way. */
  stop(): void {
    this.#going?.abort();
    this.#going = null;
    this.busy = false;
  }

  #known(asOf: string, before: AsOf): Seen | null {
    const now = this.#kept.get(asOf);
    const was = before === null ? null : this.#kept.get(before);
    return now === undefined || was === undefined ? null : { asOf, now, before: was };
  }

  async #moment(asOf: string, signal: AbortSignal): Promise<Moment> {
    const kept = this.#kept.get(asOf);
    if (kept) return kept;
    const read = await this.#read(asOf, signal);
    // What a time means may still change: it may be the present minute.
    if (!isPosition(asOf)) return read;
    this.#kept.set(asOf, read);
    if (this.#kept.size > KEPT_MAX) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return read;
  }
}
