// What is to be run, as it is typed: one worker, or one service of a deployment. Checks in the words of core/src/decide/unit.rs.
import type { components } from '../api/schema';
import { checkEnvName, checkImage, checkName, type Verdict } from '../words/rules';
import { readCores, readMemory } from './amounts';
import { readCommand } from './command-words';

type Spec = Omit<components['schemas']['WantedService'], 'name'>;
export type RestartChoice = 'no' | 'on-failure' | 'always' | 'unless-stopped';

export const RESTARTS: readonly { value: RestartChoice; text: string }[] = [
  { value: 'no', text: 'Never' },
  { value: 'on-failure', text: 'After a failure' },
  { value: 'unless-stopped', text: 'Always, unless stopped by hand' },
  { value: 'always', text: 'Always' },
];

const SPEC_BYTES_MAX = 16 * 1024;
const ENV_BYTES_MAX = 32 * 1024;
const RETRIES_MAX = 1000;

export const FIELDS = ['name', 'image', 'command', 'cpu', 'memory', 'retries'] as const;
export type SpecField = (typeof FIELDS)[number];

const byteLength = (text: string) => new TextEncoder().encode(text).length;
let rows = 0;

/** One variable of an environment. */
export class EnvRow {
  readonly key = rows++;
  name = $state('');
  value = $state('');
  left = $state(false);
}

export class SpecDraft {
  name = $state('');
  image = $state('');
  command = $state('');
  cpu = $state('');
  memory = $state('');
  restart = $state<RestartChoice>('no');
  retries = $state('5');
  env = $state<EnvRow[]>([]);

  #left = $state<Partial<Record<SpecField, boolean>>>({});
  // What the server said of a field, for as long as the field says the same.
  #refused = $state.raw<{ field: string; value: string; words: string } | null>(null);

  constructor(
    /** Whether it must have a name: a service is reached by it, a worker gets one from its image. */
    readonly named: boolean,
  ) {}

  readonly words = $derived(readCommand(this.command));
  readonly cores = $derived(readCores(this.cpu));
  readonly bytes = $derived(readMemory(this.memory));

  /** What is wrong with a field, said or not. */
  verdict(field: SpecField): Verdict {
    switch (field) {
      case 'name':
        return this.name === '' && !this.named ? null : checkName(this.name);
      case 'image':
        return checkImage(this.image);
      case 'command':
        return this.words.error ?? this.#tooLong();
      case 'cpu':
        return this.cores.error;
      case 'memory':
        return this.bytes.error;
      case 'retries':
        return this.restart === 'on-failure' && !this.#retriesFit()
          ? `A number from 1 to ${RETRIES_MAX}.`
          : null;
    }
  }

  /** What to say at a field: nothing before it was left or the form was sent. */
  error(field: SpecField): Verdict {
    if (this.#refused?.field === field && this.#refused.value === this[field]) return this.#refused.words;
    return this.#left[field] ? this.verdict(field) : null;
  }

  leave(field: SpecField): void {
    if (this[field] !== '') this.#left[field] = true;
  }

  /** What is wrong with a row of the environment; an empty row is none. */
  rowVerdict(row: EnvRow): Verdict {
    if (row.name === '' && row.value === '') return null;
    if (row.value.includes('\0')) return 'A value can’t hold a NUL character.';
    const twice = this.env.some((other) => other !== row && other.name === row.name);
    return checkEnvName(row.name) ?? (twice ? `${row.name} is there twice.` : null);
  }

  rowError(row: EnvRow): Verdict {
    return row.left ? this.rowVerdict(row) : null;
  }

  /** What is wrong with the environment as a whole. */
  envVerdict(): Verdict {
    const bytes = this.env.reduce((sum, row) => sum + byteLength(row.name) + byteLength(row.value), 0);
    return bytes > ENV_BYTES_MAX ? 'An environment is at most 32 KiB, names and values together.' : null;
  }

  /** Whether all is well; from now on everything that is wrong is said. */
  check(): boolean {
    for (const field of FIELDS) this.#left[field] = true;
    for (const row of this.env) row.left = true;
    const fields = FIELDS.every((field) => this.verdict(field) === null);
    return fields && this.env.every((row) => this.rowVerdict(row) === null) && this.envVerdict() === null;
  }

  /** Puts the server's words at a field. */
  refuse(field: string, words: string): boolean {
    const known = FIELDS.find((one) => one === field);
    if (!known) return false;
    this.#refused = { field: known, value: this[known], words };
    return true;
  }

  spec(): Spec {
    const env = this.env.filter((row) => row.name !== '').map((row) => [row.name, row.value] as const);
    return {
      image: this.image,
      command: this.words.words,
      env: Object.fromEntries(env),
      cpu_millis: this.cores.value,
      memory_bytes: this.bytes.value,
      restart: this.restart === 'on-failure' ? { 'on-failure': { max: Number(this.retries) } } : this.restart,
    };
  }

  #retriesFit(): boolean {
    return (
      /^\d{1,4}$/.test(this.retries.trim()) &&
      Number(this.retries) >= 1 &&
      Number(this.retries) <= RETRIES_MAX
    );
  }

  #tooLong(): Verdict {
    const texts = [...this.words.words, ...this.env.map((row) => row.name)];
    const bytes = texts.reduce((sum, text) => sum + byteLength(text), 0);
    return bytes > SPEC_BYTES_MAX ? 'Command and names of variables are at most 16 KiB together.' : null;
  }
}
