import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const folder = new URL('..', import.meta.url);
const examples = readdirSync(folder).filter((name) => name.endsWith('.js') && !name.endsWith('_pb.js'));
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');
const tests = readdirSync(fileURLToPath(new URL('test', folder)))
  .filter((name) => name.endsWith('.adapter.ts'))
  .map((name) => read(`test/${name}`))
  .join('\n');

describe.each(examples)('%s', (name) => {
  it('is a program of 30 lines at most', () => {
    expect(read(name).trimEnd().split('\n').length).toBeLessThanOrEqual(30);
  });

  it('is run by a test, and the README leads to it', () => {
    expect(tests).toContain(`'${name}'`);
    expect(read('README.md')).toContain(`(${name})`);
  });
});
