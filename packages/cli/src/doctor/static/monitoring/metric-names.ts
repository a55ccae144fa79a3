// The name of a series in; whether a service, SPIRE or Prometheus has it out.
import { metricNames } from '@ephemos/service';

/** Prefixes of our own: what starts so and is not in the list is nowhere. */
const OURS = /^(ephemos|http_server|rpc_server)_/;

/**
 * What the names of SPIRE's metrics go on with (doc/telemetry/telemetry.md of SPIRE 1.15.2; `runtime` is of its metrics library). The calls of its APIs
 * are in no list, so a name is judged by its family.
 */
const SPIRE: Readonly<Record<string, readonly string[]>> = {
  server: [
    ...[
      'bundle_manager',
      'ca',
      'datastore',
      'entry',
      'manager',
      'node',
      'node_manager',
      'registration_entry',
      'rpc',
      'runtime',
      'server_ca',
    ],
    ...['started', 'svid', 'uptime_in_ms'],
  ],
  agent: [
    ...['agent_key_manager', 'agent_svid', 'cache_manager', 'debug_api', 'delegated_identity_api', 'lru_cache_entry_add'],
    ...[
      'lru_cache_entry_remove',
      'lru_cache_entry_update',
      'lru_cache_record_map_size',
      'lru_cache_svid_map_size',
      'manager',
      'node',
      'rpc',
    ],
    ...['runtime', 'sds_api', 'started', 'uptime_in_ms', 'workload_api'],
  ],
};

let ours: ReadonlySet<string> | undefined;

/** Why nothing has a series of this name; undefined when something may have it. @param recorded names that rules record; none where no rules were given */
export function whyUnknown(name: string, recorded: ReadonlySet<string>): string | undefined {
  if (recorded.has(name)) return undefined;
  if (name.includes(':')) return recorded.size === 0 ? undefined : 'no rule given records it';
  if (OURS.test(name)) {
    ours ??= new Set(metricNames());
    return ours.has(name) ? undefined : 'no metric of an Ephemos service is called so';
  }
  const [, program, rest = ''] = /^spire_(server|agent)_(.+)$/.exec(name) ?? [];
  if (program === undefined) return undefined;
  if (rest.endsWith('_total')) return "SPIRE's counters have no _total";
  return (SPIRE[program] ?? []).some((each) => rest === each || rest.startsWith(`${each}_`))
    ? undefined
    : `spire-${program} has no metrics of this family`;
}
