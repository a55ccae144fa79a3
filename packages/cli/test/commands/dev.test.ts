import { chmod, cp, lstat, mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openX509Source } from 'ephemos';
import { describe, expect, it } from 'vitest';
import { openDirectory } from '../support/directory.ts';
import { ephemos, lines, main, start } from '../support/ephemos.ts';

const web = 'spiffe://example.org/web';
const api = 'spiffe://example.org/api';

describe('ephemos dev', () => {
  it('prints the line to paste for each identity, then what happens, and ends with 0 on Ctrl-C', async () => {
    await using directory = await openDirectory();
    const path = join(directory.path, 'agent');
    await using dev = start(['dev', '--directory', path, '--id', web, '--id', api, '--svid-ttl', '1h']);
    const greeting = await dev.until(/issued.*web[\s\S]*issued.*api[\s\S]*\n/);
    expect(greeting).toContain('development agent for example.org, for this machine only\n');
    expect(greeting).toContain('  SVIDs      live 1 h and rotate at half of it\n');
    const [, endpoint] = /spiffe:\/\/example\.org\/web\n {2}export SPIFFE_ENDPOINT_SOCKET=(unix:\/\/\/\S+)\n/.exec(greeting) ?? [];
    expect((await lstat(path)).mode & 0o777).toBe(0o700);
    const source = await openX509Source({ endpoint });
    expect(String(source.svid.id)).toBe(web);
    await dev.until(/connected {5}spiffe:\/\/example\.org\/web {2}stream 1, FetchX509SVID\n/);
    await source.close();
    await dev.until(/disconnected {2}spiffe:\/\/example\.org\/web/);
    const end = await dev.stop('SIGINT');
    expect(end).toMatchObject({ code: 0, stderr: '' });
    expect(end.stdout).toMatch(/stopped {7}the agent and its authority are gone\n$/);
    await expect(lstat(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('prints one document a line with --format json', async () => {
    await using directory = await openDirectory();
    const args = ['dev', '--directory', directory.path, '--trust-domain', 'td.example', '--intermediate', '--format', 'json'];
    await using dev = start([...args, '--id', 'spiffe://td.example/a']);
    await dev.until(/"issued"/);
    await ephemos(['dev', 'rotate', '--directory', directory.path]);
    await dev.until(/"rotated"/);
    await ephemos(['dev', 'withdraw', 'spiffe://td.example/a', '--directory', directory.path]);
    await dev.until(/"withdrawn"/);
    const { code, stdout } = await dev.stop('SIGTERM');
    expect(code).toBe(0);
    const [started, ...events] = lines(stdout);
    expect(started).toMatchObject({
      event: 'started',
      trustDomain: 'td.example',
      directory: directory.path,
      identities: [{ id: 'spiffe://td.example/a', endpoint: expect.stringMatching(/^unix:\/\/\//) }],
      pid: expect.any(Number),
    });
    expect(events.map(({ event }) => event)).toEqual(['issued', 'rotated', 'withdrawn', 'stopped']);
    expect(events[0]).toEqual({
      time: expect.any(String),
      event: 'issued',
      id: 'spiffe://td.example/a',
      expiresAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('takes the fixed directory of this user, which the other commands find', async () => {
    await using runtime = await openDirectory();
    const env = { XDG_RUNTIME_DIR: runtime.path };
    await using dev = start(['dev'], { env });
    expect(await dev.until(/<command>/)).toContain('ephemos dev exec --as spiffe://example.org/web -- <command>');
    const [name] = await readdir(runtime.path);
    expect(name).toMatch(/^ephemos-\d+$/);
    const list = await ephemos(['dev', 'list', '--format', 'json'], { env });
    expect(JSON.parse(list.stdout)).toMatchObject({ directory: join(runtime.path, name ?? ''), identities: [] });
  });

  it('refuses a directory where another agent runs, and leaves that agent alone', async () => {
    await using directory = await openDirectory();
    await using dev = start(['dev', '--directory', directory.path, '--id', web]);
    await dev.until(/issued/);
    const second = await ephemos(['dev', '--directory', directory.path]);
    expect(second).toMatchObject({ code: 3, stdout: '' });
    expect(second.stderr).toMatch(/^error: another agent is listening on .*\nhint: stop it, or use another directory\n$/);
    expect(await ephemos(['dev', 'list', '--directory', directory.path])).toMatchObject({ code: 0, stdout: expect.stringContaining(web) });
  });

  it('takes over the directory of an agent that was killed', async () => {
    await using directory = await openDirectory();
    const first = start(['dev', '--directory', directory.path, '--id', web]);
    await first.until(/issued/);
    await first.stop('SIGKILL');
    await using second = start(['dev', '--directory', directory.path, '--id', web]);
    await second.until(/issued/);
  });

  it('cleans up when its terminal is closed, which sends SIGHUP twice and takes the output away', async () => {
    await using directory = await openDirectory();
    await using dev = start(['dev', '--directory', directory.path, '--id', web]);
    await dev.until(/issued/);
    dev.child.stdout.destroy();
    dev.child.kill('SIGHUP');
    dev.child.kill('SIGHUP');
    expect(await dev.finished).toMatchObject({ code: 0, stderr: '' });
    expect(await readdir(directory.path)).toEqual([]);
  });

  it.each([
    ['is open to others', 0o755, 'run chmod 700'],
    ['is open to others', 0o710, 'run chmod 700'],
  ])('refuses a directory that %s (%o)', async (what, mode, hint) => {
    await using directory = await openDirectory();
    await chmod(directory.path, mode);
    for (const command of [['dev'], ['dev', 'list']]) {
      const { code, stderr } = await ephemos([...command, '--directory', directory.path]);
      expect(code).toBe(3);
      expect(stderr).toMatch(new RegExp(`^error: the agent directory .* ${what} .*\nhint: ${hint} .*\n$`));
    }
  });

  it('refuses a directory that is a link', async () => {
    await using directory = await openDirectory();
    const link = join(directory.path, 'link');
    await symlink(directory.path, link);
    expect(await ephemos(['dev', '--directory', link])).toMatchObject({ code: 3, stderr: expect.stringContaining('is a symbolic link') });
  });

  it('refuses an identity of another trust domain', async () => {
    await using directory = await openDirectory();
    const { code, stderr } = await ephemos(['dev', '--directory', directory.path, '--id', 'spiffe://other.example/a']);
    expect(code).toBe(3);
    expect(stderr).toBe(
      'error: spiffe://other.example/a is not a workload of the trust domain example.org\nhint: use an ID that starts with "spiffe://example.org/"\n',
    );
  });

  it('says what to install when the development agent is not there', async () => {
    await using directory = await openDirectory();
    const copy = join(directory.path, 'node_modules/@ephemos/cli');
    const packages = fileURLToPath(new URL('../../..', import.meta.url));
    await mkdir(copy, { recursive: true });
    await cp(dirname(main), join(copy, 'dist'), { recursive: true });
    await cp(join(packages, 'cli/package.json'), join(copy, 'package.json'));
    await symlink(join(packages, 'ephemos'), join(directory.path, 'node_modules/ephemos'));
    await symlink(dirname(fileURLToPath(import.meta.resolve('commander'))), join(directory.path, 'node_modules/commander'));
    for (const args of [['dev'], ['dev', 'list'], ['dev', 'exec', '--as', web, '--', 'true']]) {
      expect(await ephemos(args, { main: join(copy, 'dist/main.js') })).toMatchObject({
        code: 1,
        stdout: '',
        stderr: 'error: the development agent is not installed\nhint: npm install --save-dev @ephemos/dev\n',
      });
    }
  });
});
