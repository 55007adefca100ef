// The organisation's events, newest first: what was read of the past, what happens now, and what waits to be shown.
import { mergeEvents } from '../../api/events';
import type { Event } from '../../api/types';
import { live, RECENT_MAX } from '../../live/store.svelte';
import { Timeline, type ReadNewest } from '../../live/timeline.svelte';

/** Events that fit which one step into the past should bring. */
const STEP = 60;
/** Requests for one step, so that a rare filter ends as well. */
const REQUESTS_MAX = 12;

export class Feed {
  /** What is shown. */
  readonly shown: Timeline;
  /** Came since, newest first, not shown yet. */
  waiting = $state.raw<readonly Event[]>([]);
  /** Whether a step into the past is being made. */
  busy = $state(false);

  #turn = 0;

  constructor(
    read: ReadNewest,
    /** Only of this stream, which is what `read` reads; none for all. */
    readonly stream: string | undefined,
    readonly fits: (event: Event) => boolean,
    /** Whether the reader looks at the newest, so that what comes may be shown at once. */
    readonly atTop: () => boolean,
  ) {
    this.shown = new Timeline(read);
  }

  /** Reads the newest and goes on with what happens. Returns how to stop it. */
  follow(): () => void {
    // What waits is among the newest.
    this.waiting = [];
    void this.#step(() => this.shown.restart());
    const stop = live.onEvents((events) => this.#take(events));
    return () => {
      this.#turn += 1;
      stop();
    };
  }

  /** Goes further back. */
  async older(): Promise<void> {
    if (!this.busy) await this.#step(() => this.shown.older());
  }

  /** Does again what failed. */
  async retry(): Promise<void> {
    await this.#step(() => this.shown.retry());
  }

  /** Shows what waits. */
  flush(): void {
    this.shown.add(this.waiting);
    this.waiting = [];
  }

  /** Reads until enough more of what fits is there, the log's start is reached, or it takes too long. */
  async #step(first: () => Promise<void>): Promise<void> {
    const turn = ++this.#turn;
    const wanted = this.#fitting() + STEP;
    this.busy = true;
    await first();
    for (let request = 1; request < REQUESTS_MAX && this.#wants(wanted, turn); request += 1)
      await this.shown.older();
    if (turn === this.#turn) this.busy = false;
  }

  #wants(wanted: number, turn: number): boolean {
    const more = this.shown.state === 'ready' && !this.shown.whole;
    return more && turn === this.#turn && this.#fitting() < wanted;
  }

  #fitting(): number {
    return this.shown.events.filter(this.fits).length;
  }

  #take(events: readonly Event[]): void {
    const mine = events.filter((event) => this.stream === undefined || event.stream === this.stream);
    if (mine.length === 0) return;
    this.waiting = mergeEvents(this.waiting, mine).slice(0, RECENT_MAX);
    if (this.atTop()) this.flush();
  }
}
