// What can be said of a pasted secret before its provider is asked. Pure.
import type { Verdict } from '../words/rules';

/** What is wrong with it, where that can be seen; the provider has the last word. */
export function checkSecret(provider: string, secret: string): Verdict {
  const text = secret.trim();
  if (text === '') return 'Paste what the provider gave.';
  if (provider !== 'google') return /\s/.test(text) ? 'A token has no spaces: paste it alone.' : null;
  let key: unknown;
  try {
    key = JSON.parse(text);
  } catch {
    return 'This is not a whole JSON file: paste all of it, from { to }.';
  }
  const has = (member: string) => typeof (key as Record<string, unknown> | null)?.[member] === 'string';
  if (has('client_email') && has('private_key')) return null;
  return 'This is no service account’s key: its file has client_email and private_key.';
}
