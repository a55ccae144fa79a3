import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MAX_FILE_BYTES, readSource, stateOf } from '../../src/config/source-file.ts';
import { configFile, temporaryDirectory } from './files.ts';

function refusal(path: string): string {
  const source = readSource(path);
  if (!('refusal' in source)) return 'none';
  const { line, column, message } = source.refusal;
  return line === undefined ? message : `${line}:${column} ${message}`;
}

describe('a source file', () => {
  test('is its text', () => {
    const path = configFile('a: \u00e9\n');
    expect(readSource(path)).toMatchObject({ text: 'a: \u00e9\n', file: { path, writable: false, directoryWritable: false } });
  });

  test('is refused when it is not there, a directory, a pipe or a socket', async () => {
    const directory = temporaryDirectory();
    expect(refusal(join(directory, 'none'))).toBe('there is no such file');
    expect(refusal(directory)).toBe('this is a directory');
    expect(readSource(directory)).toMatchObject({ refusal: { hint: `name the file in it, as in ${join(directory, 'config.yaml')}` } });
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(refusal(pipe)).toBe('this is not a regular file');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(directory, 'socket'), resolve));
    expect(refusal(join(directory, 'socket'))).toMatch(/^the file cannot be read \(E[A-Z]+\)$/);
    await new Promise((resolve) => server.close(resolve));
    expect(refusal('/dev/null')).toBe('this is not a regular file');
    expect(refusal(join(configFile('a'), 'below'))).toBe('the file cannot be read (ENOTDIR)');
    expect(refusal('a\0b')).toBe('the file cannot be read (ERR_INVALID_ARG_VALUE)');
    symlinkSync('loop', join(directory, 'loop'));
    expect(refusal(join(directory, 'loop'))).toBe('the file cannot be read (ELOOP)');
  });

  test.skipIf(process.getuid?.() === 0)('is refused when it may not be read', () => {
    const path = configFile('a: 1\n');
    chmodSync(path, 0o000);
    expect(refusal(path)).toBe('this process may not read the file');
  });

  test('is at most 1 MiB', () => {
    expect(refusal(configFile('#'.repeat(MAX_FILE_BYTES)))).toBe('none');
    expect(refusal(configFile('#'.repeat(MAX_FILE_BYTES + 1)))).toBe('the file is larger than 1 MiB');
  });

  test.each([
    ['nothing', [], 'the file is empty'],
    ['UTF-16', [...Buffer.from('\ufeffa: 1\n', 'utf16le')], '1:1 this is UTF-16'],
    ['Latin-1', [...Buffer.from('a: 1\nbc: \u00e9\n', 'latin1')], '2:5 this is not UTF-8'],
    ['a character cut in two', [...Buffer.from('a: \u20ac\n').subarray(0, 5)], '1:4 this is not UTF-8'],
    ['a surrogate', [0x61, 0x0a, 0xed, 0xa0, 0x80], '2:1 this is not UTF-8'],
    ['a NUL', [...Buffer.from('a: 1\nb\0\n')], '2:2 there is a NUL in this file, which no text has'],
    ['NULs alone, as after a crash', Array.from({ length: 9 }, () => 0), '1:1 there is a NUL in this file, which no text has'],
  ])('is refused when it is %s', (_, bytes, line) => {
    expect(refusal(configFile(Uint8Array.from(bytes)))).toBe(line);
  });

  test('tells who may write it and its directory, and those that it links to', () => {
    const path = configFile('a: 1\n');
    chmodSync(path, 0o620);
    expect(readSource(path)).toMatchObject({ file: { writable: true, directoryWritable: false } });
    chmodSync(path, 0o602);
    expect(readSource(path)).toMatchObject({ file: { writable: true } });
    chmodSync(path, 0o644);
    expect(readSource(path)).toMatchObject({ file: { writable: false } });
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'open'));
    writeFileSync(join(directory, 'open', 'config.yaml'), 'a: 1\n');
    symlinkSync(join('open', 'config.yaml'), join(directory, 'config.yaml'));
    expect(readSource(join(directory, 'config.yaml'))).toMatchObject({ file: { directoryWritable: false } });
    chmodSync(join(directory, 'open'), 0o777);
    expect(readSource(join(directory, 'config.yaml'))).toMatchObject({ file: { directoryWritable: true } });
  });

  test('is in the same state until its bytes or its fate change', () => {
    const path = configFile('a: 1\n');
    const before = stateOf(path);
    writeFileSync(path, 'a: 1\n');
    expect(stateOf(path)).toBe(before);
    writeFileSync(path, 'a: 2\n');
    expect(stateOf(path)).not.toBe(before);
    expect(stateOf(join(path, 'x'))).toBe('ENOTDIR');
    expect(stateOf(temporaryDirectory())).toBe('not a file');
  });
});
