// What happened to one worker or deployment: read once, then grown from the live stream.
import { readAll, type ListPage } from '../api/pages';
import type { Event } from '../api/types';
import { live } from '../live/store.svelte';

export class History {
  /** Newest first. */
  events = $state.raw<readonly Event[]>([]);
  state = $state<'loading' | 'ready' | 'failed'>('loading');
  failure = $state.raw<unknown>(null);
  /** Whether there is more than was read. */
  cut = $state(false);

  constructor(
    /** The id of what it is about. */
    readonly stream: string,
    readonly read: (cursor: string | undefined) => Promise<ListPage<Event>>,
  ) {}

  /** Reads, and goes on with what happens. Returns how to stop it. */
  follow(): () => void {
    void this.load();
    return live.onEvents((events) => this.#add(events.filter((event) => event.stream === this.stream)));
  }

  async load(): Promise<void> {
    try {
      const { items, cut } = await readAll(this.read);
      this.#add(items);
      this.cut = cut;
      this.state = 'ready';
    } catch (failure) {
      if (this.events.length > 0) return;
      this.failure = failure;
      this.state = 'failed';
    }
  }

  #add(events: readonly Event[]): void {
    if (events.length === 0) return;
    const known = new Map([...this.events, ...events].map((event) => [event.position, event]));
    this.events = [...known.values()].sort((a, b) => b.stream_version - a.stream_version);
  }
}
