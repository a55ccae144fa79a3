import { randomBytes } from 'node:crypto';
import { EphemosError } from 'ephemos/errors';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAudit } from '../../src/logs/create-audit.ts';
import { allowed, denialsIn, denied, openAudit } from './audit-world.ts';
import { createMemoryLog } from './memory-log.ts';

afterEach(() => {
  vi.useRealTimers();
});

const line = { time: expect.any(String), service: 'orders' };

describe('a decision that allows', () => {
  it('is one line with peer, target, rule, reason, gate, role and address', () => {
    using world = openAudit();
    world.decide(allowed);
    world.decide({ ...allowed, gate: 'connection', target: undefined, rule: undefined });
    const told = {
      ...line,
      level: 'info',
      audit: 'allow',
      role: 'server',
      peer: 'spiffe://example.org/web',
      reason: 'allowed',
      address: '10.1.2.3',
      sample: 1,
      msg: 'allowed',
    };
    expect(world.parsed()).toEqual([
      { ...told, gate: 'request', target: 'GET /v1/orders/7', rule: 'web reads orders' },
      { ...told, gate: 'connection' },
    ]);
  });

  it('is sampled, at both gates alike', () => {
    const draws = [0.005, 0.5, 0.009, 0.01, 0.99];
    using world = openAudit({ sample: 0.01, random: () => draws.shift() ?? 1 });
    for (const gate of ['connection', 'request', 'request', 'connection', 'request'] as const) world.decide({ ...allowed, gate });
    expect(world.parsed().map(({ gate, sample }) => [gate, sample])).toEqual([
      ['connection', 0.01],
      ['request', 0.01],
    ]);
  });

  it('is none with sample 0, and each with sample 1', () => {
    using none = openAudit({ sample: 0, random: () => 0 });
    for (let i = 0; i < 50; i++) none.decide(allowed);
    expect(none.lines).toEqual([]);
    none.audit.close();
    using each = openAudit({ sample: 1, random: () => 0.999_999 });
    for (let i = 0; i < 50; i++) each.decide(allowed);
    expect(each.lines).toHaveLength(50);
  });
});

describe('a decision that denies', () => {
  it('is always a line, whatever is sampled', () => {
    using world = openAudit({ sample: 0 });
    world.decide(denied);
    expect(world.parsed()).toEqual([
      {
        ...line,
        level: 'warn',
        audit: 'deny',
        gate: 'request',
        role: 'server',
        peer: 'spiffe://example.org/web',
        target: 'GET /v1/orders/7',
        reason: 'no_rule_for_target',
        address: '10.1.2.3',
        msg: 'denied',
      },
    ]);
  });

  it('is what is not plainly allowed', () => {
    using world = openAudit({ sample: 1 });
    const odd: object = { allowed: 'yes' };
    world.decide({ ...allowed, ...odd });
    expect(world.parsed()[0]).toMatchObject({ audit: 'deny' });
  });

  it('is told by a log that is set to errors alone', () => {
    const { log, lines } = createMemoryLog({ level: 'error' });
    using _audit = createAudit({ log, sample: 1 });
    openAudit({ log: createMemoryLog({ level: 'silent' }).log }).decide();
    expect(lines).toHaveLength(1);
  });
});

describe('a refused connection', () => {
  it('is a line with the code as reason and what the error says', () => {
    using world = openAudit();
    const error = new EphemosError('ERR_HANDSHAKE_FAILED', 'a handshake was broken off', { cause: new Error('read ECONNRESET') });
    world.refuse('ERR_HANDSHAKE_FAILED', {}, error);
    expect(world.parsed()).toEqual([
      {
        ...line,
        level: 'warn',
        audit: 'deny',
        gate: 'connection',
        role: 'server',
        reason: 'ERR_HANDSHAKE_FAILED',
        detail: 'a handshake was broken off: read ECONNRESET',
        address: '10.1.2.3',
        msg: 'connection refused',
      },
    ]);
  });

  it('is no second line when the decision was told', () => {
    using world = openAudit();
    world.decide({ gate: 'connection', target: undefined, reason: 'no_rule_for_peer' });
    world.refuse('ERR_PEER_UNAUTHORIZED');
    expect(world.lines).toHaveLength(1);
  });

  it('is a line when it was live, for whatever reason it ends', () => {
    using world = openAudit();
    const live = { live: true, peer: 'spiffe://example.org/web', remoteAddress: undefined };
    world.refuse('ERR_PEER_UNAUTHORIZED', live);
    world.refuse('ERR_PEER_EXPIRED', live);
    expect(world.parsed()).toMatchObject([
      { audit: 'deny', reason: 'ERR_PEER_UNAUTHORIZED', peer: 'spiffe://example.org/web', live: true, msg: 'connection ended' },
      { audit: 'deny', reason: 'ERR_PEER_EXPIRED', peer: 'spiffe://example.org/web', live: true, msg: 'connection ended' },
    ]);
    expect(world.parsed()[0]).not.toHaveProperty('address');
  });
});

