import { cpSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { pathOf } from '../deploy/spire/variants.ts';
import { ephemos } from '../support/ephemos.ts';

function folderWith(variant: string, ...names: readonly string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of names) cpSync(pathOf(variant, name), join(folder, name));
  return folder;
}

describe('ephemos deploy render', () => {
  it('writes what differs, for its owner alone, and nothing the second time', async () => {
    const cwd = folderWith('host', 'spire.yaml');
    const args = ['deploy', 'render', 'spire.yaml', '--out', 'out'];
    expect(await ephemos([...args, '--dry-run'], { cwd })).toMatchObject({
      code: 5,
      stdout: 'new  out/server.conf\nnew  out/agent.conf\n',
    });
    expect(readdirSync(cwd)).toEqual(['spire.yaml']);
    expect(await ephemos(args, { cwd })).toMatchObject({ code: 0, stdout: 'new  out/server.conf\nnew  out/agent.conf\n', stderr: '' });
    expect(readFileSync(join(cwd, 'out/server.conf'), 'utf8')).toBe(readFileSync(pathOf('host', 'server.conf'), 'utf8'));
    expect(['out', 'out/server.conf', 'out/agent.conf'].map((name) => statSync(join(cwd, name)).mode & 0o777)).toEqual([
      0o700, 0o600, 0o600,
    ]);
    const before = statSync(join(cwd, 'out/server.conf')).ino;
    expect(await ephemos([...args, '--dry-run'], { cwd })).toMatchObject({
      code: 0,
      stdout: 'same  out/server.conf\nsame  out/agent.conf\n',
    });
    expect(await ephemos(args, { cwd })).toMatchObject({ code: 0 });
    expect(statSync(join(cwd, 'out/server.conf')).ino).toBe(before);
    writeFileSync(join(cwd, 'spire.yaml'), readFileSync(join(cwd, 'spire.yaml'), 'utf8').replace('Acme SPIRE', 'Acme'));
    const { code, stdout } = await ephemos([...args, '--format', 'json'], { cwd });
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 0,
      written: true,
      files: [
        { path: 'out/server.conf', state: 'changed' },
        { path: 'out/agent.conf', state: 'same' },
      ],
      exitCode: 0,
    });
  });

  it('leaves a file alone that it did not write', async () => {
    const cwd = folderWith('host', 'spire.yaml');
    writeFileSync(join(cwd, 'agent.conf'), 'agent { }\n');
    expect(await ephemos(['deploy', 'render', 'spire.yaml'], { cwd })).toMatchObject({
      code: 3,
      stdout: '',
      stderr: 'error: agent.conf is there already, and was not rendered\nhint: move it away, or name another directory\n',
    });
    expect(readdirSync(cwd)).toEqual(['agent.conf', 'spire.yaml']);
  });

  it('refuses an input that contradicts itself, at its lines, and writes nothing', async () => {
    const cwd = folderWith('host', 'spire.yaml');
    writeFileSync(
      join(cwd, 'spire.yaml'),
      `${readFileSync(join(cwd, 'spire.yaml'), 'utf8')}  health: { address: 127.0.0.1, port: 8082 }\nlives: { x509: 48h }\n`,
    );
    const { code, stdout, stderr } = await ephemos(['deploy', 'render', 'spire.yaml'], { cwd });
    expect({ code, stdout, lines: stderr.split('\n').filter((line) => line.startsWith('spire.yaml')) }).toEqual({
      code: 3,
      stdout: '',
      lines: [
        'spire.yaml:19:39: agent.health.port: 8082 is servers[0].health.port already, on the same host',
        'spire.yaml:20:16: lives.x509: 48h is more than a sixth of lives.authority (168h), so SPIRE would sign for less',
      ],
    });
    expect(readdirSync(cwd)).toEqual(['spire.yaml']);
    const json = await ephemos(['deploy', 'render', 'spire.yaml', '--format', 'json'], { cwd });
    expect(JSON.parse(json.stderr)).toMatchObject({ exitCode: 3, problems: [{ line: 19, key: 'agent.health.port' }, { line: 20 }] });
  });
});

describe('ephemos deploy check', () => {
  it('says in one line that SPIRE reads every key', async () => {
    const cwd = folderWith('kubernetes', 'server.conf', 'agent.conf', 'spire.yaml');
    expect(await ephemos(['deploy', 'check', '.'], { cwd })).toEqual({
      code: 0,
      signal: null,
      stdout: 'valid  SPIRE 1.15.2 reads every key of each of the 2 files\n',
      stderr: '',
    });
    expect(await ephemos(['deploy', 'check', 'agent.conf'], { cwd })).toMatchObject({
      code: 0,
      stdout: 'valid  SPIRE 1.15.2 reads every key of the one file\n',
    });
  });

  it('shows each key that SPIRE would ignore, with its line and what was meant, and ends with 3', async () => {
    const cwd = folderWith('host', 'server.conf', 'agent.conf');
    const agent = readFileSync(join(cwd, 'agent.conf'), 'utf8');
    writeFileSync(join(cwd, 'agent.conf'), agent.replace('rebootstrap_mode', '"rebootstrap_mod"').replace('prod.acme.com"', 'acme.com"'));
    const line = agent.split('\n').findIndex((text) => text.includes('rebootstrap_mode')) + 1;
    expect(await ephemos(['deploy', 'check', '.'], { cwd })).toMatchObject({
      code: 3,
      stderr: '',
      stdout: [
        `agent.conf:${line}:3: agent.rebootstrap_mod: SPIRE 1.15.2 reads no such key`,
        '  hint: did you mean rebootstrap_mode?',
        'agent.conf:5:3: agent.trust_domain: the trust domain is "acme.com" here and "prod.acme.com" in server.conf',
        '  hint: write the same in both',
        '',
        '2 problems',
        '',
      ].join('\n'),
    });
    const { code, stdout } = await ephemos(['deploy', 'check', 'agent.conf', '--format', 'json'], { cwd });
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({
      code: 3,
      valid: false,
      spire: '1.15.2',
      files: [{ file: 'agent.conf', program: 'agent' }],
      problems: [{ file: 'agent.conf', line, column: 3, key: 'agent.rebootstrap_mod', hint: 'did you mean rebootstrap_mode?' }],
      problemCount: 1,
      exitCode: 3,
    });
  });

  it.each([
    ['/nowhere', '/nowhere: there is no such file'],
    ['.', '.: there is no file that ends in .conf'],
  ])('has nothing to look at in %s', async (path, message) => {
    const { code, stderr } = await ephemos(['deploy', 'check', path], { cwd: folderWith('host', 'spire.yaml') });
    expect({ code, first: stderr.split('\n')[0] }).toEqual({ code: 3, first: `error: ${message}` });
  });
});
