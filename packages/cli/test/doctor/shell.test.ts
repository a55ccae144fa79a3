import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellCommand } from '../../src/doctor/shell.ts';

describe('shellCommand', () => {
  it.each([
    ['unix:uid:1001'],
    ['<agent ID>'],
    ["it's"],
    ['$(touch /tmp/x)', '`id`', '$HOME', '; rm -rf x', 'a\nb', '"', '\\', '*', '~', '', '-n', '#1'],
  ])('gives %j to a shell as the same words', (...words) => {
    const script = `printf '%s\\0' ${shellCommand(words)}`;
    expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)).toEqual(words);
  });
});
