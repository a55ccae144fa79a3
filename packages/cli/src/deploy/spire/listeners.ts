// The plaintext ports of a server or an agent in; the sections for probes and for Prometheus out.
import { block, type HclPart, note, set } from '../hcl/write-hcl.ts';
import type { Listener } from './spire.ts';

/** Both sections. They show no secrets, and ask for none: who may reach them is for the firewall to say. */
export function listenerParts(
  { health, metrics }: { readonly health: Listener; readonly metrics: Listener },
  remark?: string,
): readonly HclPart[] {
  return [
    note('Without this nothing answers probes: the listener is off by default, and would be on port 80.'),
    ...(remark === undefined ? [] : [note(remark)]),
    block('health_checks', '', [
      set('listener_enabled', true),
      set('bind_address', health.address),
      // A text, unlike every other port of SPIRE.
      set('bind_port', String(health.port)),
      set('live_path', '/live'),
      set('ready_path', '/ready'),
    ]),
    block('telemetry', '', [block('Prometheus', '', [set('host', metrics.address), set('port', metrics.port)])]),
  ];
}
