// Where nodes come from. What the server has a client for is ready; the others are honestly announced.
import type { CloudProvider } from '../api/types';

export interface ProviderChoice {
  /** As the API names it. */
  id: string;
  name: string;
  about: string;
  /** Whether nodes can be made with it now. */
  ready: boolean;
}

/** Those that are there or announced, in the order of the picker. */
const ANNOUNCED: readonly ProviderChoice[] = [
  { id: 'manual', name: 'Manual', about: 'Any Linux server with Docker', ready: true },
  { id: 'hetzner', name: 'Hetzner', about: 'Cloud VM', ready: true },
  { id: 'google', name: 'Google Cloud', about: 'Compute Engine VM', ready: true },
  { id: 'ovh', name: 'OVHcloud', about: 'Public Cloud instance', ready: false },
  { id: 'scaleway', name: 'Scaleway', about: 'Instance', ready: false },
  { id: 'aws', name: 'AWS', about: 'EC2 instance', ready: false },
];

/** The choices of the picker; `served` is what the server says it can do, none before it has said so. */
export function providerChoices(served: readonly CloudProvider[] | null): readonly ProviderChoice[] {
  if (served === null) return ANNOUNCED;
  const can = new Set(['manual', ...served.map((provider) => provider.name)]);
  const known = new Set(ANNOUNCED.map((choice) => choice.id));
  const others = served
    .filter((provider) => !known.has(provider.name))
    .map(({ name, title }) => ({ id: name, name: title, about: 'Cloud VM', ready: true }));
  return [...ANNOUNCED.map((choice) => ({ ...choice, ready: can.has(choice.id) })), ...others];
}

/** A provider's name for people; one that is new to this version is its own name. */
export function providerName(id: string): string {
  return ANNOUNCED.find((choice) => choice.id === id)?.name ?? id;
}
