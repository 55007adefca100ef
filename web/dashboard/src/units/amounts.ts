// CPU and memory as people write them. Pure.
import type { Verdict } from '../words/rules';

/** Docker's minimum, in thousandths of a core. */
export const CPU_MILLIS_MIN = 10;
/** What the API can carry, in thousandths of a core. */
const CPU_MILLIS_MAX = 2 ** 32 - 1;
/** Docker's minimum, in bytes. */
export const MEMORY_BYTES_MIN = 6 * 1024 * 1024;

export interface Amount {
  /** None: no limit. */
  value: number | null;
  error: Verdict;
}

const none: Amount = { value: null, error: null };
const wrong = (error: string): Amount => ({ value: null, error });

/** Cores as a decimal (`0.5`), or as `500m`; in thousandths of a core. */
export function readCores(text: string): Amount {
  const trimmed = text.trim().replace(',', '.');
  if (trimmed === '') return none;
  const match = /^(\d+(?:\.\d+)?|\.\d+)(m?)$/.exec(trimmed);
  if (!match) return wrong('A number, like 0.5 or 2.');
  const value = Math.round(Number(match[1]) * (match[2] === 'm' ? 1 : 1000));
  if (value < CPU_MILLIS_MIN) return wrong('At least 0.01 cores.');
  return value > CPU_MILLIS_MAX ? wrong('No machine has so many cores.') : { value, error: null };
}

const POWER: Readonly<Record<string, number>> = { '': 0, k: 1, m: 2, g: 3, t: 4 };

/** An amount of memory with its unit (`512 MiB`, `512m`, `2g`), powers of 1024 as Docker reads them; in bytes. */
export function readMemory(text: string): Amount {
  const trimmed = text.trim().replace(',', '.').toLowerCase();
  if (trimmed === '') return none;
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([kmgt]?)(i?b)?$/.exec(trimmed);
  if (!match) return wrong('Like 512 MiB or 2 GiB.');
  const [, number, prefix = '', suffix] = match;
  if (prefix === '' && suffix === undefined) return wrong(`Its unit? ${number} MiB?`);
  const value = Math.round(Number(number) * 1024 ** (POWER[prefix] ?? 0));
  if (value < MEMORY_BYTES_MIN) return wrong('At least 6 MiB.');
  return Number.isSafeInteger(value) ? { value, error: null } : wrong('No machine has so much memory.');
}
