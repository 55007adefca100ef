import { expect, it } from 'vitest';

import { positionAt, seqOf } from './position';

it('positions are read and made within one log', () => {
  expect(seqOf('fefaf01a7dabee97.0.60')).toBe(60);
  expect(seqOf('nonsense')).toBe(0);
  expect(positionAt('fefaf01a7dabee97.0.60', 12)).toBe('fefaf01a7dabee97.0.12');
  expect(positionAt('fefaf01a7dabee97.0.60', -3)).toBe('fefaf01a7dabee97.0.0');
  expect(positionAt(null, 12)).toBeUndefined();
  expect(positionAt('nonsense', 12)).toBeUndefined();
});
