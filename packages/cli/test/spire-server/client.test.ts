import { EventEmitter, once } from 'node:events';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/entries/entry.ts';
import { resolveServer } from '../../src/spire-server/address.ts';
import { pages } from '../../src/spire-server/call.ts';
import { openServer } from '../../src/spire-server/open-server.ts';
import { Entry_AdditionalAttributesSchema } from '../../src/spire-server/spire/api/types/entry_pb.ts';
import { fromWire, toWire } from '../../src/spire-server/wire.ts';
import { entry } from '../entries/make.ts';
import { type FakeSpireServer, openSpireServer } from '../support/spire-server.ts';

function clientOf({ address }: Pick<FakeSpireServer, 'address'>, timeout = 10_000): ReturnType<typeof openServer> {
  return openServer({ address: resolveServer(address, {}), socket: undefined, as: undefined, timeout });
}

async function all<T>(pages: AsyncIterable<readonly T[]>): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const page of pages) items.push(...page);
  return items;
}

describe('the client of a SPIRE server', () => {
  it('lists by pages', async () => {
    await using fake = await openSpireServer();
    const there = Array.from({ length: 1000 }, (_, index) => entry(`w-${index}`));
    for (const each of there) fake.add(toWire(each));
    await using server = await clientOf(fake);
    expect(await all(server.listEntries())).toEqual(there);
    expect(fake.calls).toEqual(['listEntries', 'listEntries', 'listEntries']);
    expect(await all(server.listEntries({ spiffeId: 'spiffe://example.org/w-7' }))).toEqual([there[7]]);
    expect(await server.countEntries()).toBe(1000);
  });

  it('gives entries back as they were sent', async () => {
    await using fake = await openSpireServer();
    await using server = await clientOf(fake);
    const full: Entry = entry('web', {
      selectors: ['unix:path:/usr/bin/a:b', 'k8s:ns:default'],
      x509SvidTtl: 60,
      jwtSvidTtl: 61,
      dnsNames: ['b', 'a'],
      federatesWith: ['partner.example'],
      admin: true,
      downstream: true,
      storeSvid: true,
      hint: 'h',
      expiresAt: 4_102_444_800,
    });
    expect(await server.createEntries([full])).toEqual([{ entryId: full.entryId, failure: undefined }]);
    expect(await server.fetchEntry(full.entryId)).toEqual(full);
    expect(await server.fetchEntry('none')).toBeUndefined();
  });

  it('knows attributes that it does not manage, and does not change them', async () => {
    await using fake = await openSpireServer();
    const additionalAttributes = create(Entry_AdditionalAttributesSchema, { jwtSvidIncludeJti: true });
    fake.add({ ...toWire(entry('web')), additionalAttributes });
    await using server = await clientOf(fake);
    expect((await server.fetchEntry(entry('web').entryId))?.otherAttributes).toEqual(['jwt_svid_include_jti']);
    await server.updateEntries([entry('web', { hint: 'x' })]);
    expect(await server.fetchEntry(entry('web').entryId)).toMatchObject({ hint: 'x', otherAttributes: ['jwt_svid_include_jti'] });
  });

  it('tells what came of each entry of a batch', async () => {
    await using fake = await openSpireServer();
    fake.add({ ...toWire(entry('taken')), id: 'theirs' });
    await using server = await clientOf(fake);
    const sent = [entry('web'), entry('taken'), entry('federated', { federatesWith: ['nowhere.example'] })];
    expect(await server.createEntries(sent)).toEqual([
      { entryId: sent[0]?.entryId, failure: undefined },
      { entryId: sent[1]?.entryId, failure: { code: 'AlreadyExists', message: 'similar entry already exists' } },
      { entryId: sent[2]?.entryId, failure: { code: 'Internal', message: expect.stringContaining('unable to find federated bundle') } },
    ]);
    expect(await server.updateEntries([entry('gone')])).toMatchObject([{ failure: { code: 'NotFound' } }]);
  });

  it('takes what is done already for done: an entry that exists under its own ID, and one that is gone', async () => {
    await using fake = await openSpireServer();
    await using server = await clientOf(fake);
    await server.createEntries([entry('web')]);
    expect(await server.createEntries([entry('web')])).toMatchObject([{ failure: undefined }]);
    await server.deleteEntries([entry('web')]);
    expect(await server.deleteEntries([entry('web')])).toMatchObject([{ failure: undefined }]);
    expect(fake.entries.size).toBe(0);
  });

  it('asks once more when a connection that stood is lost, and not when there never was one', async () => {
    await using fake = await openSpireServer();
    await using server = await clientOf(fake);
    fake.before = () => fake.disconnect();
    await expect(server.countEntries()).rejects.toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' });
    expect(fake.calls).toHaveLength(1);
    fake.before = () => undefined;
    await server.countEntries();
    fake.before = () => {
      fake.before = () => undefined;
      fake.disconnect();
    };
    expect(await server.countEntries()).toBe(0);
    expect(fake.calls).toHaveLength(4);
  });

  it('fails at once when the server goes without a word', async () => {
    await using fake = await openSpireServer();
    await using server = await clientOf(fake, 60_000);
    fake.before = async () => {
      setImmediate(() => fake.disconnect());
      await once(new EventEmitter(), 'never');
    };
    await expect(server.countEntries()).rejects.toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' });
  });

  it('does not read the same page for ever', async () => {
    const same = pages(async () => ({ items: [1], nextPageToken: 'a' }));
    await expect(all(same)).rejects.toMatchObject({ code: 'ERR_SERVER_FAILED', message: expect.stringContaining('again and again') });
  });

  it.each<[what: string, error: ConnectError, told: object]>([
    [
      'a caller that it does not know',
      new ConnectError('authorization denied for method /x', Code.PermissionDenied),
      {
        code: 'ERR_SERVER_REFUSED',
        exitCode: 4,
        message: expect.stringContaining('does not allow this: authorization denied for method /x'),
      },
    ],
    [
      'a method that it does not have',
      new ConnectError('unknown service', Code.Unimplemented),
      { code: 'ERR_SERVER_FAILED', exitCode: 1, hint: expect.stringContaining('not the Workload API of an agent') },
    ],
    [
      'its database',
      new ConnectError('failed to list entries: database is locked', Code.Internal),
      { code: 'ERR_SERVER_FAILED', exitCode: 1, message: expect.stringContaining('database is locked') },
    ],
  ])('tells a refusal for %s', async (_, error, told) => {
    await using fake = await openSpireServer();
    fake.failWith = error;
    await using server = await clientOf(fake);
    await expect(server.countEntries()).rejects.toMatchObject(told);
  });

  it('gives up on a server that says nothing', async () => {
    await using fake = await openSpireServer();
    const answered = new EventEmitter();
    fake.before = async () => void (await once(answered, 'go'));
    await using server = await clientOf(fake, 200);
    await expect(server.countEntries()).rejects.toMatchObject({
      code: 'ERR_SERVER_UNREACHABLE',
      exitCode: 1,
      message: expect.stringContaining('did not answer within 0.2 s'),
    });
    answered.emit('go');
  });
});

describe('an entry on the wire', () => {
  it('keeps a selector whose value has colons', () => {
    expect(fromWire(toWire(entry('web', { selectors: ['docker:label:a:b:c'] }))).selectors).toEqual(['docker:label:a:b:c']);
    expect(toWire(entry('web', { selectors: ['docker:label:a:b:c'] })).selectors).toMatchObject([{ type: 'docker', value: 'label:a:b:c' }]);
  });
});
