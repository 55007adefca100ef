// What happened to one thing: read once from the server, then continued by the live stream, without a gap between the two.
import type { ListPage } from '../api/pages';
import { readAll } from '../api/pages';
import type { Event } from '../api/types';
import { sequence } from './position';
import { live } from './store.svelte';

/** Entries shown at first, and with each "older". */
export const SHOWN_FIRST = 30;
export const SHOWN_MORE = 100;

type Read = (cursor: string | undefined) => Promise<ListPage<Event>>;

export class TimelineOf {
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  failure = $state.raw<unknown>(null);
  #events = $state.raw<Event[]>([]);
  #limit = $state(SHOWN_FIRST);
  /** Newest first, as many as are wanted. */
  readonly shown = $derived(this.#events.slice(0, this.#limit));
  readonly older = $derived(Math.max(0, this.#events.length - this.#limit));

  constructor(
    readonly stream: string,
    readonly read: Read,
  ) {}

  /** Reads, and follows until the returned function is called. For an effect. */
  follow(): () => void {
    void this.load();
    return live.onEvents((events) => this.#add(events.filter((event) => event.stream === this.stream)));
  }

  async load(): Promise<void> {
    try {
      this.#add((await readAll(this.read)).items);
      this.state = 'ready';
    } catch (failure) {
      this.failure = failure;
      this.state = 'failed';
    }
  }

  showOlder(): void {
    this.#limit += SHOWN_MORE;
  }

  /** What comes from both sides is there once. */
  #add(events: readonly Event[]): void {
    if (events.length === 0) return;
    const all = new Map([...this.#events, ...events].map((event) => [event.position, event]));
    this.#events = [...all.values()].sort((a, b) => sequence(b.position) - sequence(a.position));
  }
}
