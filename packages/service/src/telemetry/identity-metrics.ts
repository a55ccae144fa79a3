// Turns the state of a source and what the channels tell about TLS into metrics of OpenTelemetry.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Meter, ObservableResult } from '@opentelemetry/api';
import type { X509Source } from 'ephemos';
import { HANDSHAKE_BUCKETS, OTHER } from '../conventions/calls.ts';

/** Shows a source. Returns the way to stop. */
export function observeSource(meter: Meter, source: X509Source): () => void {
  const gauges = [
    {
      gauge: meter.createObservableGauge('ephemos.svid.not_after_timestamp', { unit: 's', description: 'When the current SVID expires.' }),
      read: () => seconds(source.health.expiresAt),
    },
    {
      gauge: meter.createObservableGauge('ephemos.certificate.expiry', {
        unit: 's',
        description: 'Time until the current SVID expires; below zero afterwards.',
      }),
      read: () => seconds(source.health.expiresAt, Date.now()),
    },
    {
      gauge: meter.createObservableGauge('ephemos.spire_agent.connection_status', {
        description: 'Whether the stream to the Workload API stands.',
      }),
      read: () => (source.health.connected ? 1 : 0),
    },
  ].map(({ gauge, read }) => {
    const callback = (result: ObservableResult): void => {
      const value = read();
      if (value !== undefined) result.observe(value);
    };
    gauge.addCallback(callback);
    return { gauge, callback };
  });
  return () => {
    for (const { gauge, callback } of gauges) gauge.removeCallback(callback);
  };
}

function seconds(timestamp: number | undefined, from = 0): number | undefined {
  return timestamp === undefined ? undefined : (timestamp - from) / 1000;
}

/** Shows handshakes and those that failed. Returns the way to stop. */
export function observeTls(meter: Meter): () => void {
  const duration = meter.createHistogram('ephemos.tls.handshake.duration', {
    unit: 's',
    description: 'From the first byte of a connection to an admitted peer.',
    advice: { explicitBucketBoundaries: [...HANDSHAKE_BUCKETS] },
  });
  const failures = meter.createCounter('ephemos.tls.handshake.failures', {
    description: 'Connections that were not made; error.type is the code of the EphemosError.',
  });

  function onHandshake(message: unknown): void {
    const { role, protocol, seconds: took } = fieldsOf(message);
    if (typeof took !== 'number' || Number.isNaN(took)) return;
    duration.record(took, { role: textOf(role), 'tls.protocol.version': textOf(protocol).replace('TLSv', '') });
  }
  function onRefused(message: unknown): void {
    const { role, error, live } = fieldsOf(message);
    // A live connection that is ended had its handshake long ago.
    if (live !== true) failures.add(1, { role: textOf(role), 'error.type': textOf(fieldsOf(error)['code']) });
  }
  subscribe('ephemos:tls:handshake', onHandshake);
  subscribe('ephemos:tls:refused', onRefused);
  return () => {
    unsubscribe('ephemos:tls:handshake', onHandshake);
    unsubscribe('ephemos:tls:refused', onRefused);
  };
}

function fieldsOf(message: unknown): Readonly<Record<string, unknown>> {
  return typeof message === 'object' && message !== null ? { ...message } : {};
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : OTHER;
}
