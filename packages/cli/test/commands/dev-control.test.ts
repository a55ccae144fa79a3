import { type DevAgent, openDevAgent } from '@ephemos/dev';
import { openX509Source, type X509Source } from 'ephemos';
import { describe, expect, it } from 'vitest';
import { ephemos, type Finished } from '../support/ephemos.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';
const api = 'spiffe://example.org/api';

async function ask(agent: DevAgent, ...args: readonly string[]): Promise<Finished> {
  return ephemos(['dev', ...args, '--directory', agent.directory]);
}

async function until(source: X509Source, holds: () => boolean): Promise<void> {
  const signal = AbortSignal.timeout(10_000);
  for await (const _ of source.updates({ signal })) if (holds()) return;
  throw new Error('it did not come to hold');
}

describe('ephemos dev list', () => {
  it('shows the identities with the line to paste', async () => {
    await using agent = await openDevAgent({ trustDomain, identities: [{ id: web, hint: 'public' }] });
    const text = await ask(agent, 'list');
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toMatch(/^trust domain {2}example\.org\ndirectory {5}\/.*\nprocess {7}\d+\n\n/);
    expect(text.stdout).toMatch(/\nspiffe:\/\/example\.org\/web {2}hint "public", .* left\n {2}export SPIFFE_ENDPOINT_SOCKET=unix:\/\/\//);
    const { stdout } = await ask(agent, 'list', '--format', 'json');
    expect(JSON.parse(stdout)).toEqual({
      trustDomain,
      directory: agent.directory,
      pid: process.pid,
      identities: [{ id: web, hint: 'public', expiresAt: expect.stringMatching(/Z$/), endpoint: await agent.endpointFor(web) }],
    });
  });
});

describe('ephemos dev rotate', () => {
  it('rotates all identities, or one', async () => {
    await using agent = await openDevAgent({ trustDomain, identities: [{ id: web }, { id: api }] });
    await using source = await openX509Source({ endpoint: await agent.endpointFor(web) });
    await using other = await openX509Source({ endpoint: await agent.endpointFor(api) });
    const { svid } = other;
    const first = source.svid;
    expect(await ask(agent, 'rotate', web)).toMatchObject({ code: 0, stdout: `new SVIDs for ${web}\n` });
    await until(source, () => !source.svid.equals(first));
    expect(other.svid.equals(svid)).toBe(true);
    const all = await ask(agent, 'rotate', '--format', 'json');
    expect(JSON.parse(all.stdout)).toEqual({ rotated: [web, api] });
    await until(other, () => !other.svid.equals(svid));
  });

  it('changes the authority with and without overlap, and ends an overlap', async () => {
    await using agent = await openDevAgent({ trustDomain, identities: [{ id: web }] });
    expect(await ask(agent, 'rotate', '--authority')).toMatchObject({ code: 0, stdout: expect.stringContaining('the old one stays') });
    expect(await agent.bundleDer()).toHaveLength(2);
    expect(await ask(agent, 'rotate', '--retire')).toMatchObject({ code: 0 });
    const [kept] = await agent.bundleDer();
    const { stdout } = await ask(agent, 'rotate', '--authority', '--no-overlap', '--format', 'json');
    expect(JSON.parse(stdout)).toEqual({ rotated: 'authority', overlap: false });
    expect(await agent.bundleDer()).toHaveLength(1);
    expect((await agent.bundleDer())[0]).not.toEqual(kept);
  });

  it.each([
    [['--no-overlap'], '--no-overlap needs --authority'],
    [['--authority', '--retire'], '--authority and --retire cannot be given together'],
    [[web, '--authority'], 'an ID and --authority cannot be given together'],
  ])('refuses %j as usage', async (flags, message) => {
    await using agent = await openDevAgent({ trustDomain });
    expect(await ask(agent, 'rotate', ...flags)).toMatchObject({ code: 2, stderr: expect.stringContaining(`error: ${message}\nhint: `) });
  });

  it('ends with 1 for an identity that the agent does not have', async () => {
    await using agent = await openDevAgent({ trustDomain });
    expect(await ask(agent, 'rotate', web)).toMatchObject({
      code: 1,
      stderr: `error: the agent has no identity ${web}\nhint: see "ephemos dev list"\n`,
    });
  });
});

describe('ephemos dev withdraw and restore', () => {
  it('take an identity away and give it back', async () => {
    await using agent = await openDevAgent({ trustDomain, identities: [{ id: web }] });
    await using source = await openX509Source({ endpoint: await agent.endpointFor(web) });
    expect(await ask(agent, 'withdraw', web)).toMatchObject({ code: 0, stdout: expect.stringContaining('has no identity any more') });
    await until(source, () => source.health.state === 'withdrawn');
    const again = await ask(agent, 'withdraw', web, '--format', 'json');
    expect(again.code).toBe(1);
    expect(JSON.parse(again.stderr)).toMatchObject({ error: { code: 'ERR_ID_NOT_FOUND' }, exitCode: 1 });
    const restored = await ask(agent, 'restore', web, '--format', 'json');
    expect(JSON.parse(restored.stdout)).toEqual({ restored: web, endpoint: await agent.endpointFor(web) });
    await until(source, () => source.health.state === 'ready');
  });

  it('refuse what is no SPIFFE ID, and an ID of another trust domain', async () => {
    await using agent = await openDevAgent({ trustDomain });
    expect(await ask(agent, 'withdraw', 'web')).toMatchObject({ code: 3, stderr: expect.stringContaining('the ID "web": ') });
    expect(await ask(agent, 'restore', 'spiffe://other.example/a')).toMatchObject({ code: 3 });
  });
});
