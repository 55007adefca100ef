import { describe, expect, it } from 'vitest';

import type { CloudMachineType } from '../api/types';
import { providerChoices, providerName } from '../words/providers';
import { monthly, priceWords } from '../words/provision';
import { Offers } from './offers.svelte';
import { checkSecret } from './secret';
import { arrangeMachines, checkWish, Wish, type Catalogue } from './wish.svelte';

const machineType = (id: string, changes: Partial<CloudMachineType> = {}): CloudMachineType => ({
  id,
  title: id.toUpperCase(),
  cpus: 2,
  memory_mib: 4096,
  disk_gb: 40,
  architecture: 'x86',
  price: { currency: 'EUR', hourly: '0.01', monthly: '5' },
  availability: 'available',
  ...changes,
});

const item = (id: string) => ({ id, title: id });

function catalogue(changes: Partial<Catalogue> = {}): Catalogue & { asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    locations: (credential) => (
      asked.push(credential),
      Promise.resolve({ items: [item('fsn1'), item('nbg1')] })
    ),
    machineTypes: (_, location) => {
      asked.push(location);
      const items = location === 'fsn1' ? [machineType('cx23'), machineType('cx33')] : [machineType('cx33')];
      return Promise.resolve({ items });
    },
    images: (_, processor) => {
      asked.push(processor);
      return Promise.resolve({ items: [item('ubuntu-24.04'), item('debian-12')] });
    },
    ...changes,
  };
}

const values = (changes = {}) => ({ credential: '', location: '', machine_type: '', image: '', ...changes });

describe('a wish', () => {
  it('asks for what can be asked, and takes the usual system', async () => {
    const ask = catalogue();
    const wish = new Wish(values({ credential: 'crd_a' }), ask);
    await wish.credentialChosen();
    wish.values.location = 'fsn1';
    await wish.locationChosen();
    await wish.processorKnown('x86');
    expect(ask.asked).toEqual(['crd_a', 'fsn1', 'x86']);
    expect(wish.values).toMatchObject({ location: 'fsn1', machine_type: '', image: 'debian-12' });
  });

  it('keeps a choice that is offered elsewhere too, and lets go of one that is not', async () => {
    const ask = catalogue();
    const before = { credential: 'crd_a', location: 'fsn1', machine_type: 'cx23', image: 'ubuntu-24.04' };
    const wish = new Wish(values(before), ask);
    await Promise.all([wish.credentialChosen(), wish.locationChosen(), wish.processorKnown('x86')]);
    expect(wish.values).toEqual(before);
    wish.values.location = 'nbg1';
    await wish.locationChosen();
    expect(wish.values.machine_type).toBe('');
    wish.values.location = 'moon';
    await wish.credentialChosen();
    expect(wish.values.location).toBe('');
  });

  it('never keeps what is sold out', async () => {
    const items = [machineType('cx23', { availability: 'sold_out' })];
    const ask = catalogue({ machineTypes: () => Promise.resolve({ items }) });
    const wish = new Wish(values({ credential: 'crd_a', location: 'fsn1', machine_type: 'cx23' }), ask);
    await wish.locationChosen();
    expect(wish.values.machine_type).toBe('');
  });

  it('says what is not chosen yet', () => {
    expect(checkWish.location('')).toBe('Choose where.');
    expect(checkWish.image('debian-12')).toBeNull();
  });
});

describe('what is offered', () => {
  it('is that of the last question', async () => {
    const offers = new Offers<{ id: string }>();
    let answer!: (items: { id: string }[]) => void;
    const slow = offers.load(() => new Promise((resolve) => (answer = (items) => resolve({ items }))));
    await offers.load(() => Promise.resolve({ items: [{ id: 'new' }] }));
    answer([{ id: 'old' }]);
    expect(await slow).toBe(false);
    expect(offers.items).toEqual([{ id: 'new' }]);
  });

  it('fails with its reason, and is asked again', async () => {
    const offers = new Offers<{ id: string }>();
    let broken = true;
    await offers.load(() =>
      broken ? Promise.reject(new Error('no')) : Promise.resolve({ items: [{ id: 'a' }] }),
    );
    expect([offers.state, (offers.failure as Error).message]).toEqual(['failed', 'no']);
    broken = false;
    expect(await offers.retry()).toBe(true);
    expect(offers.find('a')).toEqual({ id: 'a' });
    offers.clear();
    expect([offers.state, await offers.retry()]).toEqual(['idle', false]);
  });
});

describe('machine types', () => {
  it('stand by price, then size; sold out ones last', () => {
    const all = [
      machineType('gone', {
        availability: 'sold_out',
        price: { currency: 'EUR', hourly: '0', monthly: '1' },
      }),
      machineType('dear', { price: { currency: 'EUR', hourly: '0.1', monthly: '50' } }),
      machineType('untold-big', { price: null, cpus: 8 }),
      machineType('untold', { price: null }),
      machineType('cheap'),
    ];
    expect(arrangeMachines(all, '').map((one) => one.id)).toEqual([
      'cheap',
      'dear',
      'untold',
      'untold-big',
      'gone',
    ]);
    expect(arrangeMachines(all, 'BIG unt').map((one) => one.id)).toEqual(['untold-big']);
  });
});

describe('a secret', () => {
  it('is looked at before it is sent', () => {
    expect(checkSecret('hetzner', ' token ')).toBeNull();
    expect(checkSecret('hetzner', 'a b')).toContain('no spaces');
    expect(checkSecret('hetzner', '')).toContain('Paste');
    expect(checkSecret('google', '{"client_email":"a@b","private_key":"k"}')).toBeNull();
    expect(checkSecret('google', '{"client_email"')).toContain('whole JSON');
    for (const text of ['{"type":"authorized_user"}', 'null', '3', '[]'])
      expect(checkSecret('google', text), text).toContain('service account');
  });
});

describe('providers', () => {
  const served = (name: string) => ({ name, title: `${name} Cloud`, credential: 'A token.' });

  it('are ready where the server has a client for them', () => {
    const ready = (choices: ReturnType<typeof providerChoices>) =>
      choices.filter((choice) => choice.ready).map((choice) => choice.id);
    expect(ready(providerChoices(null))).toEqual(['manual', 'hetzner', 'google']);
    expect(ready(providerChoices([served('hetzner')]))).toEqual(['manual', 'hetzner']);
    expect(providerChoices([served('brand-new')]).at(-1)).toMatchObject({
      id: 'brand-new',
      name: 'brand-new Cloud',
    });
    expect([providerName('google'), providerName('brand-new')]).toEqual(['Google Cloud', 'brand-new']);
  });
});

describe('prices', () => {
  it('are short, and say nothing that the provider did not', () => {
    const price = { currency: 'EUR', hourly: '0.0056190000', monthly: '3.5641000000' };
    expect(priceWords(price)).toBe('€0.0056 an hour, at most €3.56 a month');
    expect(monthly({ currency: 'CHF', hourly: '1', monthly: '700' })).toBe('700.00 CHF a month');
    expect(monthly({ currency: 'USD', hourly: '?', monthly: 'on request' })).toBe('on request USD a month');
  });
});
