// The secret of a link: after the #, which never reaches a server; taken out of the address as soon as it is read.

// Nowhere but here: what browsers keep of a page (its history, its state) may reach their disk.
let read = '';

/** Reads the secret once; later calls find what was read. A page that is loaded anew needs the whole link again. */
export function linkSecret(): string {
  const secret = location.hash.slice(1);
  if (secret !== '') {
    history.replaceState(history.state, '', location.pathname);
    read = secret;
  }
  return read;
}
