// What happened, on diagnostics channels: listen with node:diagnostics_channel. Nothing is paid for where nobody listens.
import { type Channel, channel } from 'node:diagnostics_channel';
import type { EphemosError } from '../errors.ts';

/** Which side of a connection we are. */
export type Role = 'server' | 'client';

/** What each channel tells. Peers are SPIFFE IDs as text. */
export interface ChannelMessages {
  /** `ephemos:source:update`: the Workload API sent something new. `svid` is the one that was picked, if any. */
  readonly sourceUpdate: { readonly svid: object | undefined; readonly trustDomains: number };
  /** `ephemos:source:error`: an update was refused, or the stream failed; it is tried again. */
  readonly sourceError: { readonly error: EphemosError };
  /** `ephemos:tls:handshake`: a peer was verified and admitted. `seconds` from the first byte; NaN where that is not known. */
  readonly handshake: { readonly role: Role; readonly peer: string; readonly protocol: string | null; readonly seconds: number };
  /** `ephemos:tls:refused`: a connection was not made, or with `live` an old one is ended. `peer` is there once it is verified. */
  readonly refused: {
    readonly role: Role;
    readonly error: EphemosError;
    readonly peer?: string | undefined;
    readonly remoteAddress?: string | undefined;
    readonly live: boolean;
  };
  /** `ephemos:tls:end`: we end an admitted connection. */
  readonly connectionEnd: { readonly role: Role; readonly peer: string; readonly reason: string };
  /** `ephemos:tls:close`: an admitted connection is closed, whoever did it. One for each handshake. */
  readonly connectionClose: { readonly role: Role; readonly peer: string };
  /**
   * `ephemos:authorize:decision`: the authorizer has answered. At the connection, where there is no target, or at a request.
   * `rule` and `reason` are those of a policy; any other authorizer has no rule, and the reason `allowed` or `denied`.
   */
  readonly decision: {
    readonly role: Role;
    readonly gate: 'connection' | 'request';
    readonly peer: string;
    readonly target: string | undefined;
    readonly allowed: boolean;
    readonly rule: string | undefined;
    readonly reason: string;
    readonly remoteAddress: string | undefined;
  };
}

/** Names of {@link channels}. */
export type ChannelName = keyof ChannelMessages;

/** The channels by what they tell; {@link ChannelMessages} says what. */
export const channels: Readonly<Record<ChannelName, Channel>> = Object.freeze({
  sourceUpdate: channel('ephemos:source:update'),
  sourceError: channel('ephemos:source:error'),
  handshake: channel('ephemos:tls:handshake'),
  refused: channel('ephemos:tls:refused'),
  connectionEnd: channel('ephemos:tls:end'),
  connectionClose: channel('ephemos:tls:close'),
  decision: channel('ephemos:authorize:decision'),
});

/** Publishes a message that is made only when somebody listens. A listener that throws is Node's to report: it never reaches the caller. */
export function publish<N extends ChannelName>(name: N, message: () => ChannelMessages[N]): void {
  const target = channels[name];
  if (target.hasSubscribers) target.publish(message());
}
