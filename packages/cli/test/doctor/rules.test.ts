// What no agent can be made to do: the rules on evidence that is made up.
import { createTestAuthority } from '@ephemos/dev';
import { EphemosError } from 'ephemos/errors';
import { SpiffeId, TrustDomain, X509Bundle, X509BundleSet, X509Svid } from 'ephemos/spiffe';
import { describe, expect, it } from 'vitest';
import { liveChecklist } from '../../src/doctor/checklist.ts';
import { judge } from '../../src/doctor/judge.ts';
import { type AgentLog, readAgentLog } from '../../src/doctor/live/agent-log.ts';
import type { LiveEvidence } from '../../src/doctor/live/evidence.ts';

const id = SpiffeId.parse('spiffe://example.org/web');
const trustDomain = TrustDomain.parse('example.org');

const nothing: LiveEvidence = {
  now: Date.now(),
  timeout: 1000,
  caller: { uid: 1000, selectors: ['unix:uid:1000'], pathSelector: 'unix:path:/usr/bin/node', account: undefined },
  expected: { id: undefined, trustDomain: undefined, from: '' },
  endpoint: new EphemosError('ERR_ENDPOINT_MISSING', 'no endpoint'),
  endpointFrom: 'SPIFFE_ENDPOINT_SOCKET',
  socket: undefined,
  workload: undefined,
  bundleMissing: false,
  agentHealth: undefined,
  agentLog: undefined,
  serverHealth: undefined,
  serverPort: undefined,
  registration: undefined,
  serverName: undefined,
};

function found(evidence: Partial<LiveEvidence>, rule: string): readonly string[] {
  const report = judge(liveChecklist, { ...nothing, ...evidence }, (each) => each.endsWith(`.${rule}`));
  const [judged] = report.items.flatMap((item) => item.rules);
  if (judged === undefined) throw new Error(`there is no rule ${rule}`);
  return 'reason' in judged ? [judged.result] : judged.findings.map((each) => each.id.slice(each.id.lastIndexOf('.') + 1));
}

async function workload(bundleOf: 'itself' | 'another' | 'nobody' | 'nothing') {
  const authority = createTestAuthority(trustDomain);
  const { chain, privateKey } = await authority.issueX509Svid(id);
  const svid = X509Svid.parse({ chain: Buffer.concat(chain), privateKey });
  const der = {
    itself: await authority.bundleDer(),
    another: await createTestAuthority(trustDomain).bundleDer(),
    nobody: [],
    nothing: [],
  }[bundleOf];
  const bundles = bundleOf === 'nothing' ? [] : [X509Bundle.parse(trustDomain, Buffer.concat(der))];
  return { svid, workload: { value: { svids: [svid], bundles: new X509BundleSet(bundles) } } };
}

describe('the rule of the bundle', () => {
  it.each([
    ['itself', ['pass']],
    ['another', ['wrong']],
    ['nobody', ['missing']],
    ['nothing', ['missing']],
  ] as const)('with the authorities of %s', async (bundleOf, expected) => {
    expect(found(await workload(bundleOf), 'bundle')).toEqual(expected);
  });

  it('finds that every authority has expired', async () => {
    const evidence = await workload('itself');
    expect(found({ ...evidence, now: evidence.svid.notAfter + 30 * 86_400_000 }, 'bundle')).toEqual(['expired']);
  });
});

describe('the rule of the SVID', () => {
  it.each([
    [-0.01, 'not-yet-valid'],
    [0, 'pass'],
    [0.65, 'pass'],
    [0.68, 'not-renewed'],
    [1.01, 'expired'],
  ])('after %d of its life', async (part, expected) => {
    const evidence = await workload('itself');
    const { notBefore, notAfter } = evidence.svid;
    expect(found({ ...evidence, now: notBefore + part * (notAfter - notBefore) }, 'svid')).toEqual([expected]);
  });
});

describe('the rule of the server, by what the agent said of it', () => {
  const now = Date.parse('2026-11-24T15:30:00Z');
  const time = (secondsAgo: number): string => new Date(now - secondsAgo * 1000).toISOString();
  const port = (address: string): LiveEvidence['serverPort'] => ({
    address,
    reached: true,
    failure: undefined,
    hint: undefined,
    id: SpiffeId.parse('spiffe://example.org/spire/server'),
    notBefore: now - 60_000,
    notAfter: now + 60_000,
  });

  function lost(secondsAgo: number): AgentLog {
    const line = `time="${time(secondsAgo)}" level=error msg="Synchronize failed" error="dial tcp 10.0.0.5:8081: connect: connection refused"`;
    return readAgentLog('agent.log', line, 1);
  }

  it('believes it for five minutes, and until the same port takes a connection', () => {
    expect(found({ now, agentLog: lost(10) }, 'server')).toEqual(['unreachable']);
    expect(found({ now, agentLog: lost(400) }, 'server')).toEqual(['pass']);
    expect(found({ now, agentLog: lost(10), serverPort: port('spire-server:8081') }, 'server')).toEqual(['pass']);
    expect(found({ now, agentLog: lost(10), serverPort: port('spire-server:9081') }, 'server')).toEqual(['unreachable']);
  });
});

describe('without any evidence', () => {
  it('nothing passes', () => {
    expect(judge(liveChecklist, nothing).counts).toEqual({ pass: 0, fail: 1, warn: 0, skip: 9 });
  });
});
