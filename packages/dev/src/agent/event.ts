// What an agent tells about itself while it runs.
import type { Caller } from '../registry/entry.ts';
import type { Fault } from '../registry/fault.ts';

/** Something that happened in an agent. Never holds key or certificate bytes. */
export type DevAgentEvent =
  | { readonly type: 'registered'; readonly id: string; readonly hint: string }
  | { readonly type: 'removed'; readonly id: string }
  | { readonly type: 'issued'; readonly id: string; readonly expiresAt: Date }
  | { readonly type: 'authorities-changed'; readonly count: number }
  | { readonly type: 'federated' | 'unfederated'; readonly trustDomain: string }
  | { readonly type: 'stream-opened'; readonly stream: StreamDescription }
  | { readonly type: 'update-sent'; readonly stream: StreamDescription; readonly ids: readonly string[] }
  | { readonly type: 'stream-refused'; readonly stream: StreamDescription; readonly reason: string }
  | { readonly type: 'stream-closed'; readonly stream: StreamDescription }
  | { readonly type: 'fault'; readonly fault: Fault | undefined }
  | { readonly type: 'streams-dropped' }
  | { readonly type: 'restarting'; readonly downSeconds: number }
  | { readonly type: 'restarted' }
  | { readonly type: 'failed'; readonly what: string; readonly error: unknown };

/** One call of a client. */
export interface StreamDescription {
  /** Grows by one with every call. */
  readonly number: number;
  readonly rpc: 'FetchX509SVID' | 'FetchX509Bundles';
  readonly endpoint: string;
  /** Known on the shared socket only. */
  readonly caller: Caller | undefined;
}

/** Takes events as they happen. What it throws is ignored. */
export type OnDevAgentEvent = (event: DevAgentEvent) => void;
