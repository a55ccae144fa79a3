// What the channels tell about decisions and refusals in; the fields of an audit line out, each of bounded length.
import type { ChannelMessages } from 'ephemos';
import type { EphemosError } from 'ephemos/errors';
import { plainAddress } from 'ephemos/tls';

/** A decision of one of the gates. */
export type DecisionMessage = ChannelMessages['decision'];

/** A connection that was not made or is ended. */
export type RefusedMessage = ChannelMessages['refused'];

/**
 * The fields of an audit line. What comes from outside is cut off at a bound: `peer` at 2,048 characters, which is the longest SPIFFE ID,
 * `target` at 1,024, `rule` at 256, `reason` at 128, `detail` at 512, `address` at 64. `target` is without its query, where people put tokens.
 */
export interface AuditFields {
  readonly audit: 'allow' | 'deny';
  /** `connection`: when it was made or, with `live`, as long as it lasts. `request`: one request on it. */
  readonly gate: 'connection' | 'request';
  /** Which side of the connection we are. */
  readonly role: 'server' | 'client';
  /** A SPIFFE ID that was verified; missing where the peer could not be. */
  readonly peer: string | undefined;
  /** Such as `GET /v1/orders/7` or `/orders.v1.Orders/Get`; only requests have one. */
  readonly target: string | undefined;
  /** The name of the policy rule that allowed it. */
  readonly rule: string | undefined;
  /** Of a policy, `allowed` or `denied` of any other authorizer, or the code of an error. */
  readonly reason: string;
  /** What the error says, with its causes. */
  readonly detail: string | undefined;
  /** IPv4-mapped IPv6 is shown as IPv4. */
  readonly address: string | undefined;
  /** True when a connection that was admitted once is ended. */
  readonly live: true | undefined;
}

/** The fields for a decision. */
export function decisionFields({ allowed, gate, role, peer, target, rule, reason, remoteAddress }: DecisionMessage): AuditFields {
  return {
    audit: allowed === true ? 'allow' : 'deny',
    gate,
    role,
    peer: cut(peer, 2048),
    target: target === undefined ? undefined : cut(withoutQuery(target), 1024),
    rule: rule === undefined ? undefined : cut(rule, 256),
    reason: cut(reason, 128),
    detail: undefined,
    address: remoteAddress === undefined ? undefined : plainAddress(remoteAddress),
    live: undefined,
  };
}

/** The fields for a refusal. */
export function refusalFields({ role, error, peer, remoteAddress, live }: RefusedMessage): AuditFields {
  return {
    audit: 'deny',
    gate: 'connection',
    role,
    peer: peer === undefined ? undefined : cut(peer, 2048),
    target: undefined,
    rule: undefined,
    reason: error.code,
    detail: cut(messagesOf(error), 512),
    address: remoteAddress === undefined ? undefined : plainAddress(remoteAddress),
    live: live || undefined,
  };
}

/** True for what is published on `ephemos:authorize:decision`. */
export function isDecision(message: unknown): message is DecisionMessage {
  return typeof message === 'object' && message !== null && 'allowed' in message && 'gate' in message && 'reason' in message;
}

/** True for what is published on `ephemos:tls:refused`. */
export function isRefused(message: unknown): message is RefusedMessage {
  return typeof message === 'object' && message !== null && 'error' in message && 'live' in message && message.error instanceof Error;
}

function withoutQuery(target: string): string {
  const end = target.search(/[?#]/);
  return end === -1 ? target : target.slice(0, end);
}

const MAX_CAUSES = 4;

function messagesOf(error: EphemosError): string {
  const messages: string[] = [];
  let each: unknown = error;
  while (each instanceof Error && messages.length <= MAX_CAUSES) {
    messages.push(each.message);
    each = each.cause;
  }
  return messages.join(': ');
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max)}...`;
}
