import * as api from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { extractContext, MAX_PROPAGATED_CHARS } from '../../src/telemetry/header-carrier.ts';

const key = api.createContextKey('what a propagator has read');

afterEach(() => api.propagation.disable());

/** What a propagator that asks for a header gets. */
function read(headers: Parameters<typeof extractContext>[1], name: string): unknown {
  api.propagation.setGlobalPropagator({
    fields: () => [name],
    inject: () => undefined,
    extract: (context, carrier: unknown, { get }) => context.setValue(key, get(carrier, name)),
  });
  const value = extractContext(api, headers).getValue(key);
  api.propagation.disable();
  return value;
}

describe('headers for a propagator', () => {
  it('are found whatever case they are asked for in', () => {
    expect(read({ traceparent: 'x' }, 'Traceparent')).toBe('x');
    expect(read({ 'x-list': ['a', 'b'] }, 'x-list')).toBe('a,b');
  });

  it('that are longer than a propagator should have to read are not there', () => {
    expect(read({ baggage: 'x'.repeat(MAX_PROPAGATED_CHARS) }, 'baggage')).toHaveLength(MAX_PROPAGATED_CHARS);
    expect(read({ baggage: 'x'.repeat(MAX_PROPAGATED_CHARS + 1) }, 'baggage')).toBeUndefined();
    expect(read({ baggage: ['x'.repeat(MAX_PROPAGATED_CHARS), 'x'] }, 'baggage')).toBeUndefined();
  });

  it('are the own ones of the request alone', () => {
    expect(read({}, 'constructor')).toBeUndefined();
    expect(read({}, '__proto__')).toBeUndefined();
  });
});
