// The commands on a SPIRE server that this process plays; e2e/spire/entries runs them on a real one.
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { entryIdOf } from '../../src/entries/ownership.ts';
import { Entry_AdditionalAttributesSchema } from '../../src/spire-server/spire/api/types/entry_pb.ts';
import { fromWire, toWire } from '../../src/spire-server/wire.ts';
import { directoryWith, entry, node } from '../entries/make.ts';
import { ephemos, type Finished, start } from '../support/ephemos.ts';
import { type FakeSpireServer, openSpireServer } from '../support/spire-server.ts';

const header = 'owner: shop\nentries:\n';

function item(name: string, ...lines: readonly string[]): string {
  const all = [`spiffe_id: spiffe://example.org/${name}`, `parent_id: ${node}`, 'selectors: [unix:uid:1001]', ...lines];
  return `  - ${all.join('\n    ')}\n`;
}

function on(fake: FakeSpireServer, text: string, args: readonly string[]): Promise<Finished> {
  return ephemos(['entries', ...args, '-f', 'entries.yaml'], {
    cwd: directoryWith({ 'entries.yaml': text }),
    env: { SPIRE_SERVER_ADDRESS: fake.address },
  });
}

const idOf = (name: string): string => entry(name).entryId;

describe('ephemos entries apply', () => {
  it('prints the plan, does it, and has nothing to do the second time', async () => {
    await using fake = await openSpireServer();
    fake.add(toWire(entry('orders', { hint: 'old' })));
    fake.add(toWire(entry('gone')));
    const text = header + item('web', 'x509_svid_ttl: 30m') + item('orders');
    const first = await on(fake, text, ['apply', '--prune']);
    expect(first.stdout.replace(/in \d+\.\d s/, 'in <time>')).toBe(
      `+ spiffe://example.org/web
    parent_id      ${node}
    selectors      unix:uid:1001
    x509_svid_ttl  30m
~ spiffe://example.org/orders  ${idOf('orders')}
    hint  old -> not set
- spiffe://example.org/gone  ${idOf('gone')}
    parent_id  ${node}
    selectors  unix:uid:1001
plan: 1 to create, 1 to change, 1 to delete, 0 unchanged
1 created, 1 changed, 1 deleted in <time>
`,
    );
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect([...fake.entries.values()].map(fromWire)).toEqual([entry('orders'), entry('web', { x509SvidTtl: 1800 })]);
    expect(await on(fake, text, ['apply', '--prune'])).toMatchObject({ code: 0, stdout: 'nothing to change: 2 unchanged\n', stderr: '' });
    expect(fake.calls.filter((call) => call.startsWith('batch'))).toHaveLength(3);
  });

  it('changes nothing with --dry-run and ends with 5, or with 0 when there is nothing to change', async () => {
    await using fake = await openSpireServer();
    const text = header + item('web');
    const dry = await on(fake, text, ['apply', '--dry-run']);
    expect(dry.stdout).toMatch(/^\+ spiffe:.*\nplan: 1 to create, 0 unchanged\n$/s);
    expect([dry.code, fake.entries.size]).toEqual([5, 0]);
    expect((await on(fake, text, ['diff'])).stdout).toBe(dry.stdout);
    expect((await on(fake, text, ['apply'])).code).toBe(0);
    for (const command of [['apply', '--dry-run'], ['diff']]) expect(await on(fake, text, command)).toMatchObject({ code: 0 });
  });

  it('leaves entries of others alone, and ends with 1 where they stand in the way', async () => {
    await using fake = await openSpireServer();
    const same = fake.add({ ...toWire(entry('web')), id: 'same' });
    fake.add({ ...toWire(entry('orders')), id: 'other' });
    const text = header + item('web') + item('orders', 'hint: x') + item('new');
    const dry = await on(fake, text, ['diff']);
    expect(dry.stdout).toContain(`! spiffe://example.org/web  entry ${same.id}, which belongs to others, is the same: left alone\n`);
    expect(dry.stdout).toContain(
      '! spiffe://example.org/orders  entry other, which belongs to others, has the same parent and selectors, and differs: left alone\n    hint  not set -> x\n',
    );
    expect(dry.stdout).toMatch(/\nplan: 1 to create, 1 in conflict with entries of others, 1 that others have, 0 unchanged\n$/);
    expect(await on(fake, text, ['apply', '--prune'])).toMatchObject({ code: 1 });
    expect([...fake.entries.keys()]).toEqual(['same', 'other', idOf('new')]);
    // A conflict is a difference that is still there.
    expect((await on(fake, text, ['diff'])).code).toBe(5);
    expect((await on(fake, header + item('web'), ['diff'])).code).toBe(0);
  });

  it('shows what is not in the file any more, and deletes it with --prune alone', async () => {
    await using fake = await openSpireServer();
    fake.add(toWire(entry('old')));
    const kept = await on(fake, 'owner: shop\nentries: []\n', ['apply']);
    expect(kept).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('! spiffe://example.org/old  is not in the file: --prune deletes it'),
    });
    expect(kept.stdout).toMatch(/\nnothing to change: 1 not in the file, 0 unchanged\n$/);
    expect(await on(fake, 'owner: shop-2\nentries: []\n', ['apply', '--prune'])).toMatchObject({ code: 0 });
    expect(fake.entries.size).toBe(1);
    expect(await on(fake, 'owner: shop\nentries: []\n', ['apply', '--prune'])).toMatchObject({ code: 0 });
    expect(fake.entries.size).toBe(0);
  });

  it('names an entry that the server refuses, creates the others and ends with 1', async () => {
    await using fake = await openSpireServer();
    const text = header + item('web', 'federates_with: [nowhere.example]') + item('orders');
    const { code, stdout } = await on(fake, text, ['apply']);
    expect(code).toBe(1);
    expect(stdout).toContain(
      `failed + spiffe://example.org/web  ${idOf('web')}\n    Internal: failed to create entry: unable to find federated bundle`,
    );
    expect(stdout).toContain('\n    hint: the server has no bundle of a trust domain in federates_with');
    expect(stdout).toMatch(/\n1 created, 1 failed in \d+\.\d s\n$/);
    expect([...fake.entries.keys()]).toEqual([idOf('orders')]);
  });

  it('creates nothing that is over', async () => {
    await using fake = await openSpireServer();
    const { code, stdout } = await on(fake, header + item('web', 'expires_at: 2020-01-01T00:00:00Z'), ['apply']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '! spiffe://example.org/web  is over since 2020-01-01T00:00:00Z: not created\nnothing to change: 1 over, 0 unchanged\n',
    });
  });

  it('refuses a file with everything that is wrong with it before it asks anybody', async () => {
    await using fake = await openSpireServer();
    const { code, stdout, stderr } = await on(fake, `${header}${item('web', 'admn: true')}${item('Web/')}`, ['apply']);
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' });
    expect(stdout).toBe(
      `entries.yaml:6:5: entries[0].admn: there is no such key
  hint: did you mean admin?
entries.yaml:7:16: entries[1].spiffe_id: a path has no trailing "/"
  hint: remove the last "/"

2 problems
`,
    );
    expect(fake.calls).toEqual([]);
  });

  it('refuses entries of another trust domain than the server has, each with its place', async () => {
    await using fake = await openSpireServer();
    fake.bundle = { trustDomain: 'other.org' };
    const { code, stdout } = await on(fake, header + item('web') + item('orders'), ['apply', '--format', 'json']);
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      problems: [
        {
          file: 'entries.yaml',
          line: 3,
          column: 16,
          key: 'entries[0].spiffe_id',
          message: expect.stringContaining('of the trust domain other.org'),
        },
        { line: 6 },
      ],
      problemCount: 2,
      exitCode: 3,
    });
    expect(fake.calls).toEqual(['getBundle']);
  });

  it('shows nothing of a server that a terminal would act on', async () => {
    await using fake = await openSpireServer();
    fake.add({ ...toWire(entry('web', { hint: '\u001b[31mred' })), id: 'x\u001b[2J' });
    for (const args of [['diff'], ['diff', '--format', 'json']]) {
      const { stdout } = await on(fake, header + item('web'), args);
      expect(stdout).toContain('red');
      expect(stdout).not.toContain('\u001b');
    }
  });

  it('is one document with --format json', async () => {
    await using fake = await openSpireServer();
    fake.add(toWire(entry('orders')));
    fake.add(toWire(entry('old')));
    fake.add({ ...toWire(entry('db')), id: 'theirs' });
    const text = header + item('web', 'federates_with: [nowhere.example]') + item('orders', 'hint: x') + item('db') + item('new');
    const { code, stdout, stderr } = await on(fake, text, ['apply', '--format', 'json']);
    const fields = (name: string): object => ({
      entry_id: idOf(name),
      owner: 'shop',
      spiffe_id: `spiffe://example.org/${name}`,
      parent_id: node,
      selectors: ['unix:uid:1001'],
    });
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      owner: 'shop',
      create: [{ ...fields('web'), federates_with: ['nowhere.example'] }, fields('new')],
      update: [{ ...fields('orders'), hint: 'x', changes: [{ field: 'hint', from: null, to: 'x' }] }],
      delete: [],
      unchanged: 0,
      left: [fields('old')],
      held: [{ ...fields('db'), heldBy: 'theirs', conflict: false, changes: [] }],
      expired: [],
      applied: {
        created: 1,
        updated: 1,
        deleted: 0,
        failed: [
          {
            action: 'create',
            entry_id: idOf('web'),
            spiffe_id: 'spiffe://example.org/web',
            code: 'Internal',
            message: expect.stringContaining('nowhere.example'),
            hint: expect.stringContaining('no bundle'),
          },
        ],
        remaining: 0,
      },
      exitCode: 1,
    });
    const dry: unknown = JSON.parse((await on(fake, header + item('later'), ['apply', '--dry-run', '--format', 'json'])).stdout);
    expect(dry).toMatchObject({ create: [{ spiffe_id: 'spiffe://example.org/later' }], applied: null, exitCode: 5 });
  });

  it('stops after the batch that is under way when it is told to, and says so', async () => {
    await using fake = await openSpireServer();
    const text = header + Array.from({ length: 250 }, (_, index) => item(`w-${index}`)).join('');
    let child: ReturnType<typeof start> | undefined;
    const stopped = new Promise<void>((resolve) => {
      fake.before = (method) => {
        if (method !== 'batchCreateEntry') return;
        child?.child.kill('SIGINT');
        resolve();
      };
    });
    child = start(['entries', 'apply', '-f', 'entries.yaml', '--server', fake.address], { cwd: directoryWith({ 'entries.yaml': text }) });
    await stopped;
    const { code, stdout, stderr } = await child.finished;
    expect(code).toBe(1);
    expect(stderr).toBe('error: stopped before everything was done\nhint: run it again: it does what is still to be done\n');
    const [, created = '', remaining = ''] = /\n(\d+) created, (\d+) not done in \d+\.\d s\n$/.exec(stdout) ?? [];
    expect(Number(created) + Number(remaining)).toBe(250);
    expect(fake.entries.size).toBe(Number(created));
    expect([100, 200]).toContain(fake.entries.size);
  });

  it('tells what was done when the server is lost on the way', async () => {
    await using fake = await openSpireServer();
    const text = header + Array.from({ length: 250 }, (_, index) => item(`w-${index}`)).join('');
    fake.before = (method) => {
      if (method === 'batchCreateEntry' && fake.batches.length > 0) fake.failWith = new ConnectError('database is locked', Code.Internal);
    };
    const { code, stdout, stderr } = await on(fake, text, ['apply']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/\n100 created, 150 not done in \d+\.\d s\n$/);
    expect(stderr).toMatch(
      /^error: the server at unix:\S+ failed: database is locked\nhint: .*a second run does what is still to be done\n$/,
    );
  });
});

