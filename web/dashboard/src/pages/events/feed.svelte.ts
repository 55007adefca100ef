// The organisation's events, newest first: what was read of the past, what happens now, and what waits to be shown.
import { seqOf } from '../../api/position';
import type { Event } from '../../api/types';
import { live, RECENT_MAX } from '../../live/store.svelte';
import { readOlder, type Log } from './position-window';

/** Events that one step into the past should bring. */
const STEP = 60;

export class Feed {
  /** Shown, newest first. */
  events = $state.raw<readonly Event[]>([]);
  /** Came since, newest first, not shown yet. */
  waiting = $state.raw<readonly Event[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  busy = $state(false);
  failure = $state.raw<unknown>(null);
  /** Everything from here on is read; 0 when all is. */
  from = $state(Number.MAX_SAFE_INTEGER);

  #turn = 0;

  constructor(
    readonly read: Log['read'],
    /** Only of this stream, which is what `read` reads; none for all. */
    readonly stream: string | undefined,
    readonly fits: (event: Event) => boolean,
    /** Whether the reader looks at the newest, so that what comes may be shown at once. */
    readonly atTop: () => boolean,
  ) {}

  /** Reads the newest and goes on with what happens. Returns how to stop it. */
  follow(known: string): () => void {
    void this.#start(known);
    const stop = live.onEvents((events) => this.#take(events));
    return () => {
      this.#turn += 1;
      stop();
    };
  }

  /** Goes further back. */
  async older(): Promise<void> {
    const known = live.position;
    if (this.busy || this.from === 0 || known === null) return;
    const turn = this.#turn;
    this.busy = true;
    this.failure = null;
    try {
      const step = await readOlder({ known, read: this.read }, this.from, STEP, this.fits);
      if (turn !== this.#turn) return;
      // After a new start what is older may not join on to it: it is read again when it is wanted.
      const joined = this.events.filter((event) => seqOf(event.position) > step.from);
      this.events = merge(joined, step.events);
      this.from = step.from;
    } catch (failure) {
      if (turn === this.#turn) this.failure = failure;
    } finally {
      this.busy = false;
    }
  }

  /** Shows what waits. */
  flush(): void {
    // The oldest are let go only here, when the reader is at the top: they can be read again.
    const all = merge(this.events, this.waiting);
    this.waiting = [];
    this.events = all;
  }

  async #start(known: string): Promise<void> {
    this.from = seqOf(known);
    await this.older();
    if (this.failure === null) this.state = 'ready';
    else this.state = 'failed';
  }

  #take(events: readonly Event[]): void {
    const mine = events.filter((event) => this.stream === undefined || event.stream === this.stream);
    if (mine.length === 0) return;
    this.waiting = merge(this.waiting, mine).slice(0, RECENT_MAX);
    if (this.atTop()) this.flush();
  }
}

/** Newest first, each once. */
export function merge(one: readonly Event[], other: readonly Event[]): Event[] {
  const all = new Map([...one, ...other].map((event) => [event.position, event]));
  return [...all.values()].sort((a, b) => seqOf(b.position) - seqOf(a.position));
}
