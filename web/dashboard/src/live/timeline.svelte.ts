// Events newest first: read from the newest back as far as somebody wants, and grown from the live stream without a gap between.
import { mergeEvents } from '../api/events';
import type { ListPage } from '../api/pages';
import type { Event } from '../api/types';
import { live } from './store.svelte';

/** Events in a page. */
export const PAGE = 100;
/** Entries shown at first, and with each "older". */
export const SHOWN_FIRST = 30;
export const SHOWN_MORE = 100;

/** Reads a page, newest first; without a cursor the newest. */
export type ReadNewest = (cursor: string | undefined) => Promise<ListPage<Event>>;

export class Timeline {
  /** What was read and what happened since, newest first, without a gap. */
  events = $state.raw<readonly Event[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  /** Why the last reading failed. */
  failure = $state.raw<unknown>(null);
  /** Whether older ones are being read. */
  busy = $state(false);
  /** Whether nothing older is there. */
  whole = $state(false);

  #read: ReadNewest;
  /** Where older ones go on; none before the newest are read. */
  #next: string | undefined;
  /** The cursor of what failed. */
  #failed: string | undefined;
  #turn = 0;

  constructor(read: ReadNewest) {
    this.#read = read;
  }

  /** Reads, and goes on with what happens to this thing until the returned function is called. For an effect. */
  follow(stream: string): () => void {
    void this.restart();
    const stop = live.onEvents((events) => this.add(events.filter((event) => event.stream === stream)));
    return () => {
      this.#turn += 1;
      stop();
    };
  }

  /** Reads the newest. What was there before stays where they join on to it; else it is let go, and can be read again. */
  async restart(): Promise<void> {
    const before = new Set(this.events.map((event) => event.position));
    await this.#attempt(undefined, ({ items, next }) => {
      if (before.size > 0 && items.some((event) => before.has(event.position))) return this.add(items);
      const since = this.events.filter((event) => !before.has(event.position));
      this.events = mergeEvents(items, since);
      this.#goOn(next);
    });
  }

  /** Reads a page of older ones. */
  async older(): Promise<void> {
    if (this.busy || this.whole || this.#next === undefined) return;
    await this.#attempt(this.#next, ({ items, next }) => {
      this.add(items);
      this.#goOn(next);
    });
  }

  /** Does again what failed. */
  async retry(): Promise<void> {
    await (this.#failed === undefined ? this.restart() : this.older());
  }

  /** Puts in what happened. */
  add(events: readonly Event[]): void {
    if (events.length > 0) this.events = mergeEvents(this.events, events);
  }

  async #attempt(cursor: string | undefined, took: (page: ListPage<Event>) => void): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    this.failure = null;
    try {
      const page = await this.#read(cursor);
      if (turn !== this.#turn) return;
      took(page);
      this.state = 'ready';
    } catch (failure) {
      if (turn !== this.#turn) return;
      this.failure = failure;
      this.#failed = cursor;
      this.state = 'failed';
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  }

  #goOn(next: string | null): void {
    this.whole = next === null;
    this.#next = next ?? undefined;
  }
}
