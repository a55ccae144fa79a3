import { once } from 'node:events';
import { openDevAgent } from '@ephemos/dev';
import { openX509Source } from 'ephemos';
import { EphemosError } from 'ephemos/errors';
import { TrustDomain, X509BundleSet } from 'ephemos/spiffe';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHealth, type Health } from '../../src/health/health.ts';
import { id, openWorld, untilHealth } from './world.ts';

afterEach(() => {
  vi.useRealTimers();
});

function failing({ ready }: Health): readonly string[] {
  return ready()
    .checks.filter((check) => !check.ok)
    .map(({ name }) => name);
}

function reasonOf({ ready }: Health, name: string): string | undefined {
  return ready().checks.find((check) => check.name === name)?.reason;
}

describe('readiness', () => {
  it('is an SVID, a bundle, open listeners and no shutdown', async () => {
    await using world = await openWorld();
    using health = createHealth({ source: world.source });
    expect(failing(health)).toEqual(['listening']);
    health.setListening(true);
    expect(health.ready()).toEqual({
      ok: true,
      checks: [
        { name: 'svid', ok: true },
        { name: 'bundle', ok: true },
        { name: 'listening', ok: true },
        { name: 'draining', ok: true },
      ],
    });
  });

  it('says what it waits for before there is an identity', async () => {
    using health = createHealth();
    health.setListening(true);
    expect(failing(health)).toEqual(['svid', 'bundle']);
    expect(reasonOf(health, 'svid')).toBe('waiting for an identity');
    health.setWaiting(new EphemosError('ERR_WORKLOAD_API_UNAVAILABLE', 'connect ENOENT /run/agent.sock'));
    expect(reasonOf(health, 'svid')).toBe('waiting for an identity: connect ENOENT /run/agent.sock');
    await using world = await openWorld();
    health.setSource(world.source);
    expect(failing(health)).toEqual([]);
  });

  it('ends with a withdrawal and comes back with the identity', async () => {
    await using world = await openWorld();
    using health = createHealth({ source: world.source });
    health.setListening(true);
    const seen: boolean[] = [];
    health.onChange(({ ok }) => seen.push(ok));
    await world.authority.withdraw(id);
    await untilHealth(health, () => !health.ready().ok);
    expect(failing(health)).toEqual(['svid']);
    expect(reasonOf(health, 'svid')).toBe('the Workload API has withdrawn this identity');
    await world.authority.restore(id);
    await untilHealth(health, () => health.ready().ok);
    expect(seen).toEqual([false, true]);
  });

  it('outlives the agent while the SVID is valid', async () => {
    const agent = await openDevAgent({ trustDomain: 'example.org' });
    await using source = await openX509Source({ endpoint: await agent.endpointFor(id) });
    using health = createHealth({ source });
    health.setListening(true);
    await agent.close();
    while (source.health.connected) await new Promise(setImmediate);
    expect(health.ready().ok).toBe(true);
  });

  it('ends at the moment the SVID expires, without being asked', async () => {
    await using world = await openWorld({ svidTtlSeconds: 60 });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    using health = createHealth({ source: world.source });
    health.setListening(true);
    const changes: string[] = [];
    health.onChange(({ checks }) => changes.push(checks.find(({ name }) => name === 'svid')?.reason ?? 'fine'));
    vi.advanceTimersByTime(world.source.svid.notAfter - Date.now());
    expect(changes).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(changes).toEqual([expect.stringMatching(/^the SVID expired at \d{4}-.*Z and no newer one has come$/)]);
  });

  it('sees an SVID that expired while no timer ran', async () => {
    await using world = await openWorld({ svidTtlSeconds: 60 });
    using health = createHealth({ source: world.source });
    health.setListening(true);
    vi.useFakeTimers({ toFake: ['Date'], now: world.source.svid.notAfter + 1 });
    const changes: boolean[] = [];
    health.onChange(({ ok }) => changes.push(ok));
    expect(health.ready().ok).toBe(false);
    expect(changes).toEqual([false]);
  });

  it('waits for an SVID that is not valid yet', async () => {
    await using world = await openWorld();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: world.source.svid.notBefore - 5_000 });
    using health = createHealth({ source: world.source });
    health.setListening(true);
    expect(reasonOf(health, 'svid')).toMatch(/^the SVID is valid from .*; compare the clocks$/);
    vi.advanceTimersByTime(5_000);
    expect(failing(health)).toEqual([]);
  });

  it('needs an authority of our own trust domain that has not expired', async () => {
    await using world = await openWorld({ svidTtlSeconds: 60, caTtlSeconds: 60 });
    const { source } = world;
    using foreign = createHealth({ source: { svid: source.svid, bundles: new X509BundleSet([]), subscribe: () => () => undefined } });
    expect(reasonOf(foreign, 'bundle')).toBe('there is no bundle of example.org');
    using health = createHealth({ source });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 });
    expect(reasonOf(health, 'bundle')).toBe('every authority of example.org has expired');
  });

  it('knows our trust domain when it is told, also before the first SVID', () => {
    const absent = new EphemosError('ERR_IDENTITY_UNAVAILABLE', 'the Workload API has not sent an SVID yet');
    const source = {
      get svid(): never {
        throw absent;
      },
      bundles: new X509BundleSet([]),
      subscribe: () => () => undefined,
    };
    using unknown = createHealth({ source });
    expect(reasonOf(unknown, 'bundle')).toBe('our trust domain is not known yet');
    using known = createHealth({ source, trustDomain: TrustDomain.parse('example.org') });
    expect(reasonOf(known, 'bundle')).toBe('there is no bundle of example.org');
  });

  it('does not come back from a shutdown', async () => {
    await using world = await openWorld();
    using health = createHealth({ source: world.source });
    health.setListening(true);
    health.drain();
    expect(failing(health)).toEqual(['draining']);
    expect(reasonOf(health, 'draining')).toBe('the process is shutting down');
    health.setListening(true);
    expect(health.ready().ok).toBe(false);
  });

  it('is not there when the source was closed', async () => {
    await using world = await openWorld();
    using health = createHealth({ source: world.source });
    health.setListening(true);
    await world.source.close();
    expect(failing(health)).toEqual(['svid', 'bundle']);
  });
});

