import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initCa } from '../../../src/deploy/ca/init-ca.ts';
import { machineCa } from '../../../src/deploy/ca/machine-ca.ts';
import { showCa } from '../../../src/deploy/ca/show-ca.ts';
import { asked, days, folders, hour, now } from './folders.ts';

const authority = 168 * hour;

describe('what is in a directory', () => {
  it('is told with its trust domain, its end and when it is due', async () => {
    const at = folders();
    await initCa(asked(at));
    await machineCa({ machine: 'machine-1', offline: at.offline, out: join(at.base, 'node'), days: 90, force: false, now });
    const told = (directory: string, at_: Date = now): unknown =>
      showCa(directory, { authority, now: at_ }).map(({ what, domain, until, late, problem }) => [what, domain, until, late, problem]);
    expect(told(at.out)).toEqual([
      ['root', 'prod.acme.com', days(3650), false, undefined],
      ['upstream authority', 'prod.acme.com', days(365), false, undefined],
    ]);
    expect(told(at.offline)).toEqual([
      ['root', 'prod.acme.com', days(3650), false, undefined],
      ['authority of machines', undefined, days(3650), false, undefined],
    ]);
    expect(told(join(at.base, 'node'))).toEqual([
      ['authority of machines', undefined, days(3650), false, undefined],
      ['machine', undefined, days(90), false, undefined],
    ]);
    expect(told(at.out, days(300))).toMatchObject([{ 3: false }, { 3: true, 4: undefined }]);
    expect(told(at.out, days(366))).toMatchObject([{ 4: undefined }, { 3: true, 4: expect.stringContaining('expired on') }]);
  });

  it('is wrong where the key of the root lies beside what servers get, and where nothing fits', async () => {
    const [at, other] = [folders(), folders()];
    await initCa(asked(at));
    await initCa(asked(other));
    const problems = (): readonly (string | undefined)[] => showCa(at.out, { authority, now }).map(({ problem }) => problem);
    copyFileSync(join(at.offline, 'root.key'), join(at.out, 'root.key'));
    expect(problems()).toEqual([undefined, expect.stringContaining('the key of the root belongs on no server')]);
    copyFileSync(join(other.out, 'tls.key'), join(at.out, 'tls.key'));
    expect(problems()).toEqual([undefined, expect.stringContaining('is not the key of')]);
    copyFileSync(join(other.out, 'ca.crt'), join(at.out, 'ca.crt'));
    expect(problems()).toEqual([undefined, expect.stringContaining('was not signed by')]);
  });

  it('is nothing where there is none', () => {
    const { base } = folders();
    expect(() => showCa(base, { authority, now })).toThrow('holds none of');
    expect(() => showCa(join(base, 'nowhere'), { authority, now })).toThrow('is no directory that can be read');
    mkdirSync(join(base, 'x'));
    writeFileSync(join(base, 'x/ca.crt'), 'x');
    expect(() => showCa(join(base, 'x'), { authority, now })).toThrow('holds no certificate');
  });
});
