// A list that a provider offers: asked for when it is wanted, with its failure in the provider's words, and asked again on demand.

export class Offers<T extends { id: string }> {
  state = $state<'idle' | 'loading' | 'ready' | 'failed'>('idle');
  items = $state.raw<readonly T[]>([]);
  failure = $state.raw<unknown>(null);

  #read: (() => Promise<{ items: T[] }>) | null = null;
  #turn = 0;

  /** Asks; what an earlier question answers is not taken any more. Resolves to whether this one was answered. */
  async load(read: () => Promise<{ items: T[] }>): Promise<boolean> {
    this.#read = read;
    const turn = ++this.#turn;
    this.state = 'loading';
    this.items = [];
    try {
      const { items } = await read();
      if (turn !== this.#turn) return false;
      this.items = items;
      this.state = 'ready';
      return true;
    } catch (failure) {
      if (turn !== this.#turn) return false;
      this.failure = failure;
      this.state = 'failed';
      return false;
    }
  }

  /** Asks the same once more. */
  async retry(): Promise<boolean> {
    return this.#read === null ? false : this.load(this.#read);
  }

  /** There is nothing to ask for now. */
  clear(): void {
    this.#turn += 1;
    this.#read = null;
    this.items = [];
    this.state = 'idle';
  }

  find(id: string): T | undefined {
    return this.items.find((item) => item.id === id);
  }
}
