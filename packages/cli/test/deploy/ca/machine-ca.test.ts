import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initCa } from '../../../src/deploy/ca/init-ca.ts';
import { type MachineCa, machineCa } from '../../../src/deploy/ca/machine-ca.ts';
import { asked, contentsOf, days, folders, now } from './folders.ts';

function machine(at: ReturnType<typeof folders>, changes: Partial<MachineCa> = {}): MachineCa {
  return { machine: 'machine-1', offline: at.offline, out: join(at.base, 'node'), days: 90, force: false, now, ...changes };
}

describe('the certificate of a machine', () => {
  it('is signed by an authority of machines, whose key stays offline, and not by the root', async () => {
    const at = folders();
    await initCa(asked(at));
    expect((await machineCa(machine(at))).map(({ what, state, until }) => [what, state, until])).toEqual([
      ['authority of machines', 'new', days(3650)],
      ['machine', 'new', days(90)],
    ]);
    expect(Object.keys(contentsOf(at.offline))).toEqual(['nodes.crt', 'nodes.key', 'root.crt', 'root.key']);
    const out = contentsOf(join(at.base, 'node'));
    expect(Object.keys(out)).toEqual(['node.crt', 'node.key', 'nodes.crt']);
    const [node, authority] = [new X509Certificate(out['node.crt'] ?? ''), new X509Certificate(out['nodes.crt'] ?? '')];
    const root = new X509Certificate(readFileSync(join(at.offline, 'root.crt')));
    expect([node.ca, node.subject]).toEqual([false, 'O=prod.acme.com\nCN=machine-1']);
    expect([node.verify(authority.publicKey), node.verify(root.publicKey), authority.verify(root.publicKey)]).toEqual([true, false, false]);
  });

  it('is kept until it is due, and renewed under the same authority then', async () => {
    const at = folders();
    await machineCa(machine(at));
    const before = contentsOf(at.base);
    expect((await machineCa(machine(at, { now: days(60) }))).map(({ state }) => state)).toEqual(['kept', 'kept']);
    expect(contentsOf(at.base)).toEqual(before);
    const later = days(70);
    expect((await machineCa(machine(at, { now: later, dryRun: true }))).map(({ state }) => state)).toEqual(['kept', 'renewed']);
    expect(contentsOf(at.base)).toEqual(before);
    expect((await machineCa(machine(at, { now: later }))).map(({ state, until }) => [state, until])).toEqual([
      ['kept', days(3650)],
      ['renewed', days(90, later)],
    ]);
    expect(contentsOf(at.base)['node/nodes.crt']).toBe(before['node/nodes.crt']);
  });

  it('has the same authority as those of other machines', async () => {
    const at = folders();
    await machineCa(machine(at));
    const out = join(at.base, 'other');
    expect((await machineCa(machine(at, { machine: 'machine-2', out }))).map(({ state }) => state)).toEqual(['kept', 'new']);
    expect(contentsOf(out)['nodes.crt']).toBe(contentsOf(at.base)['node/nodes.crt']);
  });

  it.each<[string, Partial<MachineCa>, string]>([
    ['a name that would end the path of an ID', { machine: 'a/../b' }, 'is no name of a machine'],
    ['the name of another machine', { machine: 'machine-2' }, 'is for "machine-1"'],
  ])('is refused with %s', async (_what, changes, message) => {
    const at = folders();
    await machineCa(machine(at));
    const before = contentsOf(at.base);
    await expect(machineCa(machine(at, changes))).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
      message: expect.stringContaining(message),
    });
    expect(contentsOf(at.base)).toEqual(before);
  });

  it('is refused inside of what is carried away', async () => {
    const at = folders();
    await expect(machineCa(machine(at, { out: join(at.offline, 'node') }))).rejects.toMatchObject({
      message: expect.stringContaining('apart'),
    });
    expect(contentsOf(at.base)).toEqual({});
  });
});
