// What happened, on diagnostics channels: listen with node:diagnostics_channel. Nothing is paid for where nobody listens.
import { type Channel, channel } from 'node:diagnostics_channel';

/** The channels by what they tell. Messages are plain objects; each is documented where it is published. */
export const channels: Readonly<Record<ChannelName, Channel>> = Object.freeze({
  sourceUpdate: channel('ephemos:source:update'),
  sourceError: channel('ephemos:source:error'),
  handshake: channel('ephemos:tls:handshake'),
  refused: channel('ephemos:tls:refused'),
  connectionEnd: channel('ephemos:tls:end'),
});

/** Names of {@link channels}. */
export type ChannelName = 'sourceUpdate' | 'sourceError' | 'handshake' | 'refused' | 'connectionEnd';

/** Publishes a message that is made only when somebody listens. A listener that throws is Node's to report: it never reaches the caller. */
export function publish(name: ChannelName, message: () => object): void {
  const target = channels[name];
  if (target.hasSubscribers) target.publish(message());
}
