// Where nodes come from. A provider that the API knows is ready; the others are honestly announced.
import type { Provider } from '../api/types';

export const PROVIDER_NAMES: Readonly<Record<Provider, string>> = { manual: 'Manual' };

export interface ProviderChoice {
  id: string;
  name: string;
  about: string;
  /** Whether nodes can be made with it now. */
  ready: boolean;
}

/** All providers in the order of the picker. Making one `ready` needs a form for it in the page that adds nodes. */
export const PROVIDERS: readonly ProviderChoice[] = [
  { id: 'manual', name: 'Manual', about: 'Any Linux server with Docker', ready: true },
  { id: 'hetzner', name: 'Hetzner', about: 'Cloud VM', ready: false },
  { id: 'gcp', name: 'Google Cloud', about: 'Compute Engine VM', ready: false },
  { id: 'ovh', name: 'OVHcloud', about: 'Public Cloud instance', ready: false },
  { id: 'scaleway', name: 'Scaleway', about: 'Instance', ready: false },
  { id: 'aws', name: 'AWS', about: 'EC2 instance', ready: false },
];
