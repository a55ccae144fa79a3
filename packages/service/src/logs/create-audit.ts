// Decisions of both gates and refused connections in, audit lines out: allowed ones sampled, every denial in a line or in a summary.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { EphemosError } from 'ephemos/errors';
import type { Logger } from 'pino';
import { type AuditFields, decisionFields, isDecision, isRefused, refusalFields } from './audit-line.ts';
import { DenialLedger, type DenialSummary } from './denial-ledger.ts';

/** What {@link createAudit} takes. */
export interface AuditOptions {
  /** Its lines are written whatever its level is, except `silent`. */
  readonly log: Logger;
  /** Which part of the allowed decisions gets a line, 0 to 1. */
  readonly sample: number;
  /** Decides which; default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Milliseconds that only go forward; default `performance.now`. */
  readonly now?: (() => number) | undefined;
  /** Lines for one reason and network before its denials are only counted; default 10. */
  readonly denialLines?: number | undefined;
  /** How often those are summarised, in milliseconds; default 10,000. */
  readonly denialWindow?: number | undefined;
  /**
   * Reasons and networks that are kept apart at one time; what comes from more is counted together. Default 1,000, which is 1,000 lines a second
   * at the worst, about 1 % of a core.
   */
  readonly maxDenialKeys?: number | undefined;
}

/** An audit that runs. */
export interface Audit extends Disposable {
  /** Stops and writes the summaries that are due. */
  close(): void;
}

const DENIAL_LINES = 10;
const DENIAL_WINDOW_MS = 10_000;
const MAX_DENIAL_KEYS = 1000;

/**
 * Writes a line for each authorization decision: for a part of those that allow, with `audit: "allow"`, and for each that denies, with
 * `audit: "deny"`. Connections that are refused for another reason than the authorizer, and those that are ended, are denials too; see
 * {@link AuditFields}. Beyond ten lines of one reason and network, denials are counted and told once in ten seconds with `audit: "deny_summary"`,
 * until there is none for ten seconds. It keeps no process alive.
 * @throws {EphemosError} ERR_OPTION_INVALID
 * @example
 * using audit = createAudit({ log, sample: 0.01 });
 */
export function createAudit(options: AuditOptions): Audit {
  const { log, sample, random = Math.random, now = () => performance.now() } = options;
  if (!(sample >= 0 && sample <= 1)) throw new EphemosError('ERR_OPTION_INVALID', 'sample must be from 0 to 1');
  const audit = log.level === 'silent' ? log : log.child({}, { level: 'info' });
  const ledger = new DenialLedger({
    lines: wholeNumber('denialLines', options.denialLines ?? DENIAL_LINES),
    window: wholeNumber('denialWindow', options.denialWindow ?? DENIAL_WINDOW_MS),
    maxKeys: wholeNumber('maxDenialKeys', options.maxDenialKeys ?? MAX_DENIAL_KEYS),
    now,
    summarise: (summary) => audit.warn(summaryFields(summary), 'denials that have no line of their own'),
  });

  function deny(fields: AuditFields, text: string): void {
    if (ledger.note(fields.reason, fields.address)) audit.warn(fields, text);
  }

  function onDecision(message: unknown): void {
    if (!isDecision(message)) return;
    if (message.allowed !== true) deny(decisionFields(message), 'denied');
    // Nothing is made of an allowed decision before it is known that it gets a line.
    else if (sample > 0 && random() < sample) audit.info({ ...decisionFields(message), sample }, 'allowed');
  }

  function onRefused(message: unknown): void {
    if (!isRefused(message)) return;
    // The decision was told; for a connection that lives there is none.
    if (!message.live && message.error.code === 'ERR_PEER_UNAUTHORIZED') return;
    deny(refusalFields(message), message.live ? 'connection ended' : 'connection refused');
  }

  subscribe('ephemos:authorize:decision', onDecision);
  subscribe('ephemos:tls:refused', onRefused);
  function close(): void {
    unsubscribe('ephemos:authorize:decision', onDecision);
    unsubscribe('ephemos:tls:refused', onRefused);
    ledger.close();
  }
  return { close, [Symbol.dispose]: close };
}

function summaryFields({ reason, network, denials, duration }: DenialSummary): object {
  return { audit: 'deny_summary', reason, network, denials, duration_ms: Math.round(duration) };
}

function wholeNumber(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new EphemosError('ERR_OPTION_INVALID', `${name} must be a whole number of at least 1`);
}
