import { Code, ConnectError } from '@connectrpc/connect';
import { type DevAgent, malformedKinds, openDevAgent, refusalCodes } from '@ephemos/dev';
import { parseX509Bundles, parseX509Context } from 'ephemos/workload-api';
import { describe, expect, it } from 'vitest';
import { certificatesOf, verifiesWithOpenSsl } from './certificates.ts';
import { createEventLog } from './events.ts';
import { codeOf, createRawClient, openStream, openSvidStream } from './raw-client.ts';

const trustDomain = 'example.org';
const web = 'spiffe://example.org/web';

async function open(): Promise<{ agent: DevAgent; endpoint: string }> {
  const agent = await openDevAgent({ trustDomain });
  return { agent, endpoint: await agent.endpointFor(web) };
}

describe('a fault of the development agent', () => {
  it.each(['end', 'reset'] as const)('drops open streams (%s), and lets clients come back at once', async (how) => {
    const { agent, endpoint } = await open();
    await using _ = agent;
    await using stream = openSvidStream(endpoint);
    await stream.next();
    agent.faults.dropStreams(how);
    await expect(stream.next()).rejects.toThrow(how === 'end' ? RangeError : ConnectError);
    await using again = openSvidStream(endpoint);
    expect((await again.next()).svids).toHaveLength(1);
  });

  it.each(refusalCodes)('refuses open and new calls with %s until it is told otherwise', async (code) => {
    const { agent, endpoint } = await open();
    await using _ = agent;
    await using stream = openSvidStream(endpoint);
    await stream.next();
    agent.faults.refuse(code);
    const expected = Code[toCode(code)];
    expect(Code[toCode(await codeOf(stream.next()))]).toBe(expected);
    expect(Code[toCode(await codeOf(openSvidStream(endpoint).next()))]).toBe(expected);
    agent.faults.refuse(undefined);
    await using again = openSvidStream(endpoint);
    expect((await again.next()).svids).toHaveLength(1);
  });

  it.each(malformedKinds.filter((kind) => kind !== 'message'))('sends an update that our client refuses whole: %s', async (kind) => {
    const { agent, endpoint } = await open();
    await using _ = agent;
    await using stream = openSvidStream(endpoint);
    const good = await stream.next();
    agent.faults.malformed(kind);
    const bad = await stream.next();
    expect(() => parseX509Context(bad)).toThrow(expect.objectContaining({ code: 'ERR_WORKLOAD_API_RESPONSE_INVALID' }));
    agent.faults.clear();
    expect(await stream.next()).toEqual(good);
  });

  it('sends bytes that are no message', async () => {
    const { agent, endpoint } = await open();
    await using _ = agent;
    agent.faults.malformed('message');
    await expect(openSvidStream(endpoint).next()).rejects.toThrow(ConnectError);
  });

  it('sends bundles that our client refuses', async () => {
    const { agent, endpoint } = await open();
    await using _ = agent;
    const client = createRawClient(endpoint);
    await using stream = openStream((call) => client.fetchX509Bundles({}, { headers: { 'workload.spiffe.io': 'true' }, ...call }));
    await stream.next();
    agent.faults.malformed('bundle');
    const bad = await stream.next();
    expect(() => parseX509Bundles(bad)).toThrow(expect.objectContaining({ code: 'ERR_WORKLOAD_API_RESPONSE_INVALID' }));
    agent.faults.emptySvids();
    expect((await stream.next()).bundles).toEqual({});
  });

  it('sends a message of the size asked for', async () => {
    const { agent, endpoint } = await open();
    await using _ = agent;
    agent.faults.oversized(5_000_000);
    await using stream = openSvidStream(endpoint);
    const { crl, svids } = await stream.next();
    expect(svids).toHaveLength(1);
    expect(crl[0]).toHaveLength(5_000_000);
    expect(() => agent.faults.oversized(1e12)).toThrow('bytes must be');
  });

  it('sends an update without SVIDs', async () => {
    const { agent, endpoint } = await open();
    await using _ = agent;
    agent.faults.emptySvids();
    await using stream = openSvidStream(endpoint);
    expect((await stream.next()).svids).toEqual([]);
  });

  it('gives out an expired SVID, which stays until it is rotated', async () => {
    const { agent, endpoint } = await open();
    await using _ = agent;
    await using stream = openSvidStream(endpoint);
    await stream.next();
    await agent.faults.expire(web);
    const [expired] = (await stream.next()).svids;
    expect(Date.parse(certificatesOf(expired?.x509Svid ?? new Uint8Array())[0]?.validTo ?? '')).toBeLessThan(Date.now());
    await agent.rotate(web);
    const [good] = (await stream.next()).svids;
    expect(good && verifiesWithOpenSsl(good)).toBe(true);
  });

  it('hangs: it takes calls and never answers, until the fault is cleared', async () => {
    const log = createEventLog();
    await using agent = await openDevAgent({ trustDomain, onEvent: log.onEvent });
    const endpoint = await agent.endpointFor(web);
    agent.faults.hang();
    await using stream = openSvidStream(endpoint);
    const pending = stream.next();
    await log.until('stream-opened');
    await agent.rotate();
    expect(log.events.some(({ type }) => type === 'update-sent')).toBe(false);
    agent.faults.clear();
    expect((await pending).svids).toHaveLength(1);
  });
});

/** INVALID_ARGUMENT and InvalidArgument name the same code. */
function toCode(name: string): keyof typeof Code {
  const wanted = name.replaceAll('_', '').toLowerCase();
  for (const key of Object.keys(Code)) if (key.toLowerCase() === wanted && isCodeName(key)) return key;
  throw new TypeError(`${name} is no code`);
}

function isCodeName(name: string): name is keyof typeof Code {
  return name in Code;
}
