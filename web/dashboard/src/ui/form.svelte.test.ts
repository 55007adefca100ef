// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';

import { Problem } from '../api/problem';
import { Form } from './form.svelte';

const make = () =>
  new Form({ name: '', note: '' }, { name: (value) => (value === '' ? 'Give it a name.' : null) });
const event = () => {
  const form = document.createElement('form');
  const submit = new Event('submit', { cancelable: true });
  Object.defineProperty(submit, 'currentTarget', { value: form });
  return submit as SubmitEvent;
};
const refuse = (code: string, detail: string) => () =>
  Promise.reject(Problem.from(409, { code, detail, title: '' }));

describe('a form', () => {
  it('says nothing before a field was left with something in it, or the form was sent', async () => {
    const form = make();
    form.leave('name');
    expect(form.error('name')).toBeNull();
    expect(await form.submit(event(), () => Promise.reject(new Error('was sent')))).toBe(false);
    expect(form.error('name')).toBe('Give it a name.');
    expect(form.failure).toBeNull();
  });

  it('puts a refusal at the field it is about, until that field changes', async () => {
    const form = make();
    form.values.name = 'a';
    expect(await form.submit(event(), refuse('name_taken', 'another node is called "a"'))).toBe(false);
    expect(form.error('name')).toBe('Another node is called "a".');
    expect(form.failure).toBeNull();
    form.values.name = 'b';
    expect(form.error('name')).toBeNull();
  });

  it('says what is about no field for the whole form, and keeps the refusal', async () => {
    const form = make();
    form.values.name = 'a';
    await form.submit(event(), refuse('node_deleting', 'the node is being deleted'));
    expect(form.failure).toBe('The node is being deleted.');
    expect(form.problem?.code).toBe('node_deleting');
  });

  it('keeps its key for the same request, and takes another for another', async () => {
    const form = make();
    const keys: string[] = [];
    const send = (_: unknown, key: string) => (keys.push(key), Promise.reject(Problem.unreachable()));
    form.values.name = 'a';
    await form.submit(event(), send);
    await form.submit(event(), send);
    form.values.name = 'b';
    await form.submit(event(), send);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[0]);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  });

  it('is sent once at a time', async () => {
    const form = make();
    form.values.name = 'a';
    let sent = 0;
    let done = () => {};
    const send = () => ((sent += 1), new Promise<void>((resolve) => (done = resolve)));
    const first = form.submit(event(), send);
    expect(await form.submit(event(), send)).toBe(false);
    done();
    expect(await first).toBe(true);
    expect(sent).toBe(1);
  });
});
