// The sending of a form that places something: what is wrong goes to its field, "no node can take it" is told node by node.
import { tick } from 'svelte';

import { idempotencyKey } from '../api/client';
import { Problem, wordsOf } from '../api/problem';
import { readNoNode, type NodeReason } from './refusal';

export class Placing {
  busy = $state(false);
  /** What is wrong with the whole, in the server's words. */
  failure = $state<string | null>(null);
  /** Each node and why it can't take it; none unless that was the answer. */
  noNode = $state.raw<NodeReason[] | null>(null);

  #key = { body: '', key: '' };

  /**
   * Sends `body` unless `check` finds something wrong. `settle` puts a refusal at the field that it is about and says whether
   * it found one.
   */
  async submit<Body>(
    event: SubmitEvent,
    check: () => Body | null,
    send: (body: Body, key: string) => Promise<void>,
    settle: (problem: Problem) => boolean,
  ): Promise<void> {
    event.preventDefault();
    if (this.busy) return;
    const form = event.currentTarget;
    this.failure = null;
    this.noNode = null;
    const body = check();
    if (body === null) return focusWrong(form);
    this.busy = true;
    try {
      await send(body, this.#keyFor(JSON.stringify(body)));
    } catch (failure) {
      this.#refuse(failure, settle);
      await focusWrong(form);
    } finally {
      this.busy = false;
    }
  }

  #refuse(failure: unknown, settle: (problem: Problem) => boolean): void {
    const problem = failure instanceof Problem ? failure : null;
    this.noNode = readNoNode(problem);
    if (this.noNode === null && !(problem && settle(problem))) this.failure = wordsOf(failure);
    // Nothing was made: the same once more is a new request, not a repeat that would get the same answer.
    if (problem && problem.status !== 0) this.#key = { body: '', key: '' };
  }

  /** The same request keeps its key, so that sending it again after a lost answer makes nothing twice. */
  #keyFor(body: string): string {
    if (this.#key.body !== body) this.#key = { body, key: idempotencyKey() };
    return this.#key.key;
  }
}

async function focusWrong(form: EventTarget | null): Promise<void> {
  await tick();
  if (form instanceof HTMLElement) form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
}
