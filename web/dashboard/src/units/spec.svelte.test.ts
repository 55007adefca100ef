import { describe, expect, it } from 'vitest';

import { DeploymentDraft } from '../pages/new-deployment/draft.svelte';
import { Problem } from '../api/problem';
import { EnvRow, SpecDraft } from './spec.svelte';

function row(name: string, value: string): EnvRow {
  const made = new EnvRow();
  made.name = name;
  made.value = value;
  return made;
}

describe('what is to be run', () => {
  it('becomes what the API takes', () => {
    const draft = new SpecDraft(false);
    draft.image = 'debian:12';
    draft.command = "sh -c 'a b'";
    draft.cpu = '0.5';
    draft.memory = '64 MiB';
    draft.restart = 'on-failure';
    draft.retries = '3';
    draft.env = [row('KEY', 'secret'), row('', '')];
    expect(draft.check()).toBe(true);
    expect(draft.spec()).toEqual({
      image: 'debian:12',
      command: ['sh', '-c', 'a b'],
      env: { KEY: 'secret' },
      cpu_millis: 500,
      memory_bytes: 64 * 1024 * 1024,
      restart: { 'on-failure': { max: 3 } },
    });
  });

  it('says nothing of a field before it was left, and everything when it is sent', () => {
    const draft = new SpecDraft(true);
    expect(draft.error('image')).toBeNull();
    draft.leave('image');
    expect(draft.error('image')).toBeNull();
    expect(draft.check()).toBe(false);
    expect(draft.error('image')).not.toBeNull();
    expect(draft.error('name')).not.toBeNull();
  });

  it('needs a name only where others reach it by that', () => {
    const worker = new SpecDraft(false);
    worker.image = 'x';
    expect(worker.check()).toBe(true);
    worker.name = 'Not A Name';
    expect(worker.check()).toBe(false);
  });

  it('refuses variables that are there twice, have no name, or are too much', () => {
    const draft = new SpecDraft(false);
    draft.image = 'x';
    draft.env = [row('A', '1'), row('A', '2')];
    expect(draft.check()).toBe(false);
    draft.env = [row('', 'value')];
    expect(draft.check()).toBe(false);
    draft.env = [row('BIG', 'x'.repeat(33 * 1024))];
    expect(draft.check()).toBe(false);
  });

  it('counts attempts only where there are some', () => {
    const draft = new SpecDraft(false);
    draft.image = 'x';
    draft.retries = '0';
    expect(draft.check()).toBe(true);
    draft.restart = 'on-failure';
    expect(draft.check()).toBe(false);
  });

  it('keeps the server’s words at a field until it changes', () => {
    const draft = new SpecDraft(false);
    draft.name = 'api';
    expect(draft.refuse('name', 'taken')).toBe(true);
    expect(draft.error('name')).toBe('taken');
    draft.name = 'api2';
    expect(draft.error('name')).toBeNull();
    expect(draft.refuse('elsewhere', 'x')).toBe(false);
  });
});

describe('a deployment', () => {
  it('has services of different names', () => {
    const draft = new DeploymentDraft();
    draft.name = 'shop';
    draft.add();
    for (const service of draft.services) {
      service.name = 'web';
      service.image = 'x';
    }
    expect(draft.body()).toBeNull();
    expect(draft.services.map((service) => draft.serviceError(service) !== null)).toEqual([false, true]);
    draft.services[1]!.name = 'db';
    expect(draft.body()?.services.map((service) => service.name)).toEqual(['web', 'db']);
  });

  it('takes a refusal of its own name, not of a service’s', () => {
    const draft = new DeploymentDraft();
    draft.name = 'shop';
    const taken = (what: string) => new Problem(409, 'name_taken', '', `Another ${what} is called "shop"`);
    expect(draft.settle(taken('service of this deployment'))).toBe(false);
    expect(draft.settle(taken('deployment of this project'))).toBe(true);
    expect(draft.error).toContain('shop');
  });
});
