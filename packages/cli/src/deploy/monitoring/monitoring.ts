// What a monitored installation is: who scrapes what under which name, and where alerts go.
import type { Length } from './pace.ts';

/** Names of the scrape jobs: rules tell targets apart by them. */
export interface Jobs {
  readonly services: string;
  readonly servers: string;
  readonly agents: string;
}

/** Where Prometheus finds what it scrapes, as host:port. */
export interface Targets {
  readonly services: readonly string[];
  readonly servers: readonly string[];
  readonly agents: readonly string[];
}

/** Everything that files of this room are rendered from. */
export interface Monitoring {
  readonly jobs: Jobs;
  readonly targets: Targets;
  /** How long the authority of a SPIRE server lives: `ca_ttl`. SPIRE replaces it when a sixth is left. */
  readonly authority: Length;
  /** The page that alerts link to, as an URL or a path. */
  readonly runbook: string;
  /** How often Prometheus scrapes and evaluates. */
  readonly interval: Length;
  /** Alertmanagers, as host:port. */
  readonly alertmanagers: readonly string[];
  /** Where Alertmanager sends what it has, by severity. */
  readonly receivers: { readonly critical: string; readonly warning: string };
}

/** What holds where nobody said otherwise: deploy/monitoring is rendered from it. */
export const DEFAULT_MONITORING: Monitoring = Object.freeze({
  jobs: { services: 'ephemos', servers: 'spire-server', agents: 'spire-agent' },
  targets: {
    services: ['orders.acme.internal:9090'],
    servers: ['localhost:9988'],
    agents: ['localhost:9989'],
  },
  authority: '168h',
  runbook: 'docs/runbook.md',
  interval: '30s',
  alertmanagers: ['localhost:9093'],
  receivers: { critical: 'http://localhost:9095/critical', warning: 'http://localhost:9095/warning' },
});
