// An audit on the real channels, with a clock that goes when it is told to.
import { channel } from 'node:diagnostics_channel';
import type { ChannelMessages } from 'ephemos';
import { EphemosError, type ErrorCode } from 'ephemos/errors';
import { type Audit, type AuditOptions, createAudit } from '../../src/logs/create-audit.ts';
import { createMemoryLog, type MemoryLog } from './memory-log.ts';

const decisions = channel('ephemos:authorize:decision');
const refusals = channel('ephemos:tls:refused');

export type Decision = ChannelMessages['decision'];

export const allowed: Decision = {
  role: 'server',
  gate: 'request',
  peer: 'spiffe://example.org/web',
  target: 'GET /v1/orders/7',
  allowed: true,
  rule: 'web reads orders',
  reason: 'allowed',
  remoteAddress: '10.1.2.3',
};

export const denied: Decision = { ...allowed, allowed: false, rule: undefined, reason: 'no_rule_for_target' };

export interface AuditWorld extends MemoryLog, Disposable {
  readonly audit: Audit;
  decide(decision?: Partial<Decision>): void;
  refuse(code: ErrorCode, more?: Partial<Omit<ChannelMessages['refused'], 'error'>>, error?: EphemosError): void;
  /** Lets this many milliseconds go by. */
  pass(milliseconds: number): void;
}

export function openAudit(options: Partial<AuditOptions> = {}): AuditWorld {
  const memory = createMemoryLog();
  let now = 1000;
  const audit = createAudit({ log: memory.log, sample: 1, now: () => now, ...options });
  return {
    ...memory,
    audit,
    decide: (decision = {}) => decisions.publish({ ...denied, ...decision }),
    refuse: (code, more = {}, error = new EphemosError(code, 'refused')) =>
      refusals.publish({ role: 'server', error, remoteAddress: '10.1.2.3', live: false, ...more }),
    pass(milliseconds) {
      now += milliseconds;
    },
    [Symbol.dispose]: audit.close,
  };
}

/** How many denials the lines tell of. */
export function denialsIn(lines: readonly Readonly<Record<string, unknown>>[]): number {
  return lines.reduce((total, { audit, denials }) => total + (audit === 'deny' ? 1 : typeof denials === 'number' ? denials : 0), 0);
}
