import { lstat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { type DevAgent, openDevAgent, openDevAgentControl } from '@ephemos/dev';
import { describe, expect, it } from 'vitest';
import { createEventLog } from './events.ts';
import { codeOf, openSvidStream } from './raw-client.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';

describe('the control of a running agent', () => {
  it('describes the agent', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using control = await openDevAgentControl(agent.directory);
    expect(control.agent.trustDomain.equals(agent.trustDomain)).toBe(true);
    expect(control.agent).toMatchObject({ directory: agent.directory, sharedEndpoint: agent.sharedEndpoint, pid: process.pid });
    expect((await lstat(join(agent.directory, 'control.sock'))).mode & 0o777).toBe(0o600);
  });

  it('registers, lists and withdraws identities', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using control = await openDevAgentControl(agent.directory);
    const { identity, endpoint } = await control.register({ id: web, hint: 'public', uid: 12 });
    expect(identity).toMatchObject({ hint: 'public', uid: 12, gid: undefined });
    expect(endpoint).toBe(await agent.endpointFor(web));
    expect(await control.endpointFor(web)).toBe(endpoint);
    expect(await control.identities()).toEqual([identity]);
    await using stream = openSvidStream(endpoint);
    await stream.next();
    expect(await control.withdraw(web)).toBe(true);
    expect(await control.withdraw(web)).toBe(false);
    expect(await codeOf(stream.next())).toBe('PermissionDenied');
    expect(await control.endpointFor(web)).toBe(endpoint);
    expect(await control.identities()).toHaveLength(1);
  });

  it('rotates SVIDs and authorities', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using control = await openDevAgentControl(agent.directory);
    await using stream = openSvidStream(await control.endpointFor(web));
    const first = await stream.next();
    await control.rotate(web);
    const second = await stream.next();
    expect(second.svids[0]?.x509Svid).not.toEqual(first.svids[0]?.x509Svid);
    await control.rotate();
    expect((await stream.next()).svids[0]?.x509Svid).not.toEqual(second.svids[0]?.x509Svid);
    await control.rotateAuthority({ overlap: true });
    expect(await agent.bundleDer()).toHaveLength(2);
    await control.retireAuthorities();
    expect(await agent.bundleDer()).toHaveLength(1);
    await control.rotateAuthority({ overlap: false });
    expect(await agent.bundleDer()).toHaveLength(1);
  });

  it('sets and clears faults', async () => {
    const log = createEventLog();
    await using agent = await openDevAgent({ trustDomain, onEvent: log.onEvent });
    await using control = await openDevAgentControl(agent.directory);
    const endpoint = await control.endpointFor(web);
    await control.setFault({ kind: 'refuse', code: 'UNAVAILABLE' });
    expect(await codeOf(openSvidStream(endpoint).next())).toBe('Unavailable');
    await control.setFault({ kind: 'empty-svids' });
    await using stream = openSvidStream(endpoint);
    expect((await stream.next()).svids).toEqual([]);
    await control.setFault(undefined);
    expect((await stream.next()).svids).toHaveLength(1);
    await control.expire(web);
    await stream.next();
    expect((await control.identities())[0]?.expiresAt.getTime()).toBeLessThan(Date.now());
    await control.dropStreams();
    await expect(stream.next()).rejects.toThrow(RangeError);
    await using again = openSvidStream(endpoint);
    await again.next();
    await control.restart({ downSeconds: 0 });
    await expect(again.next()).rejects.toThrow();
    const kinds = log.events.flatMap((event) => (event.type === 'fault' ? [event.fault?.kind] : []));
    expect(kinds).toEqual(['refuse', 'empty-svids', undefined]);
  });

  it('passes on what the agent refuses, with its code and hint', async () => {
    await using agent = await openDevAgent({ trustDomain });
    await using control = await openDevAgentControl(agent.directory);
    await expect(control.endpointFor('spiffe://other.example/web')).rejects.toMatchObject({
      code: 'ERR_SPIFFE_ID_INVALID',
      message: expect.stringContaining('example.org'),
      hint: expect.stringContaining('spiffe://example.org/'),
    });
    await expect(control.restart({ downSeconds: -1 })).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
  });

  it('says that no agent runs when the directory is missing or empty', async () => {
    const agent = await openDevAgent({ trustDomain });
    const control = await openDevAgentControl(agent.directory);
    await agent.close();
    await expect(openDevAgentControl(agent.directory)).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    await expect(control.identities()).rejects.toMatchObject({
      code: 'ERR_WORKLOAD_API_UNAVAILABLE',
      hint: 'start one with "ephemos dev"',
    });
  });

  it.each([
    ['POST', '/rotate', '[]', 'a body must be a JSON object'],
    ['POST', '/rotate', '{', 'a body must be JSON'],
    ['POST', '/rotate', '{"ids":1}', 'the key "ids" is unknown'],
    ['POST', '/identities', '{"id":1}', '"id" must be a string'],
    ['POST', '/identities', `{"id":"${web}","uid":"0"}`, '"uid" must be a number'],
    ['POST', '/rotate-authority', '{}', '"overlap" must be true or false'],
    ['PUT', '/fault', '{"kind":"refuse","code":"OK"}', 'code must be one of'],
    ['PUT', '/fault', '{"kind":"other"}', 'the kind of a fault'],
    ['GET', '/rotate', '', 'no such call'],
    ['POST', '/rotate', `"${'x'.repeat(70_000)}"`, 'a body has at most 65536 bytes'],
  ])('refuses %s %s with %s', async (method, path, body, message) => {
    await using agent = await openDevAgent({ trustDomain });
    const { status, text } = await call(agent, method, path, body);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(JSON.parse(text).error.message).toContain(message);
  });
});

function call(agent: DevAgent, method: string, path: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: join(agent.directory, 'control.sock'), method, path, agent: false }, async (response) => {
      response.setEncoding('utf8');
      let text = '';
      for await (const chunk of response) text += chunk;
      resolve({ status: response.statusCode ?? 0, text });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
