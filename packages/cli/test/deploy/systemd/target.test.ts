import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig, parseGoDuration, productionFindings } from '@ephemos/service/config';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkSpire } from '../../../src/deploy/spire/read-confs.ts';
import { systemdTarget } from '../../../src/deploy/systemd/target.ts';

const names = { service: 'echo', domain: 'prod.acme.com' };
const everything = {
  service: 'order-book',
  domain: 'prod.acme.com',
  port: '9443',
  clients: 'spiffe://prod.acme.com/web, spiffe://partner.com/ns/billing/cron',
  peers: '10.1.0.0/16, fd10::/64',
  agents: '10.2.0.0/16',
  monitoring: 'fd30::/64, 10.3.0.7',
  host: 'spire.acme.internal',
  machine: 'machine-7',
};
const sample = fileURLToPath(new URL('../../../../../deploy/systemd', import.meta.url));

/** Written where a test may read it. */
function written(given: Readonly<Record<string, string>>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'eph-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of systemdTarget.make(given).files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

const fileOf = (given: Readonly<Record<string, string>>, name: string): string => systemdTarget.make(given).files.get(name) ?? '';
const settingOf = (unit: string, key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';

describe('a deployment of hosts', () => {
  it('is the sample in deploy/systemd, the same each time', () => {
    const { files } = systemdTarget.make(names);
    expect(systemdTarget.make(names).files).toEqual(files);
    const there = readdirSync(sample, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== 'ephemos-deploy.json')
      .map((entry) => join(entry.parentPath, entry.name).slice(sample.length + 1));
    expect(there.sort()).toEqual([...files.keys()].sort());
    for (const [name, text] of files) expect(readFileSync(join(sample, name), 'utf8')).toBe(text);
  });

  it('says in the first line of every file what it is', () => {
    for (const [name, text] of systemdTarget.make(names).files)
      expect([name, text.split('\n').slice(0, 2).join(' ')]).toEqual([
        name,
        expect.stringMatching(/^(# |<!-- |#!\/usr\/sbin\/nft -f # )\w/),
      ]);
  });

  it('is made again from its answers', () => {
    for (const given of [names, everything]) {
      const { answers, files } = systemdTarget.make(given);
      expect(systemdTarget.make(answers)).toMatchObject({ answers, files });
    }
  });

  it.each([names, everything])('has a configuration that the service takes, fit for production', (given) => {
    const path = join(written(given), `etc/ephemos/${given.service}/config.yaml`);
    const config = loadConfig({ path, env: {} });
    expect(config.service).toMatchObject({ name: given.service, domain: { name: 'prod.acme.com' } });
    expect(productionFindings(config, {})).toEqual([]);
  });

  it.each([names, everything])('has a SPIRE that reads every key', (given) => {
    expect(checkSpire([join(written(given), 'etc/spire')])).toMatchObject({ total: 0, confs: { length: 2 } });
  });

  it('drains in less time than systemd gives it, and has a heap below its memory', () => {
    const unit = fileOf(names, 'etc/systemd/system/echo.service');
    const config = loadConfig({ path: join(written(names), 'etc/ephemos/echo/config.yaml'), env: {} });
    const stop = parseGoDuration(settingOf(unit, 'TimeoutStopSec'));
    expect(stop).toBe(config.shutdown.gracePeriod);
    expect(stop).toBeGreaterThan(config.shutdown.drainDelay + config.shutdown.deadline);
    const [heap, memory] = [/max-old-space-size=(\d+)/.exec(unit)?.[1], /^MemoryMax=(\d+)M$/m.exec(unit)?.[1]].map(Number);
    expect(heap).toBeLessThanOrEqual((memory ?? 0) * 0.65);
  });

  it('knows the service by the user that runs it, under the agent of its machine', () => {
    const entries = fileOf(everything, 'entries.yaml');
    expect(settingOf(fileOf(everything, 'etc/systemd/system/order-book.service'), 'User')).toBe('order-book');
    expect(entries).toContain('spiffe_id: spiffe://prod.acme.com/order-book');
    expect(entries).toContain('parent_id: spiffe://prod.acme.com/spire/agent/x509pop/machine-7');
    expect(entries).toContain('- unix:user:order-book');
    expect(fileOf(everything, 'etc/sysusers.d/ephemos-order-book.conf')).toMatch(/^u order-book - /m);
  });

  it('leaves no memory that is written and run to SPIRE, and no capability to anybody', () => {
    for (const unit of ['spire-server', 'spire-agent', 'echo']) {
      const text = fileOf(names, `etc/systemd/system/${unit}.service`);
      expect([settingOf(text, 'MemoryDenyWriteExecute'), settingOf(text, 'CapabilityBoundingSet')]).toEqual([
        unit === 'echo' ? 'no' : 'yes',
        '',
      ]);
      // With either the agent and the server would not see who asks.
      if (unit !== 'echo') expect(text).not.toMatch(/^(PrivateUsers|ProcSubset)=|^ProtectProc=invisible/m);
    }
  });

  it('has metrics on loopback until somebody is named who may scrape them', () => {
    expect(fileOf(names, 'etc/ephemos/echo/config.yaml')).toContain('address: 127.0.0.1:9090');
    expect(fileOf(names, 'etc/spire/server.conf')).toContain('host = "localhost"');
    expect(fileOf(names, 'etc/nftables.d/ephemos-echo.nft')).not.toContain('monitoring4');
    expect(fileOf(everything, 'etc/ephemos/order-book/config.yaml')).toContain('address: ":9090"');
    expect(fileOf(everything, 'etc/spire/agent.conf')).toContain('host = "0.0.0.0"');
    expect(fileOf(everything, 'etc/nftables.d/ephemos-order-book.nft')).toContain(
      'tcp dport { 9090, 9988, 9989 } ip saddr @monitoring4 accept',
    );
  });

  it('guards every port that something here listens on', () => {
    const guarded = /tcp dport \{ ([\d, ]+) \} jump/.exec(fileOf(everything, 'etc/nftables.d/ephemos-order-book.nft'))?.[1]?.split(', ');
    const config = fileOf(everything, 'etc/ephemos/order-book/config.yaml');
    const confs = ['server', 'agent'].map((name) => fileOf(everything, `etc/spire/${name}.conf`)).join('\n');
    const listening = [...config.matchAll(/address: "?[\d.]*:(\d+)/g), ...confs.matchAll(/(?:bind_)?port = "?(\d+)/g)].map(
      ([, port]) => port,
    );
    expect(listening.length).toBeGreaterThan(7);
    for (const port of listening) expect(guarded).toContain(port);
  });
});

describe('answers that are refused', () => {
  it.each<[Readonly<Record<string, string>>, RegExp]>([
    [{ service: 'root' }, /root is the name of a user or of a unit already/],
    [{ service: 'ssh' }, /ssh is the name of/],
    [{ service: 'spire-server' }, /spire-server is the name of/],
    [{ service: 'systemd-resolved-x' }, /is the name of/],
    [{ service: 'a-name-of-thirty-two-characters-x' }, /too long for a user/],
    [{ port: '443' }, /"443" is no port from 1024/],
    [{ port: '8081' }, /8081 is that of something else here/],
    [{ port: '8443; drop' }, /is no port/],
    [{ peers: '0.0.0.0/0' }, /peers: 0\.0\.0\.0\/0 is everybody/],
    [{ agents: '10.0.0.0/8 accept' }, /agents: .* is no network/],
    [{ monitoring: 'all' }, /monitoring: "all" is no network/],
    [{ clients: 'spiffe://prod.acme.com' }, /is a trust domain, and not a workload/],
    [{ host: 'spire.acme.com\nx' }, /host: .* is no name of a host/],
    [{ machine: '../x' }, /machine: .* is no name of a host/],
    [{ image: 'x' }, /does not ask for "image"/],
  ])('%j', (given, message) => {
    expect(() => systemdTarget.make({ ...names, ...given })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIG_INVALID', message: expect.stringMatching(message) }),
    );
  });

  it('a client that is no SPIFFE ID', () => {
    expect(() => systemdTarget.make({ ...names, clients: 'web' })).toThrow(expect.objectContaining({ code: 'ERR_SPIFFE_ID_INVALID' }));
  });
});