describe('ephemos entries list', () => {
  it('shows every entry and whose it is, and only those that were asked for', async () => {
    await using fake = await openSpireServer();
    fake.add(toWire(entry('web', { x509SvidTtl: 3600, hint: 'a' })));
    fake.add({ ...toWire(entry('db', { parentId: 'spiffe://example.org/other' })), id: 'theirs' });
    const env = { SPIRE_SERVER_ADDRESS: fake.address };
    expect((await ephemos(['entries', 'list'], { env })).stdout).toBe(
      `spiffe://example.org/db  theirs, of others
    parent_id  spiffe://example.org/other
    selectors  unix:uid:1001

spiffe://example.org/web  ${idOf('web')}, of shop
    parent_id      ${node}
    selectors      unix:uid:1001
    x509_svid_ttl  1h
    hint           a

2 entries
`,
    );
    for (const [args, ids] of [
      [['--owner', 'shop'], [idOf('web')]],
      [['--owner', 'shop-2'], []],
      [['--id', 'spiffe://example.org/db'], ['theirs']],
      [['--parent', node], [idOf('web')]],
    ] as const) {
      const document: { entries: { entry_id: string }[] } = JSON.parse(
        (await ephemos(['entries', 'list', '--format', 'json', ...args], { env })).stdout,
      );
      expect(document.entries.map((each) => each.entry_id)).toEqual(ids);
    }
  });
});

