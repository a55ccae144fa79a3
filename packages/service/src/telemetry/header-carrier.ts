// Headers in and out of the propagators of OpenTelemetry. What comes in is untrusted and bounded; what goes out is ours.
import type { Context, TextMapGetter, TextMapSetter } from '@opentelemetry/api';
import type { OtelApi } from './conventions.ts';

/** Longest header that is shown to a propagator; W3C Baggage section 3.3.2 asks for 8,192 at the least. */
export const MAX_PROPAGATED_CHARS = 8192;

/** The headers of a request, as Node gives them. */
export type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

const incoming: TextMapGetter<IncomingHeaders> = {
  keys: (headers) => Object.keys(headers),
  get(headers, name) {
    const key = name.toLowerCase();
    const value = Object.hasOwn(headers, key) ? headers[key] : undefined;
    const text = Array.isArray(value) ? value.join(',') : value;
    return text !== undefined && text.length <= MAX_PROPAGATED_CHARS ? text : undefined;
  },
};

/** What {@link injectContext} writes to: `Headers` of fetch, Metadata of gRPC. */
export interface OutgoingHeaders {
  set(name: string, value: string): unknown;
}

const outgoing: TextMapSetter<OutgoingHeaders> = { set: (headers, name, value) => void headers.set(name, value) };

/** The context that a caller sent along; an empty one when it sent none, or none that can be read. */
export function extractContext(api: OtelApi, headers: IncomingHeaders): Context {
  // Not the active one: whatever was going on when the connection was made has nothing to do with this request.
  return api.propagation.extract(api.ROOT_CONTEXT, headers, incoming);
}

/** Writes a context for the next service. */
export function injectContext(api: OtelApi, context: Context, headers: OutgoingHeaders): void {
  api.propagation.inject(context, headers, outgoing);
}
