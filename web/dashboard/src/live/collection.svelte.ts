// A reactive map whose readers are woken as little as possible: whoever reads one item is woken by that item alone;
// whoever reads the list, by items that come and go; whoever computes over all of them, a few times a second.
import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';

/** Shortest time between two wake-ups of those who compute over all items, in milliseconds. */
export const PULSE_MS = 250;

/** The place of one item; stays the same object for as long as the item is there. */
export class Entry<T> {
  value = $state.raw() as T;

  constructor(
    readonly id: string,
    value: T,
  ) {
    this.value = value;
  }
}

export class Collection<T extends { id: string }> {
  // Its values are entries, which never change: only what comes and goes is seen through it.
  #entries = new SvelteMap<string, Entry<T>>();
  #pulse = $state(0);
  #pulsedAt = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** One item; its reader is woken when it changes, comes or goes. */
  get(id: string): T | undefined {
    return this.#entries.get(id)?.value;
  }

  /** All entries, in the order they came; its reader is woken when one comes or goes. */
  entries(): Entry<T>[] {
    return [...this.#entries.values()];
  }

  /** All items as they are now; its reader is woken at most every {@link PULSE_MS}, and at once when one comes or goes. */
  all(): T[] {
    void this.#pulse;
    const entries = this.entries();
    return untrack(() => entries.map((entry) => entry.value));
  }

  /** Wakes its reader like {@link all}, without reading anything. */
  get pulse(): number {
    return this.#pulse;
  }

  get size(): number {
    return this.#entries.size;
  }

  put(items: readonly T[]): void {
    if (items.length === 0) return;
    for (const item of items) {
      const entry = untrack(() => this.#entries.get(item.id));
      if (entry) entry.value = item;
      else this.#entries.set(item.id, new Entry(item.id, item));
    }
    this.#beat();
  }

  remove(ids: readonly string[]): void {
    for (const id of ids) this.#entries.delete(id);
  }

  /** Keeps only these items, and their entries: a new snapshot of the same things redraws only what differs. */
  retain(ids: ReadonlySet<string>): void {
    for (const id of untrack(() => [...this.#entries.keys()])) if (!ids.has(id)) this.#entries.delete(id);
  }

  clear(): void {
    this.#entries.clear();
    this.#beat();
  }

  #beat(): void {
    if (this.#timer !== null) return;
    const wait = this.#pulsedAt + PULSE_MS - Date.now();
    if (wait <= 0) this.#pulseNow();
    else this.#timer = setTimeout(() => this.#pulseNow(), wait);
  }

  #pulseNow(): void {
    this.#timer = null;
    this.#pulsedAt = Date.now();
    this.#pulse += 1;
  }
}