describe('ephemos entries export', () => {
  it('prints a file whose application changes nothing', async () => {
    await using fake = await openSpireServer();
    const env = { SPIRE_SERVER_ADDRESS: fake.address };
    fake.add(toWire(entry('web', { hint: 'a: b' })));
    fake.add(toWire(entry('web', { entryId: entryIdOf('shop', { ...entry('web'), key: 'two' }), selectors: ['a:b'] })));
    fake.add({
      ...toWire(entry('db')),
      id: 'theirs',
      additionalAttributes: create(Entry_AdditionalAttributesSchema, { jwtSvidIncludeJti: true }),
    });
    const { stdout } = await ephemos(['entries', 'export', '--owner', 'shop'], { env });
    expect(stdout).not.toContain('example.org/db');
    expect(await on(fake, stdout, ['apply', '--prune'])).toMatchObject({ code: 0, stdout: 'nothing to change: 2 unchanged\n' });
    const all = await ephemos(['entries', 'export', '--owner', 'shop', '--all'], { env });
    expect(all.stdout).toContain('# not in this file: jwt_svid_include_jti');
    expect((await on(fake, all.stdout, ['apply', '--prune'])).stdout).toMatch(/\nnothing to change: 1 that others have, 2 unchanged\n$/);
    const json = await ephemos(['entries', 'export', '--owner', 'shop', '--format', 'json'], { env });
    expect(await on(fake, json.stdout, ['diff', '--prune'])).toMatchObject({ code: 0, stdout: 'nothing to change: 2 unchanged\n' });
  });
});

