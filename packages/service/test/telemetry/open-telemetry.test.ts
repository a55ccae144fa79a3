import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createTestAuthority } from '@ephemos/dev';
import * as grpc from '@grpc/grpc-js';
import { authorizeId, createFetch } from 'ephemos';
import { createChannelCredentials, createGrpcListener } from 'ephemos/grpc';
import { afterEach, describe, expect, it } from 'vitest';
import { openTelemetry } from '../../src/telemetry/open-telemetry.ts';
import { createEchoClient, createEchoServer } from './echo.ts';

const built = fileURLToPath(new URL('../../dist/telemetry', import.meta.url));
const directories: string[] = [];

/** The built telemetry in a package of its own, far from every package of this repository. */
async function copyTelemetry(): Promise<string> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'ephemos-telemetry-')));
  directories.push(directory);
  for (const room of ['telemetry', 'conventions']) await cp(join(built, '..', room), join(directory, room), { recursive: true });
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  return directory;
}

afterEach(async () => {
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true });
});

const hooks = `
  import { writeSync } from 'node:fs';
  export async function load(url, context, nextLoad) {
    writeSync(2, 'loaded ' + url + '\\n');
    return nextLoad(url, context);
  }`;

/** Opens telemetry in a process of its own: what it is like, or why it failed, and every module that was loaded for it. */
async function openIn(directory: string): Promise<{ readonly printed: string; readonly loaded: readonly string[] }> {
  const program = `
    import { register } from 'node:module';
    register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hooks))});
    try {
      const { openTelemetry } = await import(${JSON.stringify(pathToFileURL(join(directory, 'telemetry/open-telemetry.js')).href)});
      const telemetry = await openTelemetry();
      const fetch = () => undefined;
      const same = telemetry.instrumentFetch(fetch) === fetch;
      await telemetry.flush();
      await telemetry.close();
      console.log(JSON.stringify({ enabled: telemetry.enabled, intercept: typeof telemetry.intercept, ids: typeof telemetry.traceIds(), same }));
    } catch (error) {
      console.log(error.message);
    }`;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { cwd: directory });
  const loaded = [...stderr.matchAll(/^loaded (file:.*)$/gm)].map(([, url = '']) => url.slice(url.lastIndexOf('/') + 1));
  return { printed: stdout.trim(), loaded };
}

const nothing = JSON.stringify({ enabled: false, intercept: 'undefined', ids: 'undefined', same: true });

describe('openTelemetry', () => {
  it('does nothing, fails at nothing and loads nothing without @opentelemetry/api', async () => {
    const { printed, loaded } = await openIn(await copyTelemetry());
    expect(printed).toBe(nothing);
    expect(loaded).toEqual(['open-telemetry.js', 'conventions.js', 'calls.js']);
  });

  it('loads the API and nothing of its own when no SDK was started', async () => {
    const { printed, loaded } = await openIn(join(built, '..'));
    expect(printed).toBe(nothing);
    expect(loaded.slice(0, 2)).toEqual(['open-telemetry.js', 'conventions.js']);
    expect(loaded).not.toContain('create-telemetry.js');
  });

  it('says why an API that is installed cannot be loaded', async () => {
    const directory = await copyTelemetry();
    const broken = join(directory, 'node_modules/@opentelemetry/api');
    await mkdir(broken, { recursive: true });
    await writeFile(join(broken, 'package.json'), '{ "main": "index.js" }');
    await writeFile(join(broken, 'index.js'), 'throw new Error("half a file");');
    expect((await openIn(directory)).printed).toBe('half a file');
  });

  it('gives clients that work without an SDK too', async () => {
    const authority = createTestAuthority('example.org');
    await using source = await authority.openX509Source('spiffe://example.org/web');
    const identity = { source, authorize: authorizeId('spiffe://example.org/web') };
    const telemetry = await openTelemetry();
    telemetry.setSource(source);
    expect(telemetry.enabled).toBe(false);
    const fetch = createFetch(identity);
    expect(telemetry.instrumentFetch(fetch)).toBe(fetch);
    const server = createEchoServer((text) => text);
    const listener = createGrpcListener(server, { ...identity, intercept: telemetry.intercept }).listen(0, '127.0.0.1');
    await new Promise((resolve) => listener.once('listening', resolve));
    const address = listener.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    using client = createEchoClient(`127.0.0.1:${port}`, createChannelCredentials(identity), [telemetry.createGrpcInterceptor(grpc)]);
    expect(await client.echo('hello')).toBe('hello');
    server.forceShutdown();
    listener.close();
  });
});
