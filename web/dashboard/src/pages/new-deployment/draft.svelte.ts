// A deployment as it is typed: its name, and services that differ in theirs.
import type { Problem } from '../../api/problem';
import { LabelsDraft } from '../../units/labels.svelte';
import { SpecDraft } from '../../units/spec.svelte';
import { checkName, type Verdict } from '../../words/rules';

/** As core/src/decide.rs has it. */
export const SERVICES_MAX = 16;

export class DeploymentDraft {
  name = $state('');
  node = $state('');
  readonly labels = new LabelsDraft();
  services = $state.raw<readonly SpecDraft[]>([new SpecDraft(true)]);
  #left = $state(false);
  #refused = $state.raw<{ name: string; words: string } | null>(null);

  /** What to say at the name. */
  get error(): Verdict {
    if (this.#refused?.name === this.name) return this.#refused.words;
    return this.#left ? checkName(this.name) : null;
  }

  leave(): void {
    this.#left ||= this.name !== '';
  }

  add(): void {
    this.services = [...this.services, new SpecDraft(true)];
  }

  remove(service: SpecDraft): void {
    this.services = this.services.filter((other) => other !== service);
  }

  /** What to say at a service's name: its own rules, and that no two are the same. */
  serviceError(service: SpecDraft): Verdict {
    return service.error('name') ?? this.#twice(service);
  }

  /** What to send; none when something is wrong, which from now on is said. */
  body() {
    this.#left = true;
    // All of them, so that each says what is wrong with it.
    const right = this.services.map((service) => service.check() && this.#twice(service) === null);
    const labels = this.labels.read();
    if (checkName(this.name) !== null || right.includes(false) || labels === null) return null;
    return {
      name: this.name,
      node: this.node || null,
      labels,
      services: this.services.map((service) => ({ ...service.spec(), name: service.name })),
    };
  }

  /** Puts a refusal at the name when it is about that: of services the server does not say which. */
  settle(problem: Problem): boolean {
    if (problem.code !== 'name_taken' || !problem.detail.includes('deployment of this project')) return false;
    this.#refused = { name: this.name, words: problem.detail };
    return true;
  }

  #twice(service: SpecDraft): Verdict {
    const same = this.services.find((other) => other.name !== '' && other.name === service.name);
    return same !== undefined && same !== service ? 'Another service of this deployment is called so.' : null;
  }
}