describe('ephemos entries delete', () => {
  const owned = entry('web');

  it('deletes what is named, by entry ID or by SPIFFE ID', async () => {
    await using fake = await openSpireServer();
    const env = { SPIRE_SERVER_ADDRESS: fake.address };
    fake.add(toWire(owned));
    fake.add(toWire(entry('db')));
    const dry = await ephemos(['entries', 'delete', owned.entryId, '--owner', 'shop', '--dry-run'], { env });
    expect(dry).toMatchObject({ code: 5, stdout: expect.stringContaining(`- spiffe://example.org/web  ${owned.entryId}\n`) });
    expect(fake.entries.size).toBe(2);
    const { code, stdout } = await ephemos(['entries', 'delete', owned.entryId, 'spiffe://example.org/db', '--owner', 'shop'], { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/\n2 deleted in \d\.\d s\n$/);
    expect(fake.entries.size).toBe(0);
  });

  it('deletes nothing when one of them belongs to others or is not there', async () => {
    await using fake = await openSpireServer();
    const env = { SPIRE_SERVER_ADDRESS: fake.address };
    fake.add(toWire(owned));
    fake.add({ ...toWire(entry('db')), id: 'theirs' });
    for (const [names, code, hint] of [
      [[owned.entryId, 'theirs'], 'ERR_ENTRY_NOT_OWNED', 'leave it to them, or --any-owner'],
      [['spiffe://example.org/db'], 'ERR_ENTRY_NOT_OWNED', 'leave it to them'],
      [[owned.entryId, 'none'], 'ERR_ENTRY_NOT_FOUND', 'nothing was deleted'],
      [['spiffe://example.org/none'], 'ERR_ENTRY_NOT_FOUND', 'nothing was deleted'],
    ] as const) {
      const end = await ephemos(['entries', 'delete', ...names, '--owner', 'shop', '--format', 'json'], { env });
      expect(end).toMatchObject({ code: 1, stdout: '' });
      expect(JSON.parse(end.stderr)).toMatchObject({ error: { code, hint: expect.stringContaining(hint) } });
    }
    expect(fake.entries.size).toBe(2);
    const other = await ephemos(['entries', 'delete', owned.entryId, '--owner', 'team'], { env });
    expect(other.stderr).toContain('belongs to shop, not to team\nhint: give --owner shop, ');
    expect(await ephemos(['entries', 'delete', 'theirs', '--any-owner', '--format', 'json'], { env })).toMatchObject({ code: 0 });
    expect([...fake.entries.keys()]).toEqual([owned.entryId]);
  });
});

describe('bad input of ephemos entries', () => {
  it.each<[args: string, code: number, error: string, hint: string]>([
    ['entries', 2, '', ''],
    ['entries aply -f x', 2, 'unknown command "aply"', 'did you mean "ephemos entries apply"?'],
    ['entries apply', 2, "required option '-f, --file <path>' not specified", 'see "ephemos entries apply --help"'],
    ['entries apply -f /nowhere/e.yaml', 3, '', ''],
    ['entries list', 3, 'nothing says where the SPIRE server is', 'give --server or set SPIRE_SERVER_ADDRESS'],
    ['entries list --server unix:///nowhere/api.sock', 3, 'nothing is at /nowhere/api.sock', 'start spire-server'],
    ['entries list --server /run/api.sock', 3, 'has no scheme', 'write unix:///run/api.sock'],
    ['entries list --server a', 3, 'is neither a socket nor a host and a port', 'write unix:///path'],
    ['entries list --server a:1', 3, 'SPIFFE_ENDPOINT_SOCKET is not set', 'set SPIFFE_ENDPOINT_SOCKET'],
    ['entries list --id web --server unix:///nowhere/api.sock', 3, '--id "web": a SPIFFE ID starts with', 'write it as'],
    ['entries list --as web --server a:1', 3, '--as "web": a SPIFFE ID starts with', 'write it as'],
    ['entries list --owner Shop', 2, "argument 'Shop' is invalid", 'an owner is a name of lower-case letters'],
    ['entries export', 2, "required option '--owner <name>' not specified", 'see "ephemos entries export --help"'],
    ['entries delete x', 2, 'nothing says whose they are', 'give --owner <name>, or --any-owner'],
    ['entries delete x --owner a --any-owner', 2, 'only one of --owner and --any-owner can hold', 'give --owner'],
    ['entries delete', 2, "missing required argument 'entry'", 'see "ephemos entries delete --help"'],
    [
      'agents evict spiffe://example.org/web --server unix:///nowhere/s',
      2,
      'spiffe://example.org/web is no ID of an agent',
      '/spire/agent/',
    ],
    ['token generate --ttl 500ms', 2, "argument '500ms' is invalid", 'it is in whole seconds'],
    ['bundle show --format spiffe', 2, "argument 'spiffe' is invalid", 'allowed choices are pem, json'],
  ])('ephemos %s', async (args, code, error, hint) => {
    const end = await ephemos(args.split(' '));
    expect(end.code).toBe(code);
    if (error === '') return;
    const [first, second, ...rest] = end.stderr.split('\n');
    expect(first).toMatch(/^error: [^A-Z]/);
    expect(first).toContain(error);
    expect(second).toContain(hint);
    expect(rest).toEqual(['']);
    expect(end.stdout).toBe('');
  });
});

describe('the file of ephemos entries', () => {
  it('is named as it was given', async () => {
    const path = join(directoryWith({ 'a.yaml': 'owner: x\n' }), 'a.yaml');
    const { code, stdout } = await ephemos(['entries', 'diff', '-f', path]);
    expect(code).toBe(3);
    expect(stdout).toBe(`${path}:1:1: entries: this key is missing\n\n1 problem\n`);
  });
});
