// Asks the server for what a provider offers. The server asks the provider, so it may take longer than its own answers.
import { api, take } from '../api/client';
import type { Catalogue } from './wish.svelte';

/** How long a call that waits for a provider may take, in milliseconds: the server itself gives up sooner, and says why. */
const PROVIDER_TIMEOUT_MS = 90_000;

/** For calls that wait for a provider, in place of the client's own limit. */
export const patiently = (request: Request): Promise<Response> =>
  fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(PROVIDER_TIMEOUT_MS)]) });

export function catalogueOf(org: string): Catalogue {
  return {
    locations: (credential) =>
      take(
        api.GET('/api/orgs/{org}/credentials/{credential}/locations', {
          params: { path: { org, credential } },
          fetch: patiently,
        }),
      ),
    machineTypes: (credential, location) =>
      take(
        api.GET('/api/orgs/{org}/credentials/{credential}/locations/{location}/machine-types', {
          params: { path: { org, credential, location } },
          fetch: patiently,
        }),
      ),
    images: (credential, architecture) =>
      take(
        api.GET('/api/orgs/{org}/credentials/{credential}/images', {
          params: { path: { org, credential }, query: { architecture } },
          fetch: patiently,
        }),
      ),
  };
}
