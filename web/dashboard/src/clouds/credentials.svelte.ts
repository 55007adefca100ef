// The clouds that this server can make machines at, and the organisation's credentials there.
import { api, take } from '../api/client';
import type { CloudCredential, CloudProvider } from '../api/types';
import { Reading } from '../live/reading.svelte';

/** The organisation's credentials, read again when one of them, or what needs them, changes. */
export function readCredentials(org: string): Reading<CloudCredential> {
  const changed = /^(credential\.|node\.(provision_requested|machine_removed|machine_abandoned|deleted)$)/;
  return new Reading<CloudCredential>(changed, (cursor, after) =>
    take(api.GET('/api/orgs/{org}/credentials', { params: { path: { org }, query: { cursor, after } } })),
  );
}

class Providers {
  /** None before the server has said. */
  served = $state.raw<readonly CloudProvider[] | null>(null);

  /** Asks once; without an answer the next page that wants to know asks again. */
  async learn(): Promise<void> {
    if (this.served !== null) return;
    try {
      this.served = (await take(api.GET('/api/providers'))).items;
    } catch {
      // What is announced is shown until then.
    }
  }

  of(name: string): CloudProvider | undefined {
    return this.served?.find((provider) => provider.name === name);
  }
}

export const providers = new Providers();
