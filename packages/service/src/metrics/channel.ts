// Listens to the diagnostics channels of the library, by name.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ChannelMessages } from 'ephemos';

const names = {
  sourceError: 'ephemos:source:error',
  handshake: 'ephemos:tls:handshake',
  refused: 'ephemos:tls:refused',
  connectionClose: 'ephemos:tls:close',
  decision: 'ephemos:authorize:decision',
} as const;

/** The channels that metrics are made of. */
export type HeardChannel = keyof typeof names;

/**
 * Calls `listener` for every message. Returns the way to stop. The channels are those of the whole process.
 * A listener must not throw: Node.js makes that an uncaught exception.
 */
export function hear<N extends HeardChannel>(name: N, listener: (message: ChannelMessages[N]) => void): () => void {
  const onMessage = (message: unknown): void => {
    if (isMessageOf(name, message)) listener(message);
  };
  subscribe(names[name], onMessage);
  return () => void unsubscribe(names[name], onMessage);
}

// Only the library publishes there; the type of a message goes with the name of its channel.
function isMessageOf<N extends HeardChannel>(_name: N, message: unknown): message is ChannelMessages[N] {
  return typeof message === 'object' && message !== null;
}
