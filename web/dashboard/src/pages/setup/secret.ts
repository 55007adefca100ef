// The secret of a link: after the #, which never reaches a server; taken out of the address as soon as it is read.

/** Reads the secret once; later calls of the same page find what was read. */
export function linkSecret(): string {
  const secret = location.hash.slice(1);
  if (secret !== '') {
    history.replaceState({ secret }, '', location.pathname);
    return secret;
  }
  const kept: unknown = history.state;
  return typeof kept === 'object' && kept !== null && 'secret' in kept ? String(kept.secret) : '';
}
