import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf, openRegistry, type Registry, wellBehaved } from '../deploy/pin/open-registry.ts';
import { ephemos, type Finished } from '../support/ephemos.ts';

const [one, two] = ['{"schemaVersion":2,"manifests":[1]}', '{"schemaVersion":2,"manifests":[2]}'];

function folder(files: Readonly<Record<string, string>>): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return path;
}

function pin(cwd: string, { ca }: Registry, ...args: readonly string[]): Promise<Finished> {
  const own = folder({ 'ca.pem': ca, 'config.json': '{"auths":{}}' });
  return ephemos(['deploy', 'pin', '.', ...args], { cwd, env: { NODE_EXTRA_CA_CERTS: join(own, 'ca.pem'), DOCKER_CONFIG: own } });
}

const openTwo = (): Promise<Registry> => openRegistry(wellBehaved({ 'acme/orders:1.4.0': one, 'acme/base:nonroot': two }));
const dockerfile = (host: string): string => `ARG BASE=${host}/acme/base:nonroot\nFROM ${host}/acme/orders:1.4.0 AS build\nFROM \${BASE}\n`;

describe('ephemos deploy pin', () => {
  it('names every image by the digest that its registry has, once, and writes nothing before it is told to', async () => {
    const registry = await openTwo();
    const { host } = registry;
    const cwd = folder({ Dockerfile: dockerfile(host) });
    expect(await pin(cwd, registry, '--check')).toMatchObject({ code: 5, stderr: '' });
    expect(registry.asked).toEqual([]);
    expect(await pin(cwd, registry, '--dry-run')).toMatchObject({
      code: 5,
      stdout: expect.stringContaining('\n1 file would be written: Dockerfile\n'),
    });
    expect(readFileSync(join(cwd, 'Dockerfile'), 'utf8')).toBe(dockerfile(host));
    const { code, stdout } = await pin(cwd, registry, '--format', 'json');
    expect({ code, ...JSON.parse(stdout) }).toEqual({
      code: 0,
      written: true,
      images: [
        { image: `${host}/acme/base:nonroot`, state: 'new', digest: digestOf(two), places: [{ file: 'Dockerfile', line: 1 }] },
        { image: `${host}/acme/orders:1.4.0`, state: 'new', digest: digestOf(one), places: [{ file: 'Dockerfile', line: 2 }] },
      ],
      files: ['Dockerfile'],
      unread: [],
      exitCode: 0,
    });
    expect(readFileSync(join(cwd, 'Dockerfile'), 'utf8')).toBe(
      dockerfile(host)
        .replace('nonroot', `nonroot@${digestOf(two)}`)
        .replace('1.4.0', `1.4.0@${digestOf(one)}`),
    );
    expect(await pin(cwd, registry, '--check')).toMatchObject({ code: 0 });
  });

  it('writes nothing when one of them is not there, and names all that failed', async () => {
    const registry = await openRegistry(wellBehaved({ 'acme/orders:1.4.0': one }));
    const { host } = registry;
    const cwd = folder({ Dockerfile: dockerfile(host) });
    expect(await pin(cwd, registry)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: `error: ${host} has no ${host}/acme/base:nonroot\nhint: nothing was written: push the image first, or mend its name\n`,
    });
    expect(readFileSync(join(cwd, 'Dockerfile'), 'utf8')).toBe(dockerfile(host));
  });

  it('has nothing to do where no image is, and takes --check alone', async () => {
    const cwd = folder({});
    expect(await ephemos(['deploy', 'pin', '.'], { cwd })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('holds no file that names an image'),
    });
    expect(await ephemos(['deploy', 'pin', '.', '--check', '--update'], { cwd })).toMatchObject({ code: 2 });
    expect(await ephemos(['deploy', 'pin'], { cwd })).toMatchObject({ code: 2 });
  });
});
