import { expect, it } from 'vitest';
import { nearest } from '../../src/input/nearest.ts';

it.each([
  ['whomi', 'whoami'],
  ['verfy', 'verify'],
  ['dve', undefined],
  ['DEV', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('the word nearest to %.20s', (word, meant) => {
  expect(nearest(word, ['whoami', 'watch', 'verify', 'dev'])).toBe(meant);
});
