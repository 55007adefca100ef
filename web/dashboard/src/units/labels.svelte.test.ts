import { describe, expect, it } from 'vitest';

import { LabelsDraft } from './labels.svelte';

describe('labels that a node must have', () => {
  it('are none unless said, and what is wrong is said when they are left or sent', () => {
    const draft = new LabelsDraft();
    expect([draft.read(), draft.error]).toEqual([{}, null]);
    const other = new LabelsDraft();
    other.text = 'zone=eu, zone=us';
    expect(other.error).toBeNull();
    other.leave();
    expect(other.error).toContain('there twice');
    expect(other.read()).toBeNull();
    other.text = 'zone=eu, gpu';
    expect([other.error, other.read()]).toEqual([null, { zone: 'eu', gpu: '' }]);
  });
});