describe('what comes from outside', () => {
  it('is bounded, and a target has no query', () => {
    using world = openAudit();
    const long = 'x/'.repeat(5000);
    world.decide({
      peer: `spiffe://example.org/${long}`,
      target: `GET /${long}?token=hunter2`,
      rule: long,
      reason: long,
      remoteAddress: long,
    });
    world.decide({ target: 'GET /callback?code=hunter2' });
    world.decide({ target: 'GET /callback#hunter2' });
    world.refuse('ERR_HANDSHAKE_FAILED', {}, new EphemosError('ERR_HANDSHAKE_FAILED', long, { cause: new Error(long) }));
    expect(world.lines.join('')).not.toContain('hunter2');
    expect(
      world
        .parsed()
        .map(({ target }) => target)
        .slice(1, 3),
    ).toEqual(['GET /callback', 'GET /callback']);
    const lengths = Object.fromEntries(Object.entries(world.parsed()[0] ?? {}).map(([key, value]) => [key, String(value).length]));
    expect(lengths).toMatchObject({ peer: 2051, target: 1027, rule: 259, reason: 131, address: 64 });
    expect(String(world.parsed()[3]?.['detail'])).toHaveLength(515);
  });

  it('has no tokens', () => {
    using world = openAudit();
    const token = randomBytes(48).toString('base64url');
    world.decide({ target: `GET /v1/reset/${token}/confirm` });
    const { target } = world.parsed()[0] ?? {};
    expect(target).toMatch(/^GET \/v1\/reset\/.*\[redacted\].*\/confirm$/);
    // A few characters at its ends may stay, where a "-" sets them apart.
    for (let at = 0; at + 12 <= token.length; at++) expect(target).not.toContain(token.slice(at, at + 12));
  });

  it('that is no message of ours is nothing', () => {
    using world = openAudit();
    const nothing: object = { live: undefined, error: 'text' };
    world.refuse('ERR_HANDSHAKE_FAILED', { ...nothing });
    expect(world.lines).toEqual([]);
  });
});

describe('denials beyond the rate', () => {
  it('are ten lines, and then one summary in ten seconds for as long as they go on', () => {
    using world = openAudit();
    for (let i = 0; i < 110; i++) world.decide();
    expect(world.lines).toHaveLength(10);
    world.pass(10_000);
    for (let i = 0; i < 50; i++) world.decide();
    expect(world.parsed().slice(10)).toEqual([
      {
        ...line,
        level: 'warn',
        audit: 'deny_summary',
        reason: 'no_rule_for_target',
        network: '10.1.2.3',
        denials: 100,
        duration_ms: 10_000,
        msg: 'denials that have no line of their own',
      },
    ]);
    world.pass(12_000);
    world.decide();
    expect(world.parsed().slice(11)).toMatchObject([{ audit: 'deny_summary', denials: 50, duration_ms: 12_000 }]);
    expect(denialsIn(world.parsed())).toBe(160);
  });

  it('have lines again after a window without one', () => {
    using world = openAudit();
    for (let i = 0; i < 20; i++) world.decide();
    world.pass(10_000);
    world.decide({ reason: 'denied' });
    world.pass(10_000);
    world.decide();
    expect(world.parsed().at(-1)).toMatchObject({ audit: 'deny', reason: 'no_rule_for_target' });
  });

  it('are counted by reason and address: an IPv6 /64 is one, IPv4 in IPv6 is IPv4', () => {
    using world = openAudit({ denialLines: 1 });
    const addresses = ['10.1.2.3', '::ffff:10.1.2.3', '10.1.2.4', '2001:db8::1', '2001:db8::ffff', '2001:db8:0:1::1', undefined, undefined];
    for (const remoteAddress of addresses) world.decide({ remoteAddress });
    world.decide({ reason: 'denied' });
    expect(world.lines).toHaveLength(6);
    world.audit.close();
    expect(
      world
        .parsed()
        .slice(6)
        .map(({ network, denials }) => [network, denials]),
    ).toEqual([
      ['10.1.2.3', 1],
      ['2001:db8:0:0::/64', 1],
      [undefined, 1],
    ]);
    expect(denialsIn(world.parsed())).toBe(9);
  });

  it('of more reasons and addresses than are kept apart are counted together', () => {
    using world = openAudit({ maxDenialKeys: 100 });
    for (let i = 0; i < 1000; i++) world.decide({ remoteAddress: `10.0.${i >> 8}.${i & 255}` });
    expect(world.lines).toHaveLength(100);
    world.audit.close();
    expect(world.parsed().slice(100)).toMatchObject([{ audit: 'deny_summary', reason: 'others', denials: 900 }]);
  });

  it('are summarised at close, once, and nothing is told afterwards', () => {
    using world = openAudit();
    for (let i = 0; i < 25; i++) world.decide();
    world.audit.close();
    world.audit.close();
    world.decide();
    world.decide(allowed);
    world.refuse('ERR_HANDSHAKE_FAILED');
    expect(world.lines).toHaveLength(11);
    expect(denialsIn(world.parsed())).toBe(25);
  });

  it('are summarised by a timer when there are no more', () => {
    vi.useFakeTimers();
    const { log, lines, parsed } = createMemoryLog();
    using _audit = createAudit({ log, sample: 0 });
    const world = openAudit({ log: createMemoryLog().log });
    for (let i = 0; i < 25; i++) world.decide();
    world.audit.close();
    vi.advanceTimersByTime(5000);
    expect(lines).toHaveLength(10);
    vi.advanceTimersByTime(6000);
    expect(parsed()[10]).toMatchObject({ audit: 'deny_summary', denials: 15 });
    vi.advanceTimersByTime(20_000);
    expect(lines).toHaveLength(11);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('createAudit', () => {
  it.each([-0.1, 1.1, Number.NaN])('refuses a sample of %d', (sample) => {
    expect(() => openAudit({ sample })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });

  it.each([0, 1.5, Infinity])('refuses %d lines, windows and keys', (value) => {
    for (const name of ['denialLines', 'denialWindow', 'maxDenialKeys'])
      expect(() => openAudit({ [name]: value })).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  });
});