describe('liveness', () => {
  it('is about the process alone: neither agent nor identity nor shutdown counts', async () => {
    using health = createHealth();
    health.drain();
    expect(health.live()).toEqual({ ok: true, checks: [{ name: 'process', ok: true }] });
  });
});

describe('startup', () => {
  it('holds for good once it was ready, and says what is missing before', async () => {
    await using world = await openWorld();
    using health = createHealth({ source: world.source });
    expect(health.started()).toEqual(health.ready());
    health.setListening(true);
    health.drain();
    expect(health.ready().ok).toBe(false);
    expect(health.started()).toEqual({ ok: true, checks: [{ name: 'started', ok: true }] });
  });
});

describe('a check that was added', () => {
  it('fails until its first result is there, and a probe does not wait for it', async () => {
    using health = createHealth();
    let good = (): void => undefined;
    health.addCheck('database', () => new Promise<void>((resolve) => (good = resolve)));
    expect(reasonOf(health, 'database')).toBe('it has not run yet');
    good();
    await new Promise(setImmediate);
    expect(reasonOf(health, 'database')).toBeUndefined();
  });

  it.each<[how: string, run: () => unknown, reason: string]>([
    ['throws', () => fail(new Error('no\nroute')), 'no route'],
    ['rejects', () => Promise.reject(new Error(`too long ${'x'.repeat(1_000)}`)), `too long ${'x'.repeat(188)}...`],
    ['says nothing', () => fail(new Error('\n')), 'it failed without a message'],
    ['gives false', () => false, 'it gave false'],
    ['speaks to the terminal', () => fail(new Error('\u001b[31mred\u202e')), '[31mred'],
  ])('that %s fails readiness, with its reason on one line', async (_, run, reason) => {
    using health = createHealth();
    health.addCheck('database', run);
    await new Promise(setImmediate);
    expect(health.ready().checks.at(-1)).toEqual({ name: 'database', ok: false, reason, added: true });
  });

  it('fails when a run takes too long, is told so by its signal, and is not run again before that run has ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    using health = createHealth({ interval: 1_000, timeout: 100 });
    const signals: AbortSignal[] = [];
    const ends: (() => void)[] = [];
    health.addCheck('slow', ({ signal }) => {
      signals.push(signal);
      return new Promise<void>((resolve) => ends.push(resolve));
    });
    vi.advanceTimersByTime(100);
    expect(reasonOf(health, 'slow')).toBe('no result within 100 ms');
    expect(signals[0]?.reason).toMatchObject({ message: 'the check "slow" took longer than 100 ms' });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(signals).toHaveLength(1);
    ends[0]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(signals).toHaveLength(2);
    expect(reasonOf(health, 'slow')).toBe('no result within 100 ms');
    ends[1]?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(reasonOf(health, 'slow')).toBeUndefined();
  });

  it('runs at its interval, counted from start to start', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    using health = createHealth({ interval: 1_000, timeout: 100 });
    const starts: number[] = [];
    health.addCheck('database', () => {
      starts.push(performance.now());
      return new Promise<void>((resolve) => setTimeout(resolve, 50));
    });
    health.addCheck('cache', () => undefined, { interval: 100_000 });
    await vi.advanceTimersByTimeAsync(2_500);
    expect(starts.map((time) => time - (starts[0] ?? 0))).toEqual([0, 1_000, 2_000]);
  });

  it('is over when it is taken away', async () => {
    using health = createHealth();
    let signal: AbortSignal | undefined;
    const remove = health.addCheck('database', (options) => {
      signal = options.signal;
      return once(options.signal, 'abort');
    });
    remove();
    expect(signal?.aborted).toBe(true);
    await new Promise(setImmediate);
    expect(failing(health)).not.toContain('database');
    health.addCheck('database', () => undefined);
    remove();
    expect(health.ready().checks.at(-1)?.name).toBe('database');
  });

  it.each(['', 'svid', 'draining', 'two words', 'x'.repeat(64), '-x', 'line\n'])('may not be called %j', (name) => {
    using health = createHealth();
    expect(() => health.addCheck(name, () => undefined)).toThrow(TypeError);
  });

  it('may not take the name of another', () => {
    using health = createHealth();
    health.addCheck('database', () => undefined);
    expect(() => health.addCheck('database', () => undefined)).toThrow('there is a check "database" already');
  });
});

describe('listeners', () => {
  it('hear of every change once, in order, until they leave', async () => {
    await using world = await openWorld();
    using health = createHealth({ source: world.source });
    const seen: string[] = [];
    const stop = health.onChange(({ ok }) => {
      seen.push(`first ${ok}`);
      if (ok) health.drain();
    });
    health.onChange(({ ok }) => seen.push(`second ${ok}`));
    health.setListening(true);
    health.setListening(true);
    expect(seen).toEqual(['first true', 'first false', 'second false']);
    stop();
    health.setListening(false);
    expect(seen).toHaveLength(3);
  });

  it('are not called after close, and no check runs on', async () => {
    await using world = await openWorld();
    const health = createHealth({ source: world.source });
    let signal: AbortSignal | undefined;
    health.addCheck('database', (options) => {
      signal = options.signal;
      return once(options.signal, 'abort');
    });
    const seen: boolean[] = [];
    health.onChange(({ ok }) => seen.push(ok));
    health.close();
    health.close();
    health.setListening(true);
    expect(signal?.aborted).toBe(true);
    expect(seen).toEqual([]);
    expect(() => health.addCheck('late', () => undefined)).toThrow('the health is closed');
  });
});

function fail(error: Error): never {
  throw error;
}
