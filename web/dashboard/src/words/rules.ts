// What names and texts may look like, as core/src/name.rs has it, in the same words: said while typing, not after sending.

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const LABEL_KEY = /^[A-Za-z0-9./_-]{1,63}$/;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
// Control characters, as the server refuses them.
const CONTROL = /\p{Cc}/u;
export const LABELS_MAX = 32;
export const TEXT_BYTES_MAX = 200;

/** What is wrong, in words; none when nothing is. */
export type Verdict = string | null;

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

export function checkName(text: string): Verdict {
  if (NAME.test(text)) return null;
  if (text === '') return 'Give it a name.';
  if (text.length > 63) return `At most 63 characters; these are ${text.length}.`;
  return 'Lower-case letters, digits and hyphens; starts and ends with a letter or digit, like prod-eu-1.';
}

export function checkText(text: string, what: string): Verdict {
  return text.trim() === '' ? `${what} must say something.` : checkRemark(text, what);
}

export function checkRemark(text: string, what: string): Verdict {
  if (byteLength(text) > TEXT_BYTES_MAX)
    return `${what} is at most ${TEXT_BYTES_MAX} bytes long; this is ${byteLength(text)}.`;
  return CONTROL.test(text) ? `${what} has no line breaks or other control characters.` : null;
}

export function checkEmail(text: string): Verdict {
  const at = text.lastIndexOf('@');
  const host = text.slice(at + 1);
  const printable = byteLength(text) <= 254 && !/[\s\p{Cc}]/u.test(text);
  const fits = printable && at > 0 && host.includes('.') && !host.startsWith('.') && !host.endsWith('.');
  return fits ? null : 'Write an e-mail address, like ada@example.com.';
}

export function checkPassword(text: string): Verdict {
  const length = [...text].length;
  if (length < 10) return `At least 10 characters${length > 0 ? `; these are ${length}` : ''}.`;
  return length > 200 ? 'At most 200 characters.' : null;
}

export function checkImage(text: string): Verdict {
  if (text === '') return 'Name an image, like debian:12.';
  const fits = text.length <= 255 && /^[!-~]+$/.test(text) && !text.startsWith('-');
  return fits ? null : 'An image has 1 to 255 characters without spaces, like debian:12.';
}

export function checkEnvName(text: string): Verdict {
  return ENV_NAME.test(text)
    ? null
    : 'Letters, digits and underscores, at most 128, not starting with a digit.';
}

export interface Pairs {
  pairs: Record<string, string>;
  error: Verdict;
}

/** Reads labels as people write them: `zone=eu, disk=ssd`, also one a line. */
export function readLabels(text: string): Pairs {
  const pairs: Record<string, string> = {};
  for (const part of text.split(/[,\n]/)) {
    const trimmed = part.trim();
    if (trimmed === '') continue;
    const equals = trimmed.indexOf('=');
    const key = (equals < 0 ? trimmed : trimmed.slice(0, equals)).trim();
    const value = equals < 0 ? '' : trimmed.slice(equals + 1).trim();
    const error = checkLabel(key, value) ?? (Object.hasOwn(pairs, key) ? `“${key}” is there twice.` : null);
    if (error !== null) return { pairs, error };
    pairs[key] = value;
  }
  const tooMany = Object.keys(pairs).length > LABELS_MAX;
  return { pairs, error: tooMany ? `At most ${LABELS_MAX} labels.` : null };
}

function checkLabel(key: string, value: string): Verdict {
  if (!LABEL_KEY.test(key))
    return `“${key}” is no key: letters, digits, dots, slashes, hyphens and underscores, at most 63.`;
  return byteLength(value) > 63 || CONTROL.test(value)
    ? `The value of “${key}” is at most 63 bytes long.`
    : null;
}

/** Writes labels as {@link readLabels} reads them. */
export function writeLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => (value === '' ? key : `${key}=${value}`))
    .join(', ');
}
