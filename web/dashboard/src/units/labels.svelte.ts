// Labels that a node must have, as they are typed.
import { readLabels, type Verdict } from '../words/rules';

export class LabelsDraft {
  text = $state('');
  #left = $state(false);

  /** What to say at the field. */
  get error(): Verdict {
    return this.#left ? readLabels(this.text).error : null;
  }

  leave(): void {
    this.#left = true;
  }

  /** What to send; none when something is wrong, which from now on is said. */
  read(): Record<string, string> | null {
    this.#left = true;
    const { pairs, error } = readLabels(this.text);
    return error === null ? pairs : null;
  }
}
