// What machine is wanted, chosen step by step: each choice says what can be asked for next.
import type { CloudImage, CloudLocation, CloudMachineType } from '../api/types';
import { Offers } from './offers.svelte';

/** What is chosen, as ids; empty for what is not yet. */
export interface WishValues {
  credential: string;
  location: string;
  machine_type: string;
  image: string;
}

/** What is wrong while something is not chosen, for a form. */
export const checkWish = {
  credential: chosen('a credential'),
  location: chosen('where'),
  machine_type: chosen('a machine type'),
  image: chosen('an image'),
};

function chosen(what: string): (value: string) => string | null {
  return (value) => (value === '' ? `Choose ${what}.` : null);
}

export type Processor = 'x86' | 'arm';

/** How the lists are asked for. */
export interface Catalogue {
  locations(credential: string): Promise<{ items: CloudLocation[] }>;
  machineTypes(credential: string, location: string): Promise<{ items: CloudMachineType[] }>;
  images(credential: string, processor: Processor): Promise<{ items: CloudImage[] }>;
}

export class Wish {
  readonly locations = new Offers<CloudLocation>();
  readonly machineTypes = new Offers<CloudMachineType>();
  readonly images = new Offers<CloudImage>();

  constructor(
    readonly values: WishValues,
    readonly ask: Catalogue,
  ) {}

  get machine(): CloudMachineType | undefined {
    return this.machineTypes.find(this.values.machine_type);
  }

  /** Another credential, or none: where it can have machines. A choice that is offered there too stays. */
  async credentialChosen(): Promise<void> {
    const { credential } = this.values;
    this.machineTypes.clear();
    this.images.clear();
    if (credential === '') return this.locations.clear();
    if (await this.locations.load(() => this.ask.locations(credential)))
      this.#keepOffered('location', this.locations);
  }

  /** Another location, or none: what can be had there. */
  async locationChosen(): Promise<void> {
    const { credential, location } = this.values;
    if (credential === '' || location === '') return this.machineTypes.clear();
    const read = () => this.ask.machineTypes(credential, location);
    if (await this.machineTypes.load(read)) this.#machinesKnown();
  }

  /** Systems for the processor of the machine, or for the usual one before a machine is chosen. */
  async processorKnown(processor: Processor): Promise<void> {
    const { credential } = this.values;
    if (credential === '') return this.images.clear();
    if (!(await this.images.load(() => this.ask.images(credential, processor)))) return;
    this.#keepOffered('image', this.images);
    if (this.values.image === '') this.values.image = usualImage(this.images.items)?.id ?? '';
  }

  #machinesKnown(): void {
    if (this.machine?.availability === 'sold_out') this.values.machine_type = '';
    this.#keepOffered('machine_type', this.machineTypes);
  }

  #keepOffered(field: 'location' | 'machine_type' | 'image', offers: Offers<{ id: string }>): void {
    if (!offers.find(this.values[field])) this.values[field] = '';
  }
}

/** The system that most take: Debian, else the first. */
function usualImage(images: readonly CloudImage[]): CloudImage | undefined {
  return images.find((image) => /debian/i.test(image.id)) ?? images[0];
}

const price = (machine: CloudMachineType): number =>
  machine.price === null ? Number.POSITIVE_INFINITY : Number(machine.price.monthly);

/** What can be had first, the cheapest or smallest of it first; what is sold out last. Filtered by words. */
export function arrangeMachines(machines: readonly CloudMachineType[], text: string): CloudMachineType[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (machine: CloudMachineType) => {
    const all = `${machine.id} ${machine.title} ${machine.architecture ?? ''}`.toLowerCase();
    return words.every((word) => all.includes(word));
  };
  const soldOut = (machine: CloudMachineType) => Number(machine.availability === 'sold_out');
  const cost = (a: CloudMachineType, b: CloudMachineType) => {
    const [one, other] = [price(a), price(b)];
    return one === other ? 0 : one - other;
  };
  return machines
    .filter(fits)
    .sort(
      (a, b) =>
        soldOut(a) - soldOut(b) ||
        cost(a, b) ||
        a.cpus - b.cpus ||
        a.memory_mib - b.memory_mib ||
        (a.id < b.id ? -1 : 1),
    );
}
