// A list of the organisation that is read by request, and read again when an event says that it changed.
import { readAll, type ListPage } from '../api/pages';
import { live } from './store.svelte';

export class Reading<T> {
  items = $state.raw<readonly T[]>([]);
  loaded = $state(false);
  failure = $state.raw<unknown>(null);
  #turn = 0;

  constructor(
    readonly changed: RegExp,
    readonly read: (cursor: string | undefined, after: string | undefined) => Promise<ListPage<T>>,
  ) {}

  /** Reads, and reads again on changes. Returns how to stop it. */
  follow(): () => void {
    void this.load();
    return live.onEvents((events) => {
      const last = events.findLast((event) => this.changed.test(event.kind));
      if (last) void this.load(last.position);
    });
  }

  /** Reads what was there at `after` at the latest. */
  async load(after?: string): Promise<void> {
    const turn = ++this.#turn;
    try {
      const { items } = await readAll((cursor) => this.read(cursor, after));
      if (turn !== this.#turn) return;
      this.items = items;
      this.loaded = true;
      this.failure = null;
    } catch (failure) {
      if (turn === this.#turn) this.failure = failure;
    }
  }
}
