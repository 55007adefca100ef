// The life of a form: what is typed, what is wrong with it, and the sending. Errors of the server go to the field they are about.
import { tick } from 'svelte';

import { idempotencyKey } from '../api/client';
import { fieldOf, Problem, wordsOf } from '../api/problem';
import type { Verdict } from '../words/rules';

type Values<F extends string> = Record<F, string>;
type Checks<F extends string> = Partial<Record<F, (value: string, values: Values<F>) => Verdict>>;

export class Form<F extends string> {
  values = $state() as Values<F>;
  busy = $state(false);
  /** What is wrong with the form as a whole, in the server's words. */
  failure = $state<string | null>(null);
  /** The refusal itself, for those who want more than its words. */
  problem = $state.raw<Problem | null>(null);

  #checks: Checks<F>;
  #fields: F[];
  #left = $state<Partial<Record<F, boolean>>>({});
  #refused = $state.raw<{ field: F; value: string; words: string } | null>(null);
  #key = { body: '', key: '' };

  constructor(initial: Values<F>, checks: Checks<F> = {}) {
    this.values = { ...initial };
    this.#fields = Object.keys(initial) as F[];
    this.#checks = checks;
  }

  /** What to say at a field; nothing before it was left or the form was sent. */
  error(field: F): string | null {
    const value = this.values[field];
    if (this.#refused?.field === field && this.#refused.value === value) return this.#refused.words;
    return this.#left[field] ? this.verdict(field) : null;
  }

  /** What is wrong with a field, said or not. */
  verdict(field: F): Verdict {
    return this.#checks[field]?.(this.values[field], this.values) ?? null;
  }

  /** A field was left: from now on what is wrong with it is said. An empty one that was only passed is not. */
  leave(field: F): void {
    if (this.values[field] !== '') this.#left[field] = true;
  }

  /** Sends, unless something is wrong that is known here. Resolves to whether it went well. */
  async submit(
    event: SubmitEvent,
    send: (values: Values<F>, key: string) => Promise<void>,
  ): Promise<boolean> {
    event.preventDefault();
    if (this.busy) return false;
    const form = event.currentTarget;
    for (const field of this.#fields) this.#left[field] = true;
    this.failure = null;
    this.problem = null;
    if (this.#fields.some((field) => this.verdict(field) !== null)) return this.#show(form);
    this.busy = true;
    try {
      const values = { ...this.values };
      await send(values, this.#keyFor(JSON.stringify(values)));
      return true;
    } catch (failure) {
      this.#refuse(failure);
      return this.#show(form);
    } finally {
      this.busy = false;
    }
  }

  /** Starts over. */
  reset(values: Partial<Values<F>> = {}): void {
    for (const field of this.#fields) this.values[field] = values[field] ?? '';
    this.#left = {};
    this.#refused = null;
    this.failure = null;
    this.problem = null;
  }

  #refuse(failure: unknown): void {
    this.problem = failure instanceof Problem ? failure : null;
    const field = this.problem ? (fieldOf(this.problem, this.#fields) as F | null) : null;
    if (field === null) this.failure = wordsOf(failure);
    else this.#refused = { field, value: this.values[field], words: wordsOf(failure) };
  }

  async #show(form: EventTarget | null): Promise<false> {
    await tick();
    if (form instanceof HTMLElement) form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
    return false;
  }

  /** The same request keeps its key, so that sending it again after a lost answer does nothing twice. */
  #keyFor(body: string): string {
    if (this.#key.body !== body) this.#key = { body, key: idempotencyKey() };
    return this.#key.key;
  }
}
